"""Restricted zone: someone is where visitors do not go, at hours when nobody should be."""

from datetime import timedelta
from typing import Self
from zoneinfo import ZoneInfo

from pipeline.motion.hours import open_at
from pipeline.motion.movements import Visit
from pipeline.motion.rarity import Distribution
from pipeline.motion.rule import Observation, Rule
from schemas.alert import Category, Explanation, ObservationCode
from schemas.estate import Schedule, Zone, ZoneKind


class RestrictedZone(Rule):
    """Fires when somebody has been in the zone `at_least`, seen `hits` times, while the schedule holds."""

    schedule: Schedule = Schedule()
    timezone: str = "Asia/Tokyo"
    at_least: timedelta = timedelta(seconds=1)
    hits: int = 3

    @classmethod
    def of(cls, zone: Zone, timezone: str) -> Self | None:
        return cls(schedule=zone.schedule, timezone=timezone) if zone.kind is ZoneKind.RESTRICTED else None

    def judge(self, visit: Visit, usual: Distribution) -> Observation | None:
        if visit.lasted < self.at_least or visit.hits < self.hits:
            return None
        if not open_at(self.schedule, visit.until.astimezone(ZoneInfo(self.timezone))):
            return None
        seconds = visit.lasted.total_seconds()
        return Observation(
            category=Category.RESTRICTED_ZONE,
            code=ObservationCode.PERSON_IN_RESTRICTED_ZONE,
            score=seconds,
            threshold=self.at_least.total_seconds(),
            numbers={"seconds": seconds, "sightings": visit.hits, "earlier_visits": usual.n},
            explanations=(
                Explanation.STAFF_AT_WORK,
                Explanation.LOST_THE_WAY,
                Explanation.DELIVERY,
                Explanation.LOOKING_FOR_STAFF,
            ),
        )
