"""People to test with: two stores, a cheap hash, and somebody in every role, trained and pledged at noon."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from pydantic import SecretStr

from pipeline.governance.accounts import Accounts, changed, open_accounts
from pipeline.governance.passwords import Hashing, Passwords
from pipeline.governance.people import Account, Grant, Rules, replace_grants
from pipeline.governance.roles import ALL, Role, Stores
from pipeline.vault.people import People
from pipeline.vault.people_staff import Staff
from schemas.envelope import Purpose
from schemas.ids import StoreId
from tests.unit.pipeline.vault.building import NOON

GINZA, SHIBUYA = StoreId("ginza"), StoreId("shibuya")
OWN: Final[Stores] = frozenset({GINZA})
PICTURES: Final = Purpose.CRIME_PREVENTION
RULES: Final = {
    GINZA: Rules("ginza-2", frozenset({Purpose.CRIME_PREVENTION, Purpose.PEOPLE_FLOW})),
    SHIBUYA: Rules("shibuya-1", frozenset({Purpose.CRIME_PREVENTION})),
}
PASSWORD: Final = SecretStr("four quiet words here")
CHEAP: Final = PasswordHasher(1, 8, 1)
HASHED: Final = CHEAP.hash(PASSWORD.get_secret_value())
YEAR: Final = timedelta(days=365)


def hashing() -> Hashing:
    """Hash cheaply: what it costs for real is measured elsewhere."""
    return Hashing(Passwords(CHEAP))


def somebody(name: str, *grants: Grant, now: datetime = NOON) -> Account:
    """Give an account with everything in order."""
    account = Account(
        name,
        name.title(),
        training_until=now + YEAR,
        pledged_on=now.date(),
        pledge_until=now + YEAR,
        acknowledged={store: rules.version for store, rules in RULES.items()},
    )
    return replace_grants(account, grants)


SATO: Final = somebody("sato", Grant(Role.MANAGER, OWN))
EVERYBODY: Final = (
    SATO,
    somebody("suzuki", Grant(Role.DEPUTY, OWN)),
    somebody("tanaka", Grant(Role.STAFF, OWN)),
    somebody("ito", Grant(Role.STAFF, frozenset({SHIBUYA}))),
    somebody("mori", Grant(Role.AUDITOR, ALL)),
    somebody("abe", Grant(Role.ON_CALL, ALL)),
)


class Town:
    """Accounts in a file, and who asks for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.accounts: Accounts = open_accounts(folder)
        self.hashing = hashing()
        self.people = People(self.accounts, RULES, self.hashing)
        self.staff = Staff(self.people, self.accounts, self.hashing)

    def settle(self, *accounts: Account) -> None:
        for each in accounts:
            self.accounts.add(each, HASHED, changed(each.name, by="test", what="added"))

    def close(self) -> None:
        self.people.close()
