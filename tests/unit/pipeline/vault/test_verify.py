"""The verifier, offline and by itself: what a real vault wrote holds, and whatever was done to it shows."""

import json
import os
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import signing
from pipeline.errors import Refused
from pipeline.vault import verify
from pipeline.vault.api import HoldRequest
from pipeline.vault.checkpoints import CheckpointedLedger, Checkpoints, signed_checkpoint
from pipeline.vault.ledger import FIRST, Fact, FileLedger, Kind, MemoryLedger, sealed_entry
from pipeline.vault.ring import MemoryRing
from pipeline.vault.store import SqliteKeyTable
from pipeline.vault.verify import What
from schemas.envelope import Purpose
from schemas.frozen import iso
from tests.unit.pipeline.vault.building import (
    BUCKET,
    DETECTING,
    NOON,
    TILL,
    TTL,
    WORKER,
    Parts,
    destroy,
    keys_for,
    lent,
)
from tests.unit.pipeline.vault.evidence_building import ALERT, CUTTING, KEPT, OTHER, REASON, RESEALED, Desk

KEY = Ed25519PrivateKey.generate()
PUBLIC = signing.public_bytes(KEY).hex()
SECOND = timedelta(seconds=1)
END = NOON + TTL + 3 * BUCKET

Body = dict[str, Any]


@dataclass
class Files:
    """What a vault left, to be changed."""

    folder: Path

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints.jsonl"

    def check(self, *more: str, now: datetime = END) -> Body:
        return checked(self.ledger, *more, "--now", iso(now))

    def entries(self) -> list[Body]:
        return [json.loads(line) for line in self.ledger.read_text().splitlines()]

    def write(self, entries: list[Body]) -> None:
        self.ledger.write_text("".join(json.dumps(each, separators=(",", ":")) + "\n" for each in entries))

    def lines(self) -> list[bytes]:
        return self.ledger.read_bytes().splitlines(keepends=True)


def checked(file: Path, *more: str) -> Body:
    """Run the verifier, and give what it says with its exit status."""
    report = run(str(file), "--public-key", PUBLIC, "--json", *more)
    return {**json.loads(report.stdout), "status": report.returncode}


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the verifier in this process, as its own command line would."""
    out, said = sys.stdout, _Said()
    sys.stdout = said
    try:
        status = verify.main(arguments)
    finally:
        sys.stdout = out
    return subprocess.CompletedProcess(arguments, status, "".join(said.parts))


class _Said:
    def __init__(self) -> None:
        self.parts: list[str] = []

    def write(self, text: str) -> None:
        self.parts.append(text)


def whats(report: Body) -> set[str]:
    return {each["what"] for each in report["faults"]}


def write_history(folder: Path) -> Files:
    """Let a real vault live through 90 minutes: three keys made, one lent, one refused, two destroyed."""
    with closing(FileLedger(folder / "ledger.jsonl", KEY)) as file:
        ledger = CheckpointedLedger(file, Checkpoints(folder / "checkpoints.jsonl", file, KEY, folder / "witness"))
        vault = Parts(SqliteKeyTable(folder / "keys.db"), MemoryRing(), ledger).vault()
        first, *_ = keys_for(vault, NOON)
        keys_for(vault, NOON + BUCKET)
        lent(vault, first, NOON + BUCKET)
        with pytest.raises(Refused):
            vault.lease(DETECTING, first.key_id, Purpose.PEOPLE_FLOW, WORKER.public, NOON + BUCKET)
        destroy(vault, NOON + TTL + SECOND)
        destroy(vault, NOON + TTL + BUCKET + 2 * SECOND)
        keys_for(vault, END)
        vault.tell(END)
    return Files(folder)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write_history(tmp_path_factory.mktemp("history"))


@pytest.fixture
def files(history: Files, tmp_path: Path) -> Files:
    for name in ("ledger.jsonl", "checkpoints.jsonl", "witness"):
        (tmp_path / name).write_bytes((history.folder / name).read_bytes())
    return Files(tmp_path)


def rechained(entries: list[Body], key: Ed25519PrivateKey = KEY) -> list[Body]:
    """Number, chain and sign anew, as only the holder of the vault's key can."""
    made, previous = [], FIRST
    for index, each in enumerate(entries):
        fact = Fact(Kind(each["kind"]), each["body"], each.get("outbox"))
        entry = sealed_entry(key, index, datetime.fromisoformat(each["at"]), fact, previous)
        made.append(entry.model_dump(mode="json", exclude_none=True))
        previous = entry.hash
    return made


