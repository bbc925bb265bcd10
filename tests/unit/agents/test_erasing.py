"""The ledger is followed by index, page by page, and published once."""

from datetime import datetime
from hashlib import sha256
from typing import Any

import pytest
from faust.types.tuples import TP

from agents import dying
from agents.erasing import SOURCE, Erasing, create, follow_or_die, gone, tidy_or_die
from pipeline.errors import MimamoriError, Misconfigured, Unavailable
from pipeline.settings import Settings
from pipeline.vault.api import LedgerPage
from pipeline.vault.ledger import FIRST, Entry, Kind
from schemas.audit import AccessRecord
from schemas.envelope import Message
from schemas.erasure import ErasureReceipt
from schemas.frozen import iso
from tests.examples import HOUR, NOON
from tests.unit.agents.twin import Died
from tests.unit.pipeline.test_opening import ESTATE


def destroyed(index: int) -> Entry:
    body = {
        "key_id": f"k-{index}", "store_id": "ginza", "camera_id": "entrance", "purpose": "crime_prevention",
        "bucket_start": iso(NOON), "bucket_end": iso(NOON), "expires_at": iso(NOON + HOUR), "created_at": iso(NOON),
        "notice_id": "door", "destroyed_at": iso(NOON + HOUR), "method": "slot_key_destroyed", "slot_key": "s",
    }  # fmt: skip
    return entry(index, Kind.KEY_DESTROYED, body)


def refused(index: int) -> Entry:
    return entry(index, Kind.REFUSED, {"principal": "recording", "action": "lease", "reason": "purpose_incompatible"})


def entry(index: int, kind: Kind, body: dict[str, Any]) -> Entry:
    chain = {"previous": digest(index - 1) if index else FIRST, "hash": digest(index)}
    return Entry(index=index, at=NOON, kind=kind, body=body, signature="s", **chain)


def digest(index: int, of: str = "one") -> str:
    return sha256(f"{of} {index}".encode()).hexdigest()


def another(index: int) -> Entry:
    """An entry of another ledger."""
    previous = digest(index - 1, "another") if index else FIRST
    return destroyed(index).model_copy(update={"hash": digest(index, "another"), "previous": previous})


class Vault:
    """A ledger, two entries a page."""

    def __init__(self, *entries: Entry, answer: MimamoriError | None = None) -> None:
        self.entries = list(entries)
        self.answer = answer

    async def ledger(self, from_index: int, _limit: int) -> LedgerPage:
        if self.answer is not None:
            raise self.answer
        return LedgerPage(entries=tuple(self.entries[from_index : from_index + 2]), length=len(self.entries))


class Stage:
    """Keeps notes, and what was sent."""

    def __init__(self) -> None:
        self.lanes = {TP(SOURCE, 0)}
        self.sent: list[Message] = []
        self.notes: list[bytes] = []

    async def send(self, messages: list[Message]) -> None:
        self.sent += messages

    async def note(self, _name: str, value: bytes) -> None:
        self.notes.append(value)

    async def noted(self, _name: str) -> list[bytes]:
        return self.notes

    def indices(self) -> list[int]:
        return [each.ledger_index for each in self.sent if isinstance(each, ErasureReceipt)]


def erasing(stage: Stage, vault: Vault, told: dict[str, datetime] | None = None) -> Erasing:
    any_stage: Any = stage
    any_vault: Any = vault
    return Erasing(any_stage, any_vault, (told if told is not None else {}).update)


class Tidying:
    """Counts its turns, or raises."""

    def __init__(self, answer: Exception | None = None) -> None:
        self.turns = 0
        self.answer = answer

    async def turn(self) -> None:
        self.turns += 1
        if self.answer is not None:
            raise self.answer


async def test_r20_every_destruction_is_published_as_a_receipt_in_order() -> None:
    stage = Stage()
    await erasing(stage, Vault(*map(destroyed, range(5)))).follow()

    receipts = [each for each in stage.sent if isinstance(each, ErasureReceipt)]
    assert [each.ledger_index for each in receipts] == [0, 1, 2, 3, 4]


async def test_r20_whoever_sweeps_is_told_which_keys_are_gone() -> None:
    told: dict[str, datetime] = {}
    await erasing(Stage(), Vault(destroyed(0), refused(1), destroyed(2)), told).follow()

    assert told == {"k-0": NOON + HOUR, "k-2": NOON + HOUR}


def test_r21_a_key_had_to_go_when_it_expired_or_was_decided_to() -> None:
    late, early = destroyed(0), destroyed(1)
    late.body["destroyed_at"] = iso(NOON + 2 * HOUR)
    early.body["destroyed_at"] = iso(NOON + HOUR / 2)

    assert gone([late, early, refused(2)]) == {"k-0": NOON + HOUR, "k-1": NOON + HOUR / 2}


