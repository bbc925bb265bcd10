"""What goes over the wire between the vault and those who ask it."""

from enum import StrEnum
from typing import Annotated, Final

import rfc8785
from pydantic import BaseModel, ConfigDict, Field

from pipeline.vault.ledger import Entry
from schemas.envelope import Purpose
from schemas.frozen import Frozen, UtcTime, iso
from schemas.ids import NamedCamera, NamedKey, NamedStore

_LEASE_TAG: Final = b"mimamori/lease/1\x00"


class _Answer(Frozen):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")


class PublicKeysQuery(Frozen):
    """Asks for the keys of all frames from `start` to before `end`."""

    store: NamedStore
    camera: NamedCamera
    purpose: Purpose
    start: UtcTime
    end: UtcTime


class PublicKey(_Answer):
    """Seal frames from `bucket_start` to before `bucket_end` to this, and let them expire at `expires_at`."""

    key_id: NamedKey
    store_id: NamedStore
    camera_id: NamedCamera
    purpose: Purpose
    bucket_start: UtcTime
    bucket_end: UtcTime
    expires_at: UtcTime
    public: bytes


class PublicKeys(_Answer):
    """Keys in order of time, without a gap; fewer than asked for where there were too many."""

    keys: tuple[PublicKey, ...]


class LeaseRequest(_Answer):
    """Asks to hold a private key for a while. It comes sealed to `lease_public`, which the asker made."""

    key_id: NamedKey
    purpose: Purpose
    lease_public: Annotated[bytes, Field(max_length=4096)]


class Lease(_Answer):
    """A private key, sealed to the worker's lease key under `lease_info`. Use it no longer than until `ends_at`.

    `at` is the vault's time: the worker counts from there with a clock of its own that only runs.
    """

    key_id: NamedKey
    purpose: Purpose
    principal: str
    at: UtcTime
    ends_at: UtcTime
    sealed: bytes


class LedgerPage(_Answer):
    """Entries from an index on, and how many there are in all."""

    entries: tuple[Entry, ...]
    length: int


class Status(_Answer):
    """The vault in numbers. Lateness is of destructions since the vault started."""

    now: UtcTime
    keys_alive: int
    keys_destroyed: int
    oldest_readable: UtcTime | None
    next_destruction: UtcTime | None
    lateness_last_seconds: float | None
    lateness_max_seconds: float | None
    ledger_length: int
    ledger_waiting: int
    suite: str
    frame_ttl_seconds: float
    clock_doubtful: bool = False
    ledger_public_key: bytes = b""


class Fault(StrEnum):
    """Why the vault gives nothing, in its problem details: what no vault says was not answered by one."""

    STRANGER = "stranger"
    WRONG_ROLE = "wrong_role"
    REFUSED = "refused"
    UNKNOWN_KEY = "unknown_key"
    ERASED = "erased"
    UNREADABLE = "unreadable"
    AWAY = "away"


class Problem(BaseModel):
    """Problem details (RFC 9457), as far as they are read."""

    detail: str = ""
    fault: Fault
    fields: tuple[str, ...] = ()
    """What could not be read."""


def lease_info(lease: Lease) -> bytes:
    """Say canonically what a lease is for: sealed under it, it opens under no other."""
    return _LEASE_TAG + rfc8785.dumps(
        {
            "ends_at": iso(lease.ends_at),
            "key_id": lease.key_id,
            "principal": lease.principal,
            "purpose": lease.purpose.value,
        }
    )