# --- What holds ----------------------------------------------------------------------------------------------------
def test_r20_what_a_vault_wrote_holds(files: Files) -> None:
    report = files.check()

    assert (report["status"], report["faults"]) == (0, [])
    assert report["entries"] == len(files.lines()) > 6
    assert report["checkpoints"] > 2
    assert report["lateness_max_seconds"] == 2.0
    assert report["life_max_seconds"] == TTL.total_seconds()
    assert report["keys"] == {
        "made": 3, "destroyed": 2, "early": 0, "late": 0, "held": 0, "alive": 1, "overdue": 0,
    }  # fmt: skip
    assert report["alive_until"] == verify.iso(END + TTL)
    assert {each["state"] for each in report["each_key"]} == {"destroyed", "alive"}


def test_r20_its_root_is_that_of_the_last_checkpoint(files: Files) -> None:
    last = json.loads(files.checkpoints.read_text().splitlines()[-1])

    report = files.check()

    assert (report["root"], report["entries"]) == (last["root"], last["size"])


def test_r20_the_file_runs_alone_with_nothing_but_cryptography(files: Files, tmp_path: Path) -> None:
    alone = tmp_path / "elsewhere" / "verify.py"
    alone.parent.mkdir()
    alone.write_bytes(Path(verify.__file__).read_bytes())
    (tmp_path / "ledger.pub").write_text(PUBLIC + "\n")
    blocked = (
        "import sys\nfor each in ('pipeline', 'schemas', 'pydantic', 'rfc8785', 'typer'): sys.modules[each] = None\n"
    )
    start = f"{blocked}import runpy\nrunpy.run_path({str(alone)!r}, run_name='__main__')"
    arguments = [str(files.ledger), "--public-key", str(tmp_path / "ledger.pub"), "--now", iso(END), "--lang", "en"]

    ended = subprocess.run(
        [sys.executable, "-c", start, *arguments], capture_output=True, text=True, cwd=alone.parent, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "All that was checked holds." in ended.stdout


def test_it_runs_from_its_own_folder(files: Files) -> None:
    place = Path(verify.__file__).parent
    arguments = ["verify.py", str(files.ledger), "--public-key", PUBLIC, "--now", iso(END)]

    ended = subprocess.run([sys.executable, *arguments], capture_output=True, cwd=place, check=False)

    assert (ended.returncode, ended.stderr) == (0, b"")


# --- What does not -------------------------------------------------------------------------------------------------
def _receipt_place(entries: list[Body]) -> int:
    return next(index for index, each in enumerate(entries) if each["kind"] == "key_destroyed")


def test_r20_a_dropped_receipt_shows(files: Files) -> None:
    entries = files.entries()
    dropped = entries.pop(_receipt_place(entries))
    files.write(entries)

    report = files.check()

    assert report["status"] == 1
    assert whats(report) == {What.DOES_NOT_FOLLOW, What.OTHER_ROOT, What.CUT_SHORT, What.NEVER_DESTROYED}
    assert dropped["body"]["key_id"] in {each.get("key") for each in report["faults"]}


def test_r20_a_receipt_dropped_by_the_holder_of_the_key_shows(files: Files) -> None:
    entries = files.entries()
    del entries[_receipt_place(entries)]
    files.write(rechained(entries))
    files.checkpoints.unlink()

    assert whats(files.check()) == {What.NEVER_DESTROYED}
    assert whats(files.check("--since", str(files.folder / "witness"))) >= {What.OTHER_ROOT, What.CUT_SHORT}


def test_r20_reordered_entries_show(files: Files) -> None:
    entries = files.entries()
    place = _receipt_place(entries)
    entries[place], entries[place + 1] = entries[place + 1], entries[place]
    files.write(entries)

    report = files.check()

    assert (report["status"], whats(report)) == (1, {What.DOES_NOT_FOLLOW, What.OTHER_ROOT})


def test_r20_entries_reordered_by_the_holder_of_the_key_show(files: Files) -> None:
    entries = files.entries()
    place = _receipt_place(entries)
    entries[place - 1], entries[place] = entries[place], entries[place - 1]
    files.write(rechained(entries))

    assert whats(files.check()) == {What.OTHER_ROOT}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_r20_a_changed_byte_shows_wherever_it_is(history: Files, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(history.ledger.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    (tmp_path / "ledger.jsonl").write_bytes(content)
    (tmp_path / "checkpoints.jsonl").write_bytes(history.checkpoints.read_bytes())

    assert Files(tmp_path).check()["status"] == 1


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_r20_a_changed_byte_of_a_checkpoint_shows(history: Files, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(history.checkpoints.read_bytes())
    place = data.draw(st.integers(0, len(content) - 2))
    content[place] ^= data.draw(st.integers(1, 255))
    (tmp_path / "ledger.jsonl").write_bytes(history.ledger.read_bytes())
    (tmp_path / "checkpoints.jsonl").write_bytes(content)

    assert Files(tmp_path).check()["status"] == 1


def test_r20_a_changed_fact_shows_by_itself(files: Files) -> None:
    entries = files.entries()
    entries[0]["body"]["camera_id"] = "till"
    files.write(entries)
    files.checkpoints.unlink()

    assert whats(files.check()) == {What.CHANGED, What.OTHER_FACTS}


def test_r20_an_entry_of_another_signer_shows(files: Files) -> None:
    files.write(rechained(files.entries(), Ed25519PrivateKey.generate()))

    report = files.check()

    assert whats(report) == {What.NOT_SIGNED}
    assert len(report["faults"]) == report["entries"]


def _forge(files: Files, key: Ed25519PrivateKey) -> None:
    """Put a checkpoint of our own at the end, with the right chain, over a ledger that never was."""
    last = json.loads(files.checkpoints.read_text().splitlines()[-1])
    forged = signed_checkpoint(key, last["size"] + 1, sha256(b"never was").digest(), END, last["hash"])
    with files.checkpoints.open("a") as file:
        file.write(forged.model_dump_json() + "\n")


def test_r20_a_forged_checkpoint_shows(files: Files) -> None:
    _forge(files, Ed25519PrivateKey.generate())

    report = files.check()

    assert (report["status"], whats(report)) == (1, {What.CHECKPOINT_NOT_SIGNED})


def test_r20_a_checkpoint_of_a_ledger_that_never_was_shows_though_it_is_signed(files: Files) -> None:
    checkpoints = files.checkpoints.read_text().splitlines()[:-1]
    last = json.loads(checkpoints[-1])
    forged = signed_checkpoint(KEY, last["size"] + 1, sha256(b"never was").digest(), END, last["hash"])
    files.checkpoints.write_text("\n".join([*checkpoints, forged.model_dump_json()]) + "\n")

    assert whats(files.check()) == {What.OTHER_ROOT}


def test_r20_a_missing_checkpoint_shows(files: Files) -> None:
    lines = files.checkpoints.read_bytes().splitlines(keepends=True)
    files.checkpoints.write_bytes(b"".join([lines[0], *lines[2:]]))

    assert whats(files.check()) == {What.CHECKPOINT_DOES_NOT_FOLLOW}


def test_r20_a_key_made_and_never_destroyed_shows(tmp_path: Path) -> None:
    with closing(FileLedger(tmp_path / "ledger.jsonl", KEY)) as file:
        ledger = CheckpointedLedger(file, Checkpoints(tmp_path / "checkpoints.jsonl", file, KEY))
        vault = Parts(SqliteKeyTable(tmp_path / "keys.db"), MemoryRing(), ledger).vault()
        first, *_ = keys_for(vault, NOON)
        keys_for(vault, first.span.expires_at + timedelta(seconds=61))

    report = Files(tmp_path).check(now=first.span.expires_at + timedelta(seconds=61))

    assert (report["status"], report["keys"]["overdue"]) == (1, 1)
    assert [(each["what"], each["key"]) for each in report["faults"]] == [(What.NEVER_DESTROYED, first.key_id)]


def test_r20_what_fell_due_after_a_copy_was_made_is_said_apart(files: Files) -> None:
    alive = next(each for each in files.check()["each_key"] if each["state"] == "alive")
    due = datetime.fromisoformat(alive["due"])

    assert whats(files.check(now=due + timedelta(seconds=60))) == set()
    report = files.check(now=due + timedelta(seconds=61))
    assert (report["status"], report["keys"]["overdue"]) == (1, 1)
    assert [(each["what"], each["count"], each["due"]) for each in report["faults"]] == [
        (What.ENDS_BEFORE, 1, alive["due"])
    ]


def test_r20_a_truncated_ledger_shows(files: Files) -> None:
    files.ledger.write_bytes(b"".join(files.lines()[:-1]))

    report = files.check()

    assert (report["status"], whats(report)) == (1, {What.CUT_SHORT})


def test_r20_a_ledger_truncated_with_its_checkpoints_shows_by_one_that_was_kept(files: Files) -> None:
    kept = files.folder / "kept"
    kept.write_text(files.checkpoints.read_text().splitlines()[-1])
    files.ledger.write_bytes(b"".join(files.lines()[:-1]))
    files.checkpoints.write_bytes(b"".join(files.checkpoints.read_bytes().splitlines(keepends=True)[:-1]))

    assert files.check()["status"] == 0
    assert whats(files.check("--since", str(kept))) == {What.CUT_SHORT}


def test_r20_what_was_destroyed_late_is_listed(files: Files) -> None:
    entries = files.entries()
    receipt = entries[_receipt_place(entries)]
    receipt["body"]["destroyed_at"] = receipt["at"] = iso(NOON + TTL + 61 * SECOND)
    files.write(rechained(entries))
    files.checkpoints.unlink()

    report = files.check()

    assert (report["status"], whats(report), report["keys"]["late"]) == (1, {What.LATE}, 1)
    assert report["faults"][0]["seconds"] == "61.0"
    assert report["faults"][0]["key"] == receipt["body"]["key_id"]


# --- What a ledger says of keys ------------------------------------------------------------------------------------
def made(key_id: str = "k1") -> Fact:
    times = {"bucket_start": iso(NOON), "bucket_end": iso(NOON + BUCKET), "expires_at": iso(NOON + TTL)}
    body = {"key_id": key_id, "store_id": "ginza", "camera_id": "door", "purpose": "crime_prevention", **times}
    return Fact(Kind.KEY_CREATED, {**body, "created_at": iso(NOON), "notice_id": "n1"})


def destroyed(at: datetime, key_id: str = "k1", **other: str) -> Fact:
    return Fact(Kind.KEY_DESTROYED, {**made(key_id).body, "destroyed_at": iso(at), **other})


def judged(*told: tuple[datetime, Fact], now: datetime = NOON + TTL, kind: str | None = None) -> verify.Report:
    """Check a ledger of these facts; with `kind`, the last one is of a kind that the vault may have one day."""
    ledger = MemoryLedger(KEY)
    for at, fact in told:
        ledger.append([fact], at)
    lines = [entry.model_dump_json(exclude_none=True).encode() + b"\n" for entry in ledger.entries(0, 100)]
    if kind is not None:
        lines[-1] = _of_kind(lines[-1], kind)
    return verify.check_ledger(lines, KEY.public_key(), [], now)


def _of_kind(line: bytes, kind: str) -> bytes:
    entry = {**json.loads(line), "kind": kind}
    said = {name: each for name, each in entry.items() if name not in {"hash", "signature"}}
    digest = sha256(b"\x00" + rfc8785.dumps(said))
    signature = KEY.sign(b"mimamori/ledger/1\x00" + digest.digest())
    return (
        json.dumps({**entry, "hash": digest.hexdigest(), "signature": b64encode(signature).decode()}).encode() + b"\n"
    )


def found(report: verify.Report) -> list[What]:
    return [each.what for each in report.faults]


ON_TIME = NOON + TTL


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ([(NOON, made()), (NOON, made()), (ON_TIME, destroyed(ON_TIME))], What.CREATED_TWICE),
        ([(ON_TIME, destroyed(ON_TIME))], What.NEVER_CREATED),
        ([(NOON, made()), (ON_TIME, destroyed(ON_TIME)), (ON_TIME, destroyed(ON_TIME))], What.DESTROYED_TWICE),
        ([(NOON, made()), (ON_TIME, destroyed(ON_TIME, camera_id="till"))], What.OTHER_FACTS),
        ([(NOON, made()), (NOON, destroyed(ON_TIME))], What.DESTROYED_LATER_THAN_WRITTEN),
        ([(NOON, made()), (ON_TIME, destroyed(ON_TIME, destroyed_at="soon")), (ON_TIME, destroyed(ON_TIME))],
         What.FACTS_UNREADABLE),
        ([(NOON, Fact(Kind.KEY_CREATED, {}))], What.FACTS_UNREADABLE),
    ],
)  # fmt: skip
def test_r20_every_key_has_one_beginning_and_one_end(told: list[tuple[datetime, Fact]], what: What) -> None:
    assert found(judged(*told)) == [what]


def test_r20_destruction_before_its_time_is_counted_as_early() -> None:
    report = judged((NOON, made()), (NOON + SECOND, destroyed(NOON + SECOND)))

    assert not report.faults
    assert json.loads(verify.as_json(report, "en"))["keys"]["early"] == 1


LATER = NOON + 2 * TTL


def held_until(until: datetime = LATER, other: Mapping[str, str | None] = {}) -> list[Fact]:
    """An alert's key, a hold's own, and that the one is held by the other; with something said otherwise."""
    own, keeping = made("own").body | {"alert_id": ALERT}, {"alert_id": ALERT, "hold_id": "h1"}
    hold = made("hold").body | keeping | {"expires_at": iso(until)}
    people = {"proposed_by": "sato", "confirmed_by": "suzuki"}
    said = {"key_id": "own", "held_key_id": "hold", **keeping, **people, "until": iso(until), "incident": "2026-7"}
    told = {name: each for name, each in {**said, **other}.items() if each is not None}
    return [Fact(Kind.KEY_CREATED, own), Fact(Kind.KEY_CREATED, hold), Fact(Kind.KEY_HELD, told)]


def gone(told: list[Fact]) -> tuple[datetime, Fact]:
    """The receipt of the alert's own key, on time."""
    return ON_TIME, Fact(Kind.KEY_DESTROYED, told[0].body | {"destroyed_at": iso(ON_TIME)})


def test_r20_a_hold_has_a_key_that_ends_with_it() -> None:
    told = held_until()
    history = [*((NOON, fact) for fact in told), gone(told)]

    held, over = judged(*history, now=LATER), judged(*history, now=LATER + 61 * SECOND)

    assert not held.faults
    assert held.count(verify.State.HELD) == 1
    assert found(over) == [What.ENDS_BEFORE]


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"confirmed_by": "sato"}, What.HELD_BY_ONE),
        ({"confirmed_by": None}, What.FACTS_UNREADABLE),
        ({"hold_id": None}, What.FACTS_UNREADABLE),
        ({"held_key_id": None}, What.FACTS_UNREADABLE),
        ({"held_key_id": "another"}, What.HELD_OTHERWISE),
        ({"alert_id": "another"}, What.HELD_NO_EVIDENCE),
        ({"key_id": "hold"}, What.HELD_NO_EVIDENCE),
    ],
)  # fmt: skip
def test_r20_a_hold_takes_two_people_a_key_of_its_own_and_evidence(other: dict[str, str | None], what: What) -> None:
    told = held_until(other=other)

    report = judged(*((NOON, fact) for fact in told), gone(told), now=ON_TIME)

    assert what in found(report)