@pytest.mark.parametrize(("partition", "turns"), [(0, 1), (1, 0)])
async def test_only_who_holds_the_first_partition_takes_things_away(partition: int, turns: int) -> None:
    stage, tidying = Stage(), Tidying()
    stage.lanes = {TP(SOURCE, partition)}
    told: Any = tidying
    await tidy_or_die(erasing(stage, Vault()), told)

    assert tidying.turns == turns


async def test_what_cannot_be_taken_away_ends_the_process_unquoted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def end(status: int) -> None:
        raise Died(str(status))

    monkeypatch.setattr(dying.os, "_exit", end)  # type: ignore[attr-defined]  # os, as the module has it
    tidying: Any = Tidying(ValueError("a private thing"))

    with pytest.raises(Died):
        await tidy_or_die(erasing(Stage(), Vault()), tidying)

    said = capsys.readouterr()
    assert "ValueError" in said.out + said.err
    assert "a private thing" not in said.out + said.err


async def test_r18_refusals_are_published_as_access_records() -> None:
    stage = Stage()
    await erasing(stage, Vault(refused(0))).follow()

    (record,) = stage.sent
    assert isinstance(record, AccessRecord)
    assert (record.granted, record.principal) == (False, "recording")


async def test_whoever_starts_again_goes_on_where_the_last_one_was() -> None:
    stage, vault = Stage(), Vault(destroyed(0), destroyed(1))
    await erasing(stage, vault).follow()
    vault.entries.append(destroyed(2))
    await erasing(stage, vault).follow()

    assert [each.event_id for each in stage.sent] == [each.event_id for each in dict.fromkeys(stage.sent)]
    assert len(stage.sent) == 3


async def test_a_late_note_of_a_worker_that_overslept_does_not_send_it_back() -> None:
    stage, vault = Stage(), Vault(*map(destroyed, range(4)))
    await erasing(stage, vault).follow()
    stage.notes.append(stage.notes[0])
    stage.sent.clear()
    vault.entries.append(destroyed(4))

    await erasing(stage, vault).follow()

    assert stage.indices() == [4]


@pytest.mark.parametrize("length", [1, 4, 6])
async def test_r20_another_ledger_is_published_from_its_beginning(length: int) -> None:
    stage = Stage()
    await erasing(stage, Vault(*map(destroyed, range(4)))).follow()
    stage.sent.clear()
    anew = Vault(*map(another, range(length)))

    await erasing(stage, anew).follow()
    anew.entries += map(another, range(length, 7))
    await erasing(stage, anew).follow()

    assert sorted(set(stage.indices())) == list(range(7))


async def test_r20_a_ledger_that_changes_while_it_is_followed_is_published_from_its_beginning() -> None:
    stage, vault = Stage(), Vault(*map(destroyed, range(4)))
    follower = erasing(stage, vault)
    await follower.follow()
    stage.sent.clear()
    vault.entries = list(map(another, range(2)))

    await follower.follow()

    assert stage.indices() == [0, 1]


async def test_with_a_new_ledger_it_goes_on_where_it_was_though_the_old_one_was_longer() -> None:
    stage = Stage()
    await erasing(stage, Vault(*map(destroyed, range(6)))).follow()
    anew = Vault(*map(another, range(4)))
    await erasing(stage, anew).follow()
    stage.sent.clear()
    anew.entries += map(another, range(4, 8))

    await erasing(stage, anew).follow()

    assert stage.indices() == [4, 5, 6, 7]


async def test_a_note_that_cannot_be_read_is_none() -> None:
    stage = Stage()
    stage.notes = [b"17", b""]

    await erasing(stage, Vault(destroyed(0))).follow()

    assert stage.indices() == [0]


async def test_the_same_entry_gives_the_same_message() -> None:
    first, again = Stage(), Stage()
    for stage in (first, again):
        await erasing(stage, Vault(destroyed(0), refused(1))).follow()

    assert first.sent == again.sent


async def test_only_who_holds_the_first_partition_publishes() -> None:
    stage = Stage()
    stage.lanes = {TP(SOURCE, 1)}
    await erasing(stage, Vault(destroyed(0))).follow()

    assert stage.sent == []


async def test_an_absent_vault_is_asked_again() -> None:
    stage, vault = Stage(), Vault(destroyed(0), answer=Unavailable("away"))
    follower = erasing(stage, vault)
    await follower.follow()
    vault.answer = None
    await follower.follow()

    assert len(stage.sent) == 1


async def test_what_ends_it_is_not_quoted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def end(status: int) -> None:
        raise Died(str(status))

    monkeypatch.setattr(dying.os, "_exit", end)  # type: ignore[attr-defined]  # os, as the module has it
    answer: Any = ValueError("a private thing")

    with pytest.raises(Died):
        await follow_or_die(erasing(Stage(), Vault(answer=answer)))

    said = capsys.readouterr()
    assert "ValueError" in said.out + said.err
    assert "a private thing" not in said.out + said.err


def test_without_a_token_for_the_vault_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIMAMORI_VAULT__TOKEN", raising=False)

    with pytest.raises(Misconfigured, match="MIMAMORI_VAULT__TOKEN"):
        create(Settings(), ESTATE)
