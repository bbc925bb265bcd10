"""What a person decided about an alert."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.envelope import CameraMessage, DataClass
from schemas.ids import AlertId


class Outcome(StrEnum):
    """R43: the outcomes a review may have; mere doubt about a person cannot be expressed (R25)."""

    DETECTOR_ERROR = "detector_error"
    INCONCLUSIVE = "inconclusive"
    NO_ACTION = "no_action"
    ASSIST_OFFERED = "assist_offered"
    INCIDENT_OPENED = "incident_opened"


class Review(CameraMessage):
    """A reviewed alert."""

    ce_type: ClassVar[str] = "mimamori.review.v1"
    data_class: Literal[DataClass.LINKABLE] = DataClass.LINKABLE
    alert_id: Annotated[AlertId, Field(min_length=1, max_length=64)]
    outcome: Outcome
    reviewer: str = Field(min_length=1, max_length=64)
    worth_a_look: bool

    @property
    def key(self) -> str:
        return str(self.alert_id)