def test_r20_no_bucket_is_held() -> None:
    hold = Fact(Kind.KEY_HELD, {**held_until()[2].body, "key_id": "k1"})

    report = judged((NOON, made()), (NOON, held_until()[1]), (NOON, hold), now=NOON + SECOND)
    bare = judged((NOON, made()), (NOON, Fact(Kind.KEY_HELD, {"key_id": "k1", "until": iso(LATER)})), now=LATER)

    assert What.HELD_NO_EVIDENCE in found(report)
    assert found(bare) == [What.FACTS_UNREADABLE, What.ENDS_BEFORE]


@pytest.mark.parametrize(("days", "faults"), [(366, []), (367, [What.HELD_TOO_LONG])])
def test_r26_no_hold_lasts_longer_than_a_year(days: int, faults: list[What]) -> None:
    told = held_until(NOON + timedelta(days=days))

    assert found(judged(*((NOON, fact) for fact in told), gone(told), now=ON_TIME)) == faults


def test_r20_what_is_due_can_no_longer_be_held() -> None:
    *keys, hold = held_until()

    report = judged(*((NOON, fact) for fact in keys), (ON_TIME + SECOND, hold), now=LATER)

    assert found(report) == [What.HELD_TOO_LATE, What.ENDS_BEFORE, What.NOT_HELD]


