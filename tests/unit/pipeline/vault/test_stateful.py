"""Whatever is asked in whatever order, and however often the vault is started again: no key lives on."""

import tempfile
from collections import Counter
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pipeline import sealing, signing
from pipeline.clock import ManualClock
from pipeline.errors import Erased
from pipeline.vault.guard import Guard
from pipeline.vault.keys import BucketKey, Owner
from pipeline.vault.ledger import FileLedger, Kind, faults
from pipeline.vault.ring import FileRing
from pipeline.vault.store import SqliteKeyTable
from pipeline.vault.vault import Vault
from tests.unit.pipeline.vault.building import (
    BUCKET,
    DOOR,
    NOON,
    TILL,
    TTL,
    Parts,
    destroy,
    keys_for,
    lent,
    of_kind,
)

SHORT = st.timedeltas(timedelta(0), timedelta(minutes=50))


class Life(RuleBasedStateMachine):
    """A vault, its files, and a model of what it owes: when each key must be gone."""

    def __init__(self) -> None:
        super().__init__()
        self.files = ExitStack()
        self.home = tempfile.TemporaryDirectory()
        self.folder = Path(self.home.name)
        self.clock = ManualClock(NOON)
        self.keys: dict[str, BucketKey] = {}
        self.parts, self.vault, self.guard = self.start()

    def start(self) -> tuple[Parts, Vault, Guard]:
        table = self.files.enter_context(closing(SqliteKeyTable(self.folder / "keys.db")))
        ring = self.files.enter_context(closing(FileRing(self.folder / "ring")))
        signer = signing.load_or_create(self.folder / "ledger.key")
        ledger = self.files.enter_context(closing(FileLedger(self.folder / "ledger.jsonl", signer)))
        parts = Parts(table, ring, ledger)
        vault, guard = parts.vault(), Guard(self.clock, table.high_water())
        vault.recover(guard.read().now)
        return parts, vault, guard

    def teardown(self) -> None:
        self.files.close()
        self.home.cleanup()

    @rule(buckets=st.integers(1, 5), owner=st.sampled_from([DOOR, TILL]))
    def ask_for_keys(self, buckets: int, owner: Owner) -> None:
        now = self.guard.read().now
        asked = keys_for(self.vault, now, buckets * BUCKET, owner)
        self.keys |= {key.key_id: key for key in asked}

        assert all(key.span.expires_at <= key.span.start + TTL for key in asked)
        assert all(key.span.expires_at > now for key in asked)

    @precondition(lambda self: self.keys)
    @rule(data=st.data())
    def lease(self, data: st.DataObject) -> None:
        key = self.keys[data.draw(st.sampled_from(sorted(self.keys)))]
        now = self.guard.read().now
        try:
            private = lent(self.vault, key, now)
        except Erased:
            assert key.span.expires_at <= now
        else:
            assert key.span.expires_at > now
            assert sealing.open_(private, b"", sealing.seal(key.public, b"", b"picture")) == b"picture"

    @rule(length=SHORT)
    def time_passes(self, length: timedelta) -> None:
        self.clock.advance(length)

    @rule(length=st.timedeltas(-timedelta(days=2), timedelta(minutes=55)))
    def the_wall_clock_is_set(self, length: timedelta) -> None:
        self.clock.set_wall(self.clock.now() + length)

    @rule()
    def the_timer_runs(self) -> None:
        destroy(self.vault, self.guard.read().now)

        alive = {key.key_id for key in self.keys.values() if key.span.expires_at > self.guard.read().now}
        receipts = Counter(entry.body["key_id"] for entry in of_kind(self.parts.ledger, Kind.KEY_DESTROYED))
        assert receipts == dict.fromkeys(set(self.keys) - alive, 1)

    @rule(noted=st.booleans())
    def the_vault_is_started_again(self, *, noted: bool) -> None:
        if noted:
            self.vault.note_time(self.guard.read().now)
        self.vault.tell(self.guard.read().now)
        self.files.close()
        self.parts, self.vault, self.guard = self.start()

    @invariant()
    def the_ring_holds_what_the_table_needs_and_no_more(self) -> None:
        assert self.parts.ring.names() == self.parts.table.slot_keys()

    @invariant()
    def the_ledger_is_whole(self) -> None:
        signer = signing.load(self.folder / "ledger.key")
        assert not list(faults(self.parts.ledger.entries(0, 10_000), signer.public_key()))


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
