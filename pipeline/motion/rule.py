"""What a rule is: it decides whether a visit deserves a person's attention."""

from abc import abstractmethod
from typing import ClassVar, NamedTuple, Self

from pipeline.motion.movements import Visit
from pipeline.motion.rarity import Distribution
from schemas.alert import Category, Explanation, ObservationCode
from schemas.estate import Zone
from schemas.frozen import Frozen


class Observation(NamedTuple):
    """What a rule saw, and the numbers behind it; never a verdict."""

    category: Category
    code: ObservationCode
    score: float
    threshold: float
    numbers: dict[str, float]
    explanations: tuple[Explanation, ...]


class Rule(Frozen):
    """Its fields are its settings, its module's name is its name."""

    needs_speed: ClassVar[bool] = False
    """Such a rule is off below 2 frames a second."""

    @property
    def name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    @classmethod
    @abstractmethod
    def of(cls, zone: Zone, timezone: str) -> Self | None:
        """Return the rule as this zone of the estate wants it, or None where it does not."""

    @abstractmethod
    def judge(self, visit: Visit, usual: Distribution) -> Observation | None:
        """Say what is worth a look about a visit that goes on.

        You are called at every frame of every visit until you have answered once. `usual` is how long earlier visits
        of this zone at this hour lasted. Look at nothing else: a replay must answer the same.
        """