def test_r20_receipts_that_were_written_long_after_are_noted_with_how_long() -> None:
    late = timedelta(days=300)
    told = [(NOON, made()), (NOON, made("k2")), (NOON, made("k3"))]
    receipts = [(ON_TIME + each, destroyed(ON_TIME, f"k{key}")) for key, each in ((1, SECOND), (2, TTL), (3, late))]

    report = judged(*told, *receipts, now=NOON)

    assert not report.faults
    (note,) = (each for each in report.notes if each.what is What.TOLD_LATE)
    assert note.facts == {"count": 2, "seconds": f"{late.total_seconds():.0f}"}


# --- Evidence, holds, and erasures before time ---------------------------------------------------------------------
def write_evidence(folder: Path) -> Files:
    """Let a real vault keep two alerts' evidence: one is erased with its bucket, one is held and looked at."""
    with closing(FileLedger(folder / "ledger.jsonl", KEY)) as file:
        ledger = CheckpointedLedger(file, Checkpoints(folder / "checkpoints.jsonl", file, KEY))
        desk = Desk(Parts(SqliteKeyTable(folder / "keys.db"), MemoryRing(), ledger).vault())
        keys_for(desk.vault, NOON, 2 * BUCKET)
        desk.sealed(NOON)
        desk.sealed(NOON, OTHER, owner=TILL)
        desk.release("sato", "tanaka", NOON, END)
        desk.look("tanaka", NOON)
        desk.erase("sato", NOON + BUCKET)
        asked = HoldRequest(alert_id=OTHER, until=HELD_UNTIL, reason=REASON, incident="2026-7")
        hold = desk.holds.propose(desk.people.signed("sato", NOON), asked, NOON)
        desk.confirm("suzuki", hold.hold_id, NOON)
        desk.holds.sealed(CUTTING, hold.hold_id, RESEALED, NOON)
        for now in (NOON + TTL, NOON + TTL + BUCKET, NOON + KEPT, AFTER):
            destroy(desk.vault, now)
            desk.holds.lapse(now)
        desk.vault.tell(AFTER)
    return Files(folder)


