from datetime import UTC, datetime, time, timedelta

from pipeline.motion.geometry import Spot
from pipeline.motion.movements import Visit
from pipeline.motion.rarity import Distribution
from pipeline.motion.rules import RULES, rules_of
from pipeline.motion.rules.loitering import Loitering
from pipeline.motion.rules.restricted_zone import RestrictedZone
from schemas.alert import Category
from schemas.estate import Schedule, Zone, ZoneKind
from schemas.geometry import Point
from schemas.ids import ZoneId

NOON_IN_TOKYO = datetime(2026, 11, 23, 3, tzinfo=UTC)
USUAL = Distribution()
CORNERS = (Point(x=0, y=0), Point(x=1, y=0), Point(x=1, y=1))


def zone(kind: ZoneKind = ZoneKind.AREA, loitering_after: timedelta | None = None) -> Zone:
    return Zone(id=ZoneId("back"), kind=kind, polygon=CORNERS, loitering_after=loitering_after)


def visit(seconds: float, hits: int = 10) -> Visit:
    return Visit(
        zone_id=ZoneId("back"), first=1, track=1, since=NOON_IN_TOKYO - timedelta(seconds=seconds),
        until=NOON_IN_TOKYO, hits=hits, entered=True, foot=Spot(0.5, 0.5), height=0.3, least=Spot(0.5, 0.5),
        most=Spot(0.5, 0.5),
    )  # fmt: skip


def test_every_file_of_the_folder_is_a_rule_with_its_name() -> None:
    assert {each.__module__.rpartition(".")[2] for each in RULES} == {"loitering", "restricted_zone"}
    assert Loitering().name == "loitering"


def test_a_zone_turns_its_rules_on() -> None:
    both = zone(ZoneKind.RESTRICTED, timedelta(seconds=30))

    assert rules_of(zone(), "Asia/Tokyo") == ()
    assert [each.name for each in rules_of(both, "Asia/Tokyo")] == ["loitering", "restricted_zone"]


def test_loitering_fires_at_its_length_and_not_before() -> None:
    rule = Loitering(at_least=timedelta(seconds=30))

    observation = rule.judge(visit(30), USUAL)

    assert rule.judge(visit(29.9), USUAL) is None
    assert observation is not None
    assert (observation.category, observation.score, observation.threshold) == (Category.LOITERING, 30, 30)


def test_a_restricted_zone_takes_a_second_and_three_sightings() -> None:
    rule = RestrictedZone()

    assert rule.judge(visit(0.9), USUAL) is None
    assert rule.judge(visit(1, hits=2), USUAL) is None
    assert rule.judge(visit(1, hits=3), USUAL) is not None


def test_a_restricted_zone_keeps_the_hours_of_its_store() -> None:
    closed = Schedule(since=time(21), until=time(9))

    assert RestrictedZone(schedule=closed, timezone="Asia/Tokyo").judge(visit(5), USUAL) is None
    assert RestrictedZone(schedule=closed, timezone="America/New_York").judge(visit(5), USUAL) is not None


def test_no_rule_accuses() -> None:
    observations = [Loitering().judge(visit(500), USUAL), RestrictedZone().judge(visit(500), USUAL)]

    assert all(each is not None and each.explanations for each in observations)
