"""What goes over the wire about accounts: a manager's own staff, their training and their pledge."""

from datetime import date
from typing import Annotated, ClassVar, Final

from pydantic import Field, SecretStr, field_serializer

from pipeline.vault.api import Person
from schemas.audit import PRINCIPAL
from schemas.frozen import Frozen, UtcTime
from schemas.ids import Name, NamedStore

NamedPerson = Annotated[str, Name]
Display = Annotated[str, Field(min_length=1, max_length=PRINCIPAL)]
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


class Trained(Frozen):
    """Until when somebody's training holds."""

    path: ClassVar[str] = "training"
    until: UtcTime


class Pledged(Frozen):
    """When somebody signed the pledge of confidentiality, and until when it holds."""

    path: ClassVar[str] = "pledge"
    signed_on: date
    until: UtcTime


class Disabled(Frozen):
    """Whether an account is closed. Whoever has it is signed out at once."""

    path: ClassVar[str] = "disabled"
    disabled: bool


AccountChange = StaffStores | Trained | Pledged | Disabled
"""What a manager changes of an account; `path` is where it goes."""


class ShownAccounts(Frozen):
    """Accounts, by name; of people who have anything to do with the stores of who asks."""

    accounts: tuple[Person, ...]