HELD_UNTIL = NOON + KEPT + timedelta(days=30)
AFTER = NOON + KEPT + timedelta(days=1)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write_evidence(tmp_path_factory.mktemp("evidence"))


@pytest.fixture
def evidence(kept: Files, tmp_path: Path) -> Files:
    """A copy of what the vault wrote, to be changed."""
    shutil.copytree(kept.folder, tmp_path / "evidence")
    return Files(tmp_path / "evidence")


def resigned(files: Files, entries: list[Body]) -> Body:
    """Write a ledger as the holder of the key would, and judge it without the checkpoints."""
    ledger = MemoryLedger(KEY)
    for each in entries:
        fact = Fact(Kind(each["kind"]), each["body"], each.get("outbox"))
        ledger.append([fact], datetime.fromisoformat(each["at"]))
    files.write([entry.model_dump(mode="json", exclude_none=True) for entry in ledger.entries(0, 1000)])
    files.checkpoints.unlink(missing_ok=True)
    return files.check(now=AFTER)


def without(files: Files, kind: Kind) -> list[Body]:
    return [each for each in files.entries() if each["kind"] != kind]


def test_r20_evidence_erased_and_held_as_a_vault_does_it_holds(evidence: Files) -> None:
    report = evidence.check(now=AFTER)

    assert (report["status"], report["faults"], report["notes"]) == (0, [], [])
    assert report["keys"] == {
        "made": 5, "destroyed": 4, "early": 2, "late": 0, "held": 1, "alive": 0, "overdue": 0,
    }  # fmt: skip
    assert [each["alert_id"] for each in report["evidence_held"]] == [OTHER]
    assert report["evidence_life_max_seconds"] == KEPT.total_seconds()
    assert report["life_max_seconds"] == TTL.total_seconds()


