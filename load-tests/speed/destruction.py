"""How long it takes until a full slot is destroyed, and written down: private keys, slot key, receipts, checkpoint."""

import shutil
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from measured import Measured, Spent

from pipeline.sealing import SealSuite
from pipeline.vault.checkpoints import CheckpointedLedger, Checkpoints, read_checkpoints
from pipeline.vault.keys import BucketKey, Owner, span_at
from pipeline.vault.ledger import FileLedger, Kind
from pipeline.vault.policy import Policy
from pipeline.vault.ring import FileRing
from pipeline.vault.store import SqliteKeyTable
from pipeline.vault.vault import Limits, Vault
from schemas.envelope import Purpose
from schemas.ids import CameraId, KeyId, NoticeId, StoreId

NOON: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TTL: Final = timedelta(hours=1)
KEYS: Final = 10_000


@dataclass(frozen=True)
class Found:
    """One slot's end, in seconds: `shred` until nothing opens, `bury` and `tell` until it is written down.

    Waiting for the disk is in them; waiting for a core that somebody else has is in `wall` alone.
    """

    keys: int
    suite: str
    shred: float
    bury: float
    tell: float
    wall: float

    @property
    def seconds(self) -> float:
        return self.shred + self.bury + self.tell

    def as_dict(self) -> dict[str, Any]:
        steps = {"shred_s": self.shred, "bury_s": self.bury, "tell_s": self.tell, "destroy_s": self.seconds}
        steps["by_the_wall_s"] = self.wall
        return {"keys": self.keys, "suite": self.suite} | {name: round(value, 4) for name, value in steps.items()}


def measure(place: Path, *, quick: bool) -> Measured:
    """Destroy a slot of 10,000 keys: once where it should be quick, else five times, of which the slowest counts."""
    found = [run(place / str(number), KEYS, SealSuite.MLKEM768_X25519) for number in range(1 if quick else 5)]
    slowest = max(found, key=lambda one: one.seconds)
    steps = {"beyond recovery": slowest.shred, "receipts": slowest.bury, "ledger and checkpoint": slowest.tell}
    return Measured(
        title=f"Destroying a slot of {KEYS:,} keys",
        shown=[*((name, f"{seconds:.3f} s") for name, seconds in steps.items()), ("all", f"{slowest.seconds:.3f} s")],
        limited={f"destroy_slot_of_{KEYS}_keys_s": slowest.seconds},
        details={"runs": [one.as_dict() for one in found]},
        plots=[lambda axes: _plot(axes, steps)],
    )


def _plot(axes: Any, steps: dict[str, float]) -> None:
    axes.bar(list(steps), list(steps.values()))
    axes.set(title=f"Destroying {KEYS:,} keys", ylabel="seconds")


def run(place: Path, keys: int, suite: SealSuite) -> Found:
    """Make so many keys that expire together, on a real disk, let them expire, and do what the timer does."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    key = Ed25519PrivateKey.generate()
    with (
        closing(FileRing(place / "slot-keys")) as ring,
        closing(SqliteKeyTable(place / "keys.db")) as table,
        closing(FileLedger(place / "ledger.jsonl", key)) as file,
    ):
        ledger = CheckpointedLedger(file, Checkpoints(place / "checkpoints.jsonl", file, key))
        vault = Vault(table, ring, ledger, Policy(TTL), Limits(suite=suite))
        made = vault.make([_wanted(number) for number in range(keys)])
        vault.tell(NOON)
        end = made[0].span.expires_at
        found = _destroyed(vault, end, keys, suite)
        _check(place, ledger, keys)
        return found


def _wanted(number: int) -> BucketKey:
    owner = Owner(StoreId(f"store-{number // 64}"), CameraId(f"camera-{number % 64}"), Purpose.CRIME_PREVENTION)
    return BucketKey(KeyId(uuid4().hex), owner, span_at(NOON, TTL), NOON, NoticeId("notice-1"), b"")


def _destroyed(vault: Vault, end: datetime, keys: int, suite: SealSuite) -> Found:
    times = [Spent.of()]
    vault.shred(end)
    times.append(Spent.of())
    buried = vault.bury(end)
    times.append(Spent.of())
    vault.tell(end)
    times.append(Spent.of())
    if buried != keys:
        raise RuntimeError(f"{buried} of {keys} keys were destroyed")
    shred, bury, tell = (after.since(before).own for before, after in pairwise(times))
    return Found(keys, suite.value, shred, bury, tell, times[-1].at - times[0].at)


def _check(place: Path, ledger: CheckpointedLedger, keys: int) -> None:
    """What was timed is all of it: a receipt for each key, and a checkpoint over them."""
    receipts = sum(entry.kind is Kind.KEY_DESTROYED for entry in ledger.entries(0, 1 << 30))
    covered = read_checkpoints(place / "checkpoints.jsonl")[-1].size
    if (receipts, covered) != (keys, len(ledger)):
        raise RuntimeError(f"{receipts} receipts for {keys} keys; the checkpoint covers {covered} of {len(ledger)}")
