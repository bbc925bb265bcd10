"""A vault to test with: in memory or on disk, at noon, for two cameras of one store."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline import sealing
from pipeline.sealing import KeyPair, SealSuite
from pipeline.vault.access import Principal, Role
from pipeline.vault.api import Lease, lease_info
from pipeline.vault.keys import BucketKey, Owner
from pipeline.vault.ledger import Entry, Kind, Ledger, MemoryLedger
from pipeline.vault.policy import Allowed, Policy
from pipeline.vault.ring import MemoryRing, Ring
from pipeline.vault.store import KeyTable, SqliteKeyTable
from pipeline.vault.vault import Limits, Vault
from schemas.envelope import Purpose
from schemas.ids import CameraId, NoticeId, StoreId

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TTL = timedelta(hours=1)
BUCKET = timedelta(minutes=10)
DOOR = Owner(StoreId("ginza"), CameraId("door"), Purpose.CRIME_PREVENTION)
TILL = Owner(DOOR.store, CameraId("till"), DOOR.purpose)
_ALLOWED = Allowed(frozenset({Purpose.CRIME_PREVENTION, Purpose.PEOPLE_FLOW}), NoticeId("ginza-1"))
POLICY = Policy(
    frame_ttl=TTL,
    cameras={(owner.store, owner.camera): _ALLOWED for owner in (DOOR, TILL)},
)
DEVICE = Principal(name="device-ginza-pc", role=Role.DEVICE, store=DOOR.store)
DETECTING = Principal(name="detecting", role=Role.DETECTING)
WORKER: KeyPair = sealing.generate(SealSuite.X25519)


@dataclass
class Parts:
    """A vault and what it stands on."""

    table: KeyTable
    ring: Ring
    ledger: Ledger
    policy: Policy = POLICY

    def vault(self) -> Vault:
        return Vault(self.table, self.ring, self.ledger, self.policy, Limits(suite=SealSuite.X25519))


def in_memory(folder: Path) -> Parts:
    """Give parts of which only the key table is a file."""
    return Parts(SqliteKeyTable(folder / "keys.db"), MemoryRing(), MemoryLedger(Ed25519PrivateKey.generate()))


def keys_for(vault: Vault, now: datetime, length: timedelta = BUCKET, owner: Owner = DOOR) -> tuple[BucketKey, ...]:
    """Ask for the keys of frames from now on, as the device."""
    return vault.public_keys(DEVICE, owner, now, now + length, now)


def lent(vault: Vault, key: BucketKey, now: datetime) -> bytes:
    """Lease a key as detecting, and open the lease."""
    return opened(vault.lease(DETECTING, key.key_id, key.owner.purpose, WORKER.public, now))


def opened(lease: Lease) -> bytes:
    return sealing.open_(WORKER.private, lease_info(lease), lease.sealed)


def destroy(vault: Vault, now: datetime) -> int:
    """Do what the timer does."""
    vault.shred(now)
    count = vault.bury(now)
    vault.tell(now)
    return count


def damage(folder: Path, key: BucketKey) -> None:
    """Spoil the row of a private key, in the file of the key table."""
    with closing(sqlite3.connect(folder / "keys.db")) as db:
        db.execute("UPDATE private_keys SET wrapped = zeroblob(60) WHERE key_id = ?", (key.key_id,))
        db.commit()


def of_kind(ledger: Ledger, kind: Kind) -> list[Entry]:
    return [entry for entry in ledger.entries(0, 1_000_000) if entry.kind is kind]
