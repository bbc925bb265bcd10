"""What goes over the wire about accounts: a manager's own staff, their training and their pledge."""

from datetime import date
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field, SecretStr, field_serializer, model_validator

from pipeline.vault.api import Person, one_line
from schemas.audit import PRINCIPAL
from schemas.frozen import Frozen, UtcTime
from schemas.ids import Name, NamedStore

NamedPerson = Annotated[str, Name]
Display = Annotated[str, Field(min_length=1, max_length=PRINCIPAL), AfterValidator(one_line)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=1024)]
ROUTES: Final = "/v1/accounts"


class _WithPassword(Frozen):
    password: Password

    @field_serializer("password", when_used="json")
    def _said(self, password: SecretStr) -> str:
        return password.get_secret_value()


class NewAccount(_WithPassword):
    """A manager makes an account for one of their staff, who has been trained and has signed the pledge."""

    name: NamedPerson
    display_name: Display
    stores: Annotated[tuple[NamedStore, ...], Field(min_length=1)]
    training_until: UtcTime
    pledged_on: date
    pledge_until: UtcTime


class NewPassword(_WithPassword):
    """Another password, for somebody of one's staff."""


class OwnPassword(_WithPassword):
    """Another password for oneself, with the `old` one."""

    old: Password

    @field_serializer("old", when_used="json")
    def _old(self, old: SecretStr) -> str:
        return old.get_secret_value()


class StaffStores(Frozen):
    """The stores, of a manager's own, in which somebody is staff from now on; none: in none of them any more."""

    path: ClassVar[str] = "stores"
    stores: tuple[NamedStore, ...]


class Pledged(Frozen):
    """When somebody signed the pledge of confidentiality, and until when it holds."""

    signed_on: date
    until: UtcTime


class Recorded(Frozen):
    """Training and pledge, as they are taken down together: both or, where one is wrong, neither."""

    path: ClassVar[str] = "dates"
    training_until: UtcTime | None = None
    pledged: Pledged | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Recorded":
        if self.training_until is None and self.pledged is None:
            raise ValueError("name a training's end, or a pledge")
        return self


class Disabled(Frozen):
    """Whether an account is closed. Whoever has it is signed out at once."""

    path: ClassVar[str] = "disabled"
    disabled: bool


AccountChange = StaffStores | Recorded | Disabled
"""What a manager changes of an account; `path` is where it goes."""


class ShownAccounts(Frozen):
    """Accounts, by name; of people who have anything to do with the stores of who asks."""

    accounts: tuple[Person, ...]