@pytest.mark.parametrize(("language", "held"), [("en", "Held: evidence of alert"), ("ja", "保全中：通知")])
def test_r20_holds_and_decisions_are_listed_for_people(evidence: Files, language: str, held: str) -> None:
    text = run(*(str(evidence.ledger), "--public-key", PUBLIC, "--now", iso(AFTER), "--lang", language)).stdout

    assert f"{held} {OTHER}" in text
    assert "2026-7" in text


def test_r20_a_hold_that_outlives_its_end_shows(evidence: Files) -> None:
    report = evidence.check(now=HELD_UNTIL + 61 * SECOND)

    assert whats(report) == {What.ENDS_BEFORE}


def test_r20_an_early_receipt_without_its_decision_shows(evidence: Files) -> None:
    assert whats(resigned(evidence, without(evidence, Kind.ERASURE_DECIDED))) == {What.DECIDED_BY_NOBODY}


def test_r20_a_decision_about_something_else_excuses_nothing(evidence: Files) -> None:
    entries = evidence.entries()
    (decided,) = (each for each in entries if each["kind"] == Kind.ERASURE_DECIDED)
    decided["body"]["camera_id"] = "till"

    assert What.DECIDED_ABOUT_ANOTHER in whats(resigned(evidence, entries))


def test_r23_what_was_decided_and_not_done_shows(evidence: Files) -> None:
    entries = [each for each in evidence.entries() if not each["body"].get("early")]

    report = resigned(evidence, entries)

    assert What.NOT_ERASED in whats(report)
    assert sum(each["what"] == What.NOT_ERASED for each in report["faults"]) == 2


