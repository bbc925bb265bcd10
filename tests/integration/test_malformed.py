"""Whatever lies on a topic: it is a dead letter with its reason, or counted; nothing dies of it, nothing waits."""

import asyncio
import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from aiokafka.errors import KafkaError

from pipeline.flow.rows import AlertRow, CoverageRow
from pipeline.local.summary import Summary
from pipeline.vault.api import PublicKey
from pipeline.vault.ledger import Kind as Told
from schemas.dead_letter import DeadLetter
from schemas.detections import Erased, FrameDetections, FrameRef
from schemas.flow import MOST
from schemas.wire import encode
from tests.integration.house import SOURCES, House, house
from tests.integration.malformed import (
    COUNTED,
    DETECTIONS,
    FRAMES,
    MESSAGES,
    Scene,
    base,
    bodies,
    leap,
    picture,
    seen,
    spellings,
)

Name = tuple[str, str]

CASES: Final[dict[Name, str]] = {("frames.v1", name): kind.outcome for name, kind in FRAMES.items()} | {
    (topic, name): kind.outcome for topic in MESSAGES for name, kind in bodies(topic).items()
}
DEAD: Final = [case for case, outcome in CASES.items() if outcome != COUNTED]
READERS: Final = {topic: stage for stage, read in SOURCES.items() for topic in read if stage != "cutting"}
"""Who sends a topic's dead letters: cutting reads alerts beside recording, and only counts."""
SHUT: Final = timedelta(seconds=60)
"""So far ahead every window is over that anything was counted in."""
SEALED, IN_THE_CLEAR = "sealed-canary", "plain-canary"


