"""An alert: an observation for a person to review, never a verdict."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.detections import FrameRef, Likelihood
from schemas.envelope import CameraMessage, DataClass
from schemas.frozen import Frozen, UtcTime
from schemas.geometry import Box
from schemas.ids import AlertId, NamedLine, NamedZone


class Category(StrEnum):
    """What kind of rule noticed it."""

    RESTRICTED_ZONE = "restricted_zone"
    LOITERING = "loitering"


class ObservationCode(StrEnum):
    """What was seen, from a fixed list; there is no free text to accuse with."""

    PERSON_IN_RESTRICTED_ZONE = "person_in_restricted_zone"
    PERSON_STAYED_LONG = "person_stayed_long"


class Explanation(StrEnum):
    """Benign explanations that are shown with an alert."""

    STAFF_AT_WORK = "staff_at_work"
    LOOKING_FOR_STAFF = "looking_for_staff"
    LOST_THE_WAY = "lost_the_way"
    COMPARING_PRODUCTS = "comparing_products"
    WAITING_FOR_SOMEONE = "waiting_for_someone"
    DELIVERY = "delivery"


NumberName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""What a number behind an alert is called, by its rule."""


class Rarity(Frozen):
    """How unusual it is here: 1 in `one_in` visits in this zone at this hour, out of n."""

    one_in: float = Field(ge=1)
    n: int = Field(ge=0, lt=2**32)


class Usefulness(Frozen):
    """How often people found such alerts worth a look: share, interval, n."""

    share: Likelihood
    low: Likelihood
    high: Likelihood
    n: int = Field(ge=1, lt=2**32)


class Quantile(Frozen):
    """The state behind a rarity, so that it can be replayed: counts of earlier scores by bin edge."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


class AlertFrame(Frozen):
    """A frame that an alert names: where it lies, the box it concerns, and where all boxes of that frame are."""

    frame: FrameRef
    bounding_box: Box
    detections: FrameRef


class Alert(CameraMessage):
    """What was seen, how unusual it is here, and the numbers behind it."""

    ce_type: ClassVar[str] = "mimamori.alert.v1"
    data_class: Literal[DataClass.LINKABLE] = DataClass.LINKABLE
    alert_id: Annotated[AlertId, Field(min_length=1, max_length=64)]
    assertion_level: Literal["observation_unreviewed"] = "observation_unreviewed"
    category: Category
    observation: ObservationCode
    zone_id: NamedZone | None = None
    line_id: NamedLine | None = None
    start: UtcTime
    end: UtcTime
    numbers: dict[NumberName, float] = Field(default_factory=dict, max_length=16)
    rarity: Rarity | None = None
    usefulness: Usefulness | None = None
    score: float
    threshold: float
    explanations: tuple[Explanation, ...] = ()
    frame_refs: Annotated[tuple[AlertFrame, ...], Field(max_length=32)] = ()
    quantile: Quantile | None = None