def test_r23_evidence_made_anew_after_its_erasure_shows(evidence: Files) -> None:
    entries = evidence.entries()
    made = next(each for each in entries if each["kind"] == Kind.KEY_CREATED and each["body"].get("alert_id") == ALERT)
    again = {**made, "body": {**made["body"], "key_id": "anew"}, "at": entries[-1]["at"]}

    assert What.MADE_ANEW in whats(resigned(evidence, [*entries, again]))


def test_r20_a_hold_of_one_person_shows(evidence: Files) -> None:
    entries = evidence.entries()
    (held,) = (each for each in entries if each["kind"] == Kind.KEY_HELD)
    held["body"]["confirmed_by"] = held["body"]["proposed_by"]

    assert whats(resigned(evidence, entries)) == {What.HELD_BY_ONE}


def test_r20_a_hold_that_says_another_end_than_its_key_has_shows(evidence: Files) -> None:
    entries = evidence.entries()
    (held,) = (each for each in entries if each["kind"] == Kind.KEY_HELD)
    held["body"]["until"] = iso(HELD_UNTIL + SECOND)

    assert What.HELD_OTHERWISE in whats(resigned(evidence, entries))


def test_r20_a_key_for_a_hold_that_never_came_into_force_shows(evidence: Files) -> None:
    assert whats(resigned(evidence, without(evidence, Kind.KEY_HELD))) == {What.NOT_HELD}


def test_r20_a_receipt_that_leaves_out_the_alert_shows(evidence: Files) -> None:
    entries = evidence.entries()
    receipt = next(each for each in entries if each["kind"] == Kind.KEY_DESTROYED and "alert_id" in each["body"])
    del receipt["body"]["alert_id"]

    assert What.OTHER_FACTS in whats(resigned(evidence, entries))


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_r20_nonsense_from_the_holder_of_the_key_is_a_finding_and_never_a_crash(
    kept: Files, data: st.DataObject
) -> None:
    entries = kept.entries()
    entry = entries[data.draw(st.integers(0, len(entries) - 1))]
    name = data.draw(st.sampled_from(sorted(entry["body"])))
    entry["body"][name] = data.draw(st.sampled_from([None, [], {}, 0, "", ["a"], {"a": 1}, True, iso(NOON)]))
    ledger = MemoryLedger(KEY)
    for each in entries:
        ledger.append([Fact(Kind(each["kind"]), each["body"])], datetime.fromisoformat(each["at"]))
    lines = [each.model_dump_json(exclude_none=True).encode() + b"\n" for each in ledger.entries(0, 1000)]

    report = verify.check_ledger(lines, KEY.public_key(), [], AFTER)

    assert verify.as_text(report, "ja")
    assert verify.as_json(report, "en")


def test_keys_that_were_lost_are_noted_and_are_no_fault() -> None:
    report = judged((NOON, made()), (NOON + SECOND, destroyed(NOON + SECOND)))

    assert (What.LOST, {"count": 1}) in [(each.what, each.facts) for each in report.notes]


# --- Notes ---------------------------------------------------------------------------------------------------------
def test_a_kind_of_entry_from_a_later_vault_is_named() -> None:
    report = judged((NOON, Fact(Kind.LEASES, {})), kind="looked")

    assert not report.faults
    assert [(each.what, each.facts) for each in report.notes][-1] == (
        What.UNKNOWN_KIND,
        {"kind": "looked", "count": 1},
    )


def test_a_clock_that_is_behind_hides_nothing() -> None:
    report = judged((NOON, made()), (NOON + 2 * TTL, Fact(Kind.LEASES, {})), now=NOON)

    assert found(report) == [What.NEVER_DESTROYED]
    assert What.GOES_ON_AFTER in {each.what for each in report.notes}


def test_a_torn_last_line_was_never_promised(files: Files) -> None:
    with files.ledger.open("ab") as file:
        file.write(b'{"index":')

    report = files.check()

    assert report["status"] == 0
    assert {each["what"] for each in report["notes"]} == {What.TORN_LINE}


def test_without_checkpoints_it_says_what_would_not_show(files: Files) -> None:
    files.checkpoints.unlink()

    assert {each["what"] for each in files.check()["notes"]} == {What.NO_CHECKPOINTS}