@dataclass
class Found:
    """What was sent and what came of it, after everything had been handled."""

    bad: dict[Name, FrameRef] = field(default_factory=dict)
    good: dict[Name, Any] = field(default_factory=dict)
    letters: dict[FrameRef, list[DeadLetter]] = field(default_factory=lambda: defaultdict(list))
    said: dict[str, bytes] = field(default_factory=dict)
    """The bytes of all dead letters and all logs, by where they were."""
    detections: list[Any] = field(default_factory=list)
    alerts: list[AlertRow] = field(default_factory=list)
    coverage: list[CoverageRow] = field(default_factory=list)
    expired: FrameRef | None = None
    restarts: dict[str, int] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)
    planted: dict[str, int] = field(default_factory=dict)
    """How many records of each topic hold a canary in the clear."""
    too_large: str = ""
    console: int = 0
    summary: Summary | None = None


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Send everything to one running system, and stop it."""
    return asyncio.run(_everything(tmp_path_factory.mktemp("malformed") / "home"))


async def _everything(folder: Path) -> Found:
    found = Found()
    async with house(folder) as here:
        device, other = here.device("ginza", "entrance"), here.device("ginza", "aisle")
        # The oldest bucket of which a frame can live still: its key has between one and sixteen seconds left.
        oldest = await device.key(datetime.now(UTC) - timedelta(seconds=44))
        scene = Scene(device, await device.key(), await other.key(), here.device("shibuya", "entrance"))
        await _send_frames(here, scene, found)
        for topic in MESSAGES:
            await _send_bodies(here, topic, found)
        await _send_to_console(here)
        await _send_too_large(here, scene, found)
        await here.until(here.all_handled, "everything is handled", 120)
        found.expired = await _send_expired(here, scene, oldest)
        await here.until(here.all_handled, "everything is handled", 60)
        await _look(here, found)
    found.leaks = [str(path) for path, content in here.contents() if holds(content, SEALED)]
    return found


async def _send_frames(here: House, scene: Scene, found: Found) -> None:
    await scene.device.send(scene.good())  # number 0, which one of the bad ones repeats
    for name, kind in FRAMES.items():
        case = ("frames.v1", name)
        good = scene.device.frame(scene.key)
        bad = kind.make(scene, canary(case, in_the_clear=kind.in_the_clear))
        found.bad[case], _ = await here.send("frames.v1", bad, scene.device.sealed(good, scene.key, picture()))
        found.good[case] = good


async def _send_bodies(here: House, topic: str, found: Found) -> None:
    contract = here.topics[topic]
    sent = []
    # Number 0, which one of the bad ones repeats.
    await here.send(topic, encode(MESSAGES[topic](0), contract))
    for number, (name, kind) in enumerate(bodies(topic).items(), start=1):
        case = (topic, name)
        # The bad one has the number of the good one behind it: should it be used, the good one would be repeated.
        bad = kind.make(base(number, contract, canary(case, in_the_clear=True)))
        found.good[case] = good = MESSAGES[topic](number)
        sent += [bad, encode(good, contract)]
    if topic == DETECTIONS:
        sent.append(encode(seen(len(sent) // 2 + 1, SHUT), contract))
        leaps = (leap(0, timedelta(0)), leap(2**62, timedelta(seconds=1)), leap(2**62 + 1, SHUT))
        sent += [encode(each, contract) for each in leaps]
    refs = await here.send(topic, *sent)
    found.bad |= dict(zip([(topic, name) for name in bodies(topic)], refs[::2], strict=False))


async def _send_to_console(here: House) -> None:
    """Only the console reads health.v1, and it makes no dead letters: it must live on."""
    for kind in bodies("alerts.v1").values():
        await here.send("health.v1", kind.make(base(0, here.topics["alerts.v1"], "nothing")))


async def _send_too_large(here: House, scene: Scene, found: Found) -> None:
    frame = scene.device.frame(scene.key, boot=0)
    try:
        await here.send("frames.v1", scene.device.signed(frame, bytes(3 << 20)))
    except KafkaError as error:
        found.too_large = type(error).__name__


async def _send_expired(here: House, scene: Scene, key: PublicKey) -> FrameRef:
    """Send a frame whose key has been destroyed since it was sealed."""
    frame = scene.device.frame(key, utc_time=key.bucket_start)
    record = scene.device.sealed(frame, key, picture())

    async def destroyed() -> bool:
        return any(
            each.kind is Told.KEY_DESTROYED and each.body["key_id"] == key.key_id for each in await here.ledger()
        )

    await here.until(destroyed, "the oldest key is destroyed")
    return await scene.device.send(record)


async def _look(here: House, found: Found) -> None:
    for topic in (name for name in here.topics if name.endswith(".dead")):
        for letter in await here.messages(topic):
            found.letters[letter.source_record].append(letter)
        told = [
            part for each in await here.records(topic) for part in (each.key, each.value, repr(each.headers).encode())
        ]
        found.said[topic] = b"\n".join(told)
    for topic in ("frames.v1", *MESSAGES):
        found.planted[topic] = sum(holds(each.value or b"", IN_THE_CLEAR) for each in await here.records(topic))
    found.said |= {log.name: log.read_bytes() for log in here.demo.logs.glob("*.log")}
    found.detections = await here.readable("detections.v1")
    found.alerts, found.coverage = await here.rows(AlertRow), await here.rows(CoverageRow)
    found.summary = await here.demo.summary()
    found.restarts = here.supervisor.restarts()
    async with httpx.AsyncClient(timeout=5) as client:
        found.console = (await client.get(f"{here.demo.console_url}healthz")).status_code


def canary(case: Name, *, in_the_clear: bool) -> str:
    """Return a text that is nowhere else."""
    return f"{IN_THE_CLEAR if in_the_clear else SEALED}-{'-'.join(case).replace(' ', '-')}-{secrets.token_hex(8)}"


def holds(content: bytes, *canaries: str) -> bool:
    return any(spelling in content for each in canaries for spelling in spellings(each))


@pytest.mark.parametrize("case", DEAD, ids="/".join)
def test_r19_what_is_malformed_is_one_dead_letter_with_its_reason(found: Found, case: Name) -> None:
    letters = found.letters[found.bad[case]]

    assert [(each.reason, each.stage) for each in letters] == [(CASES[case], READERS[case[0]])]


@pytest.mark.parametrize("case", [case for case in CASES if case[0] == "frames.v1"], ids="/".join)
def test_a_good_frame_behind_a_bad_one_is_detected(found: Found, case: Name) -> None:
    good = found.good[case]

    assert (good.boot, good.sequence) in {
        (each.boot, each.sequence) for each in found.detections if isinstance(each, FrameDetections)
    }


@pytest.mark.parametrize("case", [case for case in CASES if case[0] == "alerts.v1"], ids="/".join)
def test_a_good_alert_behind_a_bad_one_is_a_row(found: Found, case: Name) -> None:
    assert found.good[case].alert_id in {each.alert_id for each in found.alerts}


@pytest.mark.parametrize("case", [case for case in CASES if case[0] == "flow.v1"], ids="/".join)
def test_a_good_window_behind_a_bad_one_is_a_row(found: Found, case: Name) -> None:
    good = found.good[case]

    assert [each.people_tracked for each in found.coverage if each.window_start == good.window_start] == [
        good.people_tracked
    ]


def test_only_the_good_is_written_to_the_warehouse(found: Found) -> None:
    wanted = {each.alert_id for case, each in found.good.items() if case[0] == "alerts.v1"}

    extra = {each.alert_id for each in found.alerts} - wanted
    assert extra == {MESSAGES["alerts.v1"](0).alert_id}  # type: ignore[attr-defined]  # alerts have one


def test_all_good_detections_behind_bad_ones_are_counted_once(found: Found) -> None:
    """The repeated one is not counted again; none of the bad ones is counted at all."""
    rows = [each for each in found.coverage if each.camera_id == "aisle"]
    good = sum(case[0] == DETECTIONS for case in found.good)

    assert sum(each.frames_analysed for each in rows) == 1 + good
    assert sum(each.late for each in rows) == 0


def test_numbers_that_leap_are_told_as_missing_and_no_more_than_fits(found: Found) -> None:
    rows = [each for each in found.coverage if each.store_id == "shibuya"]

    assert max(each.frames_expected for each in rows) == MOST
    assert sum(each.frames_analysed for each in rows) == 2


def test_a_repeated_frame_is_detected_again_and_told_apart_by_its_number(found: Found) -> None:
    ref = found.bad["frames.v1", "repeated sequence"]

    (again,) = [each for each in found.detections if isinstance(each, FrameDetections) and each.frame == ref]
    assert (again.boot, again.sequence) == (1, 0)
    assert ref not in found.letters


def test_r20_a_frame_whose_key_is_destroyed_is_counted_as_erased(found: Found) -> None:
    erased = [each for each in found.detections if isinstance(each, Erased)]

    assert [each.frame for each in erased] == [found.expired]
    assert found.expired not in found.letters


def test_r01_dead_letters_and_logs_hold_nothing_of_any_payload(found: Found) -> None:
    assert {name for name, content in found.said.items() if holds(content, SEALED, IN_THE_CLEAR)} == set()


def test_r01_what_came_sealed_lies_nowhere_in_the_clear(found: Found) -> None:
    assert found.leaks == []


def test_the_summary_counts_what_is_good_and_the_dead_letters(found: Found) -> None:
    assert found.summary is not None
    assert found.summary.dead_letters == len(DEAD)
    assert found.summary.alerts == len(found.alerts)
    assert found.summary.frames_opened_after_expiry == 0


def test_no_process_dies_of_anything_malformed(found: Found) -> None:
    assert {name: times for name, times in found.restarts.items() if times} == {}


def test_the_console_lives_on(found: Found) -> None:
    assert found.console == httpx.codes.OK


def test_the_broker_takes_nothing_larger_than_a_frame_may_be(found: Found) -> None:
    assert found.too_large == "MessageSizeTooLargeError"


def test_every_malformed_message_was_sent(found: Found) -> None:
    """A canary that was never planted would be found nowhere."""
    assert found.bad.keys() == CASES.keys()
    assert {name: count for name, count in found.planted.items() if not count} == {}
