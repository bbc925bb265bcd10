"""Loitering: someone stays much longer in one zone than visitors do there."""

from datetime import timedelta
from typing import Self

from pipeline.motion.movements import Visit
from pipeline.motion.rarity import Distribution
from pipeline.motion.rule import Observation, Rule
from schemas.alert import Category, Explanation, ObservationCode
from schemas.estate import Zone


class Loitering(Rule):
    """Fires when a visit has lasted `at_least`."""

    at_least: timedelta = timedelta(minutes=2)

    @classmethod
    def of(cls, zone: Zone, timezone: str) -> Self | None:  # noqa: ARG003 - it holds at all hours
        return None if zone.loitering_after is None else cls(at_least=zone.loitering_after)

    def judge(self, visit: Visit, usual: Distribution) -> Observation | None:
        if visit.lasted < self.at_least:
            return None
        seconds = visit.lasted.total_seconds()
        return Observation(
            category=Category.LOITERING,
            code=ObservationCode.PERSON_STAYED_LONG,
            score=seconds,
            threshold=self.at_least.total_seconds(),
            numbers={"seconds": seconds, "extent_body_heights": round(visit.extent, 2), "earlier_visits": usual.n},
            explanations=(
                Explanation.COMPARING_PRODUCTS,
                Explanation.WAITING_FOR_SOMEONE,
                Explanation.LOOKING_FOR_STAFF,
                Explanation.STAFF_AT_WORK,
            ),
        )
