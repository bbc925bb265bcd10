"""How long expired things have been on a disk, and how it is told."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.errors import Unavailable
from pipeline.lateness import Overdue, exposition, of_topics, oldest_records, publish
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


def test_r21_the_measure_is_published_for_prometheus_whole(tmp_path: Path) -> None:
    places = [Overdue("kafka/frames.v1", timedelta(seconds=90)), Overdue("objects/evidence", timedelta(0))]

    publish(tmp_path / "metrics", places, NOON)
    publish(tmp_path / "metrics", places, NOON)

    (file,) = (tmp_path / "metrics").iterdir()
    assert file.name == "erasing.prom"
    assert file.read_text() == exposition(places, NOON)
    assert 'mimamori_expired_on_disk_seconds{place="kafka/frames.v1"} 90\n' in file.read_text()
    assert f"mimamori_expired_measured_timestamp_seconds {NOON.timestamp():.0f}\n" in file.read_text()


def test_a_disk_that_does_not_take_it_is_away(tmp_path: Path) -> None:
    (tmp_path / "metrics").write_text("a file in its place")

    with pytest.raises(Unavailable):
        publish(tmp_path / "metrics", [], NOON)


async def test_a_broker_that_is_away_is_away() -> None:
    with pytest.raises(Unavailable):
        await oldest_records("127.0.0.1:1", [FRAMES])


def test_r21_who_is_on_call_is_paged_by_the_figures_that_are_published() -> None:
    rules = (Path(__file__).parents[3] / "infra" / "prometheus" / "forgetting.rules.yml").read_text()
    published = {line.split()[2] for line in exposition([], NOON).splitlines() if line.startswith("# TYPE")}

    assert set(re.findall(r"mimamori_expired\w+", rules)) == published
    assert f"mimamori_expired_on_disk_seconds > {SLACK.total_seconds():.0f}" in rules
