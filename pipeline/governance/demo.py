"""Somebody in every role, for a demo: random passwords, and all in order so that everything can be tried."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from pipeline.governance.accounts import added, open_accounts
from pipeline.governance.passwords import Passwords
from pipeline.governance.people import Grant, new_account
from pipeline.governance.roles import ALL, Role, Stores
from schemas.ids import StoreId
from schemas.regulation import Regulation

_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that are taken for one another."""

_PEOPLE: Final = {
    "manager": (Role.MANAGER, "Demo Manager 店長"),
    "deputy": (Role.DEPUTY, "Demo Deputy 副店長"),
    "staff": (Role.STAFF, "Demo Staff スタッフ"),
    "auditor": (Role.AUDITOR, "Demo Auditor 監査"),
    "on-call": (Role.ON_CALL, "Demo On-call 当番"),
}
_VALID: Final = timedelta(days=90)


def demo_accounts(folder: Path, regulations: Mapping[StoreId, Regulation], now: datetime) -> dict[str, str]:
    """Make them in a vault's new folder, and return their passwords by name. Staff work in the first store alone."""
    accounts, passwords, chosen = open_accounts(folder), Passwords(), {}
    for name, (role, display) in _PEOPLE.items():
        stores: Stores = frozenset(list(regulations)[:1]) if role is Role.STAFF else ALL
        account = new_account(
            name,
            display,
            [Grant(role, stores)],
            training_until=now + _VALID,
            pledged_on=now.date(),
            pledge_until=now + _VALID,
            acknowledged={store: each.version for store, each in regulations.items()},
            now=now,
        )
        chosen[name] = _password()
        accounts.add(account, passwords.hash(SecretStr(chosen[name])), added(account, by="demo"))
    accounts.close()
    return chosen


def _password() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
