"""The ledger is a chain: what was written stays, in order, and any change shows."""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Misconfigured, Unavailable
from pipeline.vault.ledger import Entry, Fact, FileLedger, Kind, Ledger, MemoryLedger, entry_hash, faults
from schemas.frozen import iso
from tests.unit.pipeline.vault.building import NOON

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key()


@pytest.fixture(params=["memory", "file"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "memory":
        yield MemoryLedger(KEY)
        return
    with closing(FileLedger(tmp_path / "ledger.jsonl", KEY)) as found:
        yield found


def _facts(count: int, since: int = 0) -> list[Fact]:
    return [Fact(Kind.KEY_CREATED, {"key_id": f"k{number}"}, number + 1) for number in range(since, since + count)]


def test_what_was_written_is_read_in_order(ledger: Ledger) -> None:
    ledger.append(_facts(3), NOON)
    ledger.append(_facts(2, since=3), NOON)

    assert [entry.body["key_id"] for entry in ledger.entries(0, 10)] == ["k0", "k1", "k2", "k3", "k4"]
    assert len(ledger) == 5


@pytest.mark.parametrize(("start", "limit", "count"), [(0, 2, 2), (3, 10, 2), (5, 10, 0), (0, 0, 0), (4, 1, 1)])
def test_a_part_of_it_can_be_read(ledger: Ledger, start: int, limit: int, count: int) -> None:
    ledger.append(_facts(5), NOON)

    read = ledger.entries(start, limit)

    assert [entry.index for entry in read] == list(range(start, start + count))


def test_it_is_whole_and_signed(ledger: Ledger) -> None:
    ledger.append(_facts(4), NOON)

    assert not list(faults(ledger.entries(0, 10), PUBLIC))
    assert not list(faults(ledger.entries(2, 10), PUBLIC, 2, ledger.entries(1, 1)[0].hash))


def test_it_knows_the_last_number_of_the_outbox(ledger: Ledger) -> None:
    assert ledger.last_outbox() == 0

    ledger.append([*_facts(3), Fact(Kind.REFUSED, {"principal": "x"})], NOON)

    assert ledger.last_outbox() == 3


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_change_shows(data: st.DataObject) -> None:
    ledger = MemoryLedger(KEY)
    ledger.append(_facts(5), NOON)
    entries = list(ledger.entries(0, 5))
    place = data.draw(st.integers(0, 3))
    change = data.draw(st.sampled_from(["drop", "swap", "body", "rehash", "other key"]))

    if change == "drop":
        del entries[place]
    elif change == "swap":
        entries[place], entries[place + 1] = entries[place + 1], entries[place]
    elif change == "body":
        entries[place] = entries[place].model_copy(update={"body": {"key_id": "another"}})
    elif change == "rehash":
        entries[place] = entries[place].model_copy(update={"hash": "1" * 64})
    else:
        other = MemoryLedger(Ed25519PrivateKey.generate())
        other.append(_facts(5), NOON)
        entries[place] = other.entries(place, 1)[0]

    assert list(faults(entries, PUBLIC))


def test_it_goes_on_after_a_restart(tmp_path: Path) -> None:
    for start in range(0, 6, 2):
        with closing(FileLedger(tmp_path / "ledger.jsonl", KEY)) as ledger:
            assert ledger.last_outbox() == start
            ledger.append(_facts(2, since=start), NOON)
            entries = ledger.entries(0, 10)

    assert len(entries) == 6
    assert not list(faults(entries, PUBLIC))


@pytest.mark.parametrize("torn", [b"{", b'{"index":3,"at":"2026', b"\0" * 100])
def test_a_torn_last_line_was_never_promised(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "ledger.jsonl"
    with closing(FileLedger(path, KEY)) as ledger:
        ledger.append(_facts(3), NOON)
    with path.open("ab") as file:
        file.write(torn)

    with closing(FileLedger(path, KEY)) as ledger:
        ledger.append(_facts(1, since=3), NOON)
        assert not list(faults(ledger.entries(0, 10), PUBLIC))
        assert len(ledger) == 4


def test_a_full_disk_is_said_and_leaves_the_ledger_as_it_was(tmp_path: Path) -> None:
    with closing(FileLedger(tmp_path / "ledger.jsonl", KEY)) as ledger:
        ledger.append(_facts(2), NOON)
        write = os.pwrite

        def half(file: int, content: bytes, place: int) -> int:
            if len(content) < 20:
                raise OSError(28, "No space left on device")
            return write(file, content[: len(content) // 2], place)

        with patch("os.pwrite", half), pytest.raises(Unavailable, match="No space left"):
            ledger.append(_facts(3, since=2), NOON)
        ledger.append(_facts(3, since=2), NOON)

        assert [entry.body["key_id"] for entry in ledger.entries(0, 10)] == ["k0", "k1", "k2", "k3", "k4"]
        assert not list(faults(ledger.entries(0, 10), PUBLIC))


def test_a_ledger_of_another_vault_is_refused(tmp_path: Path) -> None:
    with closing(FileLedger(tmp_path / "ledger.jsonl", KEY)) as ledger:
        ledger.append(_facts(1), NOON)

    with pytest.raises(Misconfigured, match="not signed"):
        FileLedger(tmp_path / "ledger.jsonl", Ed25519PrivateKey.generate())


def test_every_line_is_plain_json(tmp_path: Path) -> None:
    with closing(FileLedger(tmp_path / "ledger.jsonl", KEY)) as ledger:
        ledger.append(_facts(2), NOON)
        entries = ledger.entries(0, 2)

    lines = (tmp_path / "ledger.jsonl").read_text().splitlines()
    assert [json.loads(line)["hash"] for line in lines] == [entry.hash for entry in entries]
    assert [Entry.model_validate_json(line) for line in lines] == list(entries)


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**54), 2**54) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(body=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), _PLAIN, max_size=6))
def test_an_entrys_hash_is_that_of_rfc_8785(body: dict[str, Any]) -> None:
    said: dict[str, Any] = {
        "index": 3,
        "at": iso(NOON),
        "kind": "leases",
        "body": body,
        "previous": "0" * 64,
        "outbox": 7,
    }
    try:
        expected = sha256(b"\x00" + rfc8785.dumps(said)).hexdigest()
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        with pytest.raises((rfc8785.CanonicalizationError, UnicodeEncodeError)):
            entry_hash(3, NOON, Fact(Kind.LEASES, body, 7), "0" * 64)
        return

    assert entry_hash(3, NOON, Fact(Kind.LEASES, body, 7), "0" * 64) == expected