def test_entries_after_the_last_checkpoint_are_counted(files: Files) -> None:
    files.checkpoints.write_bytes(files.checkpoints.read_bytes().splitlines(keepends=True)[0])

    (note,) = files.check()["notes"]

    assert note["what"] == What.AFTER_LAST_CHECKPOINT
    assert note["count"] > 1


# --- Reading, distrustfully ----------------------------------------------------------------------------------------
names = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=6)
plain = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | names
content = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4))


@given(content)
def test_its_canonical_json_is_that_of_rfc_8785(value: Any) -> None:
    assert verify.canonical(value).encode() == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [1.5, 2**53, -(2**53)])
def test_what_readers_of_json_disagree_about_is_refused(value: float) -> None:
    with pytest.raises(ValueError):
        verify.canonical(value)


@pytest.mark.parametrize(
    "line",
    [b'{"a":1,"a":2}', b"[]", b"1", b'{"a":NaN}', b'{"a":1.0}', b"\xff\xfe{\x00}\x00", b'{"a":' + b"[" * 100_000, b""],
)
def test_what_two_readers_could_read_differently_is_no_line(line: bytes) -> None:
    with pytest.raises(ValueError):
        verify.parse(line)


def _without_body(entry: Body) -> Body:
    return {name: each for name, each in entry.items() if name != "body"}


@pytest.mark.parametrize(
    "change",
    [
        _without_body,
        lambda entry: {**entry, "more": 1},
        lambda entry: {**entry, "index": True},
        lambda entry: {**entry, "at": "2026-11-23T12:00:00"},
        lambda entry: {**entry, "at": 5},
        lambda entry: {**entry, "hash": entry["hash"].upper()},
        lambda entry: {**entry, "body": []},
        lambda entry: {**entry, "body": {"lone": "\ud800"}},
        lambda entry: {**entry, "kind": None},
    ],
)
def test_a_line_that_is_no_entry_shows(files: Files, change: Callable[[Body], Body]) -> None:
    entries = files.entries()
    entries[-1] = change(entries[-1])
    files.write(entries)
    files.checkpoints.unlink()

    assert What.LINE_UNREADABLE in whats(files.check())


def test_a_signature_has_one_spelling(files: Files) -> None:
    entries = files.entries()
    signature = entries[-1]["signature"]
    entries[-1]["signature"] = signature[:-3] + chr(ord(signature[-3]) + 1) + "=="
    files.write(entries)

    assert whats(files.check()) == {What.NOT_SIGNED}


# --- What it says --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["en", "ja"])
def test_r18_it_says_in_plain_words_what_it_cannot_prove(files: Files, language: str) -> None:
    text = run(str(files.ledger), "--public-key", PUBLIC, "--now", iso(END), "--lang", language).stdout

    assert {"en": "What this check cannot prove:", "ja": "この検査では証明できないこと："}[language] in text
    assert {"en": "nobody copied a key out", "ja": "写し取られていない"}[language] in text


@pytest.mark.parametrize("words", [verify._ENGLISH, verify._JAPANESE])
def test_r18_everything_that_it_can_find_has_words(words: dict[What, str]) -> None:
    assert words.keys() == set(What)


def test_r18_both_languages_say_the_same_things() -> None:
    for name, english, japanese in _pairs():
        assert _fields(english) == _fields(japanese), name
    assert len(verify._CANNOT["en"]) == len(verify._CANNOT["ja"])


def _pairs() -> Iterator[tuple[str, str, str]]:
    yield from ((what, verify._ENGLISH[what], verify._JAPANESE[what]) for what in What)
    yield from ((name, verify._WORDS["en"][name], verify._WORDS["ja"][name]) for name in verify._WORDS["en"])


def _fields(text: str) -> set[str]:
    return {part.partition("}")[0] for part in text.split("{")[1:]}


def test_many_faults_are_cut_short_for_people(files: Files) -> None:
    files.write(rechained(files.entries(), Ed25519PrivateKey.generate()) * 4)

    text = run(str(files.ledger), "--public-key", PUBLIC, "--now", iso(END), "--lang", "en").stdout

    listed = text.partition("This does not hold")[2].partition("…")[0]
    assert listed.count("\n  - ") == 20
    assert "more (--json lists all)" in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["nowhere.jsonl", "--public-key", PUBLIC],
        [os.devnull, "--public-key", "nowhere.pub"],
        [os.devnull, "--public-key", PUBLIC, "--now", "noon"],
        [os.devnull, "--public-key", PUBLIC, "--since", os.devnull],
        [os.devnull],
    ],
)
def test_what_cannot_be_checked_is_said_with_its_own_status(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        verify.main(arguments)

    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err
