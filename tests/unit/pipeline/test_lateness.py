"""How long expired things have been on a disk, and how it is told."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import Unavailable
from pipeline.lateness import (
    Measured,
    Overdue,
    begun,
    exposition,
    of_topics,
    oldest_records,
    publish,
    renewed,
    stamps_in,
)
from schemas.topics import SLACK, Lives, topics
from tests.examples import HOUR, NOON

TOPICS = topics(Lives(HOUR))
FRAMES = TOPICS["frames.v1"]


def overdue(age: timedelta) -> Overdue:
    (found,) = of_topics([FRAMES], {"frames.v1": NOON - age}, NOON)
    return found


def test_r21_a_record_within_its_life_is_not_overdue() -> None:
    assert overdue(HOUR) == Overdue("kafka/frames.v1", timedelta(0), FRAMES.gone_within - HOUR)


def test_r21_a_record_beyond_its_topics_bound_is_late() -> None:
    assert not overdue(FRAMES.gone_within).late
    assert overdue(FRAMES.gone_within + timedelta(seconds=1)).late


def test_an_empty_topic_is_not_overdue() -> None:
    assert [each.by for each in of_topics([FRAMES], {}, NOON)] == [timedelta(0)]


def test_what_a_compacted_topic_keeps_is_no_leftover() -> None:
    assert of_topics([TOPICS["watching-state.v1"]], {"watching-state.v1": NOON - 100 * HOUR}, NOON) == ()


def test_r21_rows_and_objects_are_late_after_a_day() -> None:
    assert not Overdue("clickhouse/alerts", timedelta(hours=24)).late
    assert Overdue("clickhouse/alerts", timedelta(hours=24, seconds=1)).late


SECOND = datetime(2026, 11, 23, 3, tzinfo=UTC)
FRESH = Measured("kafka/frames.v1", timedelta(seconds=90), SECOND)
UNSEEN = Measured("objects/evidence", None, SECOND - HOUR)


def test_r21_the_measure_is_published_for_prometheus_whole(tmp_path: Path) -> None:
    for _turn in range(2):
        publish(tmp_path / "metrics", [FRESH, UNSEEN])

    (file,) = (tmp_path / "metrics").iterdir()
    assert file.name == "erasing.prom"
    assert [line for line in file.read_text().splitlines() if not line.startswith("#")] == [
        'mimamori_expired_on_disk_seconds{place="kafka/frames.v1"} 90',
        f'mimamori_expired_measured_timestamp_seconds{{place="kafka/frames.v1"}} {SECOND.timestamp():.0f}',
        f'mimamori_expired_measured_timestamp_seconds{{place="objects/evidence"}} {SECOND.timestamp() - 3600:.0f}',
    ]


def test_r21_a_place_that_was_not_looked_at_or_not_wholly_keeps_its_stamp() -> None:
    places = begun(["a", "b", "c"], {}, NOON)
    found = [Overdue("a", HOUR), Overdue("b", HOUR, whole=False)]

    assert renewed(places, found, NOON + HOUR) == (
        Measured("a", HOUR, NOON + HOUR),
        Measured("b", HOUR, NOON),
        Measured("c", None, NOON),
    )


def test_r21_a_place_that_nobody_can_look_at_is_no_fresher_for_a_restart(tmp_path: Path) -> None:
    publish(tmp_path, [FRESH, UNSEEN])

    again = begun([FRESH.place, UNSEEN.place, "clickhouse/alerts"], stamps_in(tmp_path), SECOND + HOUR)

    assert [each.at for each in again] == [SECOND, SECOND - HOUR, SECOND + HOUR]


@pytest.mark.parametrize("text", [None, b"", b"\xff", b'mimamori_expired_measured_timestamp_seconds{place="a"} x\n'])
def test_what_was_published_may_be_gone_or_broken(tmp_path: Path, text: bytes | None) -> None:
    if text is not None:
        (tmp_path / "erasing.prom").write_bytes(text)

    assert stamps_in(tmp_path) == {}


def test_a_stamp_is_never_of_the_future() -> None:
    assert begun(["a"], {"a": NOON + HOUR}, NOON) == (Measured("a", None, NOON),)


def test_a_disk_that_does_not_take_it_is_away(tmp_path: Path) -> None:
    (tmp_path / "metrics").write_text("a file in its place")

    with pytest.raises(Unavailable):
        publish(tmp_path / "metrics", [])


async def test_a_broker_that_is_away_is_away() -> None:
    with pytest.raises(Unavailable):
        await oldest_records("127.0.0.1:1", [FRAMES])


def test_r21_who_is_on_call_is_paged_by_the_figures_that_are_published() -> None:
    rules = (Path(__file__).parents[3] / "infra" / "prometheus" / "forgetting.rules.yml").read_text()
    published = {line.split()[2] for line in exposition([]).splitlines() if line.startswith("# TYPE")}

    assert set(re.findall(r"mimamori_expired\w+", rules)) == published
    assert f"mimamori_expired_on_disk_seconds > {SLACK.total_seconds():.0f} and time() - " in rules
    # The stage moves between hosts: what counts is when anybody looked, place by place.
    assert "max without (instance) (mimamori_expired_measured_timestamp_seconds) > 900 or absent(" in rules
