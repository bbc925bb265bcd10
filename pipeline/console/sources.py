"""Where the console looks: the warehouse, the broker and the vault, each behind a few questions."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple, Protocol

from pipeline.console.drawings import Drawings, MemoryDrawings
from pipeline.flow.rows import AlertRow, CoverageRow, FlowRow
from pipeline.vault.api import (
    BackdropRequest,
    CheckpointPage,
    Erasure,
    ErasureRequest,
    EvidenceObject,
    Hold,
    HoldRequest,
    LedgerPage,
    Look,
    LookRequest,
    Matrix,
    Person,
    Receipt,
    Release,
    ReleaseRequest,
    SignedIn,
)
from pipeline.vault.people_api import AccountChange, NewAccount, NewPassword, OwnPassword
from schemas.alert import Alert
from schemas.aside import SetAside
from schemas.erasure import ErasureReceipt
from schemas.health import CameraHealth, DeviceHealth
from schemas.ids import AlertId, KeyId, StoreId
from schemas.regulation import Regulation

News = Alert | SetAside | DeviceHealth | CameraHealth | ErasureReceipt
"""What the console follows live: alerts.v1, health.v1 and erasures.v1; no pictures, and no boxes of anyone else."""


class Warehouse(Protocol):
    """What recording wrote. Every question raises `Unavailable` when it is away."""

    async def alerts(self, since: datetime, now: datetime, limit: int) -> Sequence[AlertRow]:
        """The newest alerts that live still."""
        ...

    async def flow(self, store: StoreId, begin: datetime, end: datetime) -> Sequence[FlowRow]:
        """Every window of a store that began in the span, oldest first."""
        ...

    async def coverage(self, since: datetime) -> Sequence[CoverageRow]:
        """The newest window of each camera."""
        ...


class Reading(NamedTuple):
    """How far a stage has read one partition. `committed` is None where it never committed."""

    topic: str
    partition: int
    committed: int | None
    begin: int
    end: int


class Group(NamedTuple):
    """One stage as the broker sees it."""

    stage: str
    workers: int
    readings: tuple[Reading, ...]


class Broker(Protocol):
    """Kafka. Raises `Unavailable` when it is away."""

    def news(self, since: datetime) -> AsyncGenerator[News | None]:
        """Tell alerts, reports and receipts from `since` on, then as they come; None says that nothing is new."""
        ...

    async def groups(self) -> Sequence[Group]:
        """How far each stage has read."""
        ...

    async def dead_letters(self) -> dict[str, int]:
        """How many lie in each dead-letter topic."""
        ...


class Forgotten(NamedTuple):
    """What the vault says of what it destroyed. Times are None where there is nothing yet."""

    keys_destroyed: int
    keys_alive: int
    oldest_readable: datetime | None
    next_destruction_at: datetime | None
    ttl: timedelta


class Vault(Protocol):
    """The vault in numbers. Raises `Unavailable` when it is away."""

    async def forgotten(self) -> Forgotten: ...


class People(Protocol):
    """The vault, asked for one signed-in person, whose name it writes into the ledger; it decides about every act.

    `session` is the token that signing in gave. Every method raises SignedOut when that is over, Unavailable when the
    vault is away, Refused when this person may not, Erased when the evidence is gone, and Rejected when there is no
    such thing. `VaultClient` is the real one.
    """

    async def sign_in(self, name: str, password: str) -> SignedIn:
        """Begin a session. SignedOut: nobody comes in with these."""
        ...

    async def sign_out(self, *, session: str) -> None: ...

    async def me(self, *, session: str) -> Person: ...

    async def here(self, *, session: str) -> Person:
        """Say that the person is at their page. Asking for anything keeps no session alive."""
        ...

    async def acknowledge_rules(self, version: str, *, session: str) -> Person:
        """Note that this person has read this version of the rules."""
        ...

    async def matrix(self, *, session: str | None = None) -> Matrix: ...

    async def object_of(self, alert_id: AlertId, *, session: str | None = None) -> EvidenceObject:
        """What is kept of an alert; of a held one, the hold's."""
        ...

    async def ask_backdrop(self, asked: BackdropRequest, *, session: str) -> EvidenceObject:
        """Ask for a picture of a camera's place without anybody in it, to look at as at an alert's evidence."""
        ...

    async def look(self, asked: LookRequest, *, session: str) -> Look:
        """Borrow the key of an alert's evidence. The ledger holds the look before the key is lent."""
        ...

    async def erase(self, asked: ErasureRequest, *, session: str) -> Erasure:
        """Destroy keys before their time. They are gone when this returns."""
        ...

    async def holds(self, *, session: str | None = None) -> tuple[Hold, ...]: ...

    async def propose_hold(self, asked: HoldRequest, *, session: str) -> Hold: ...

    async def confirm_hold(self, hold_id: str, *, session: str) -> Hold: ...

    async def end_hold(self, hold_id: str, *, session: str) -> Hold: ...

    async def release(self, asked: ReleaseRequest, *, session: str) -> Release: ...

    async def releases(self, *, session: str) -> tuple[Release, ...]:
        """Which releases are in force: to this person, or of stores where they may release."""
        ...

    async def accounts(self, *, session: str) -> tuple[Person, ...]:
        """The accounts of a manager's stores."""
        ...

    async def add_account(self, asked: NewAccount, *, session: str) -> Person: ...

    async def change_account(self, name: str, asked: AccountChange, *, session: str) -> Person: ...

    async def reset_password(self, name: str, asked: NewPassword, *, session: str) -> None: ...

    async def change_password(self, asked: OwnPassword, *, session: str) -> None:
        """Choose another password for oneself. SignedOut: the old one is wrong."""
        ...

    async def checkpoints(self, from_index: int = 0, *, session: str | None = None) -> CheckpointPage: ...

    async def receipt(self, key_id: KeyId, *, session: str | None = None) -> Receipt: ...

    async def ledger(self, from_index: int, limit: int = 1000, *, session: str | None = None) -> LedgerPage: ...


class Objects(Protocol):
    """Where sealed evidence lies: as much of it as a reader needs (`pipeline.objects` has the rest)."""

    async def get(self, name: str) -> bytes | None:
        """Return an object, or None where there is none. Raises Unavailable while the storage is away."""
        ...


class Sources(NamedTuple):
    """All of them."""

    warehouse: Warehouse
    broker: Broker
    vault: Vault
    people: People
    objects: Objects
    rules: Mapping[StoreId, Regulation] = MappingProxyType({})
    drawings: Drawings = MemoryDrawings()
