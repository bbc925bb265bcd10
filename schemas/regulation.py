"""A store's camera rules as a file: purposes, retention, who answers, what visitors are told."""

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.envelope import Purpose
from schemas.files import load
from schemas.frozen import Frozen, Length
from schemas.ids import NamedNotice, NoticeId


class Person(Frozen):
    """Somebody who answers for the cameras."""

    name: str = Field(min_length=1)
    role: str = ""
    contact: str = ""


class Notice(Frozen):
    """What visitors are told, as it hangs at the door."""

    id: NamedNotice
    text_version: str = Field(min_length=1)
    place: str = Field(min_length=1)
    languages: Annotated[tuple[str, ...], Field(min_length=1)]
    checked_by: str = Field(min_length=1)
    checked_on: date
    active: bool = True
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    features: tuple[Literal["person_detection", "face_detection", "people_flow"], ...] = ()


class Retention(Frozen):
    """How long each kind lives. Evidence and alerts have the guideline's defaults; frames have none (R20)."""

    frames: Annotated[Length, Field(gt=timedelta(0), le=timedelta(hours=72))]
    evidence: Annotated[Length, Field(gt=timedelta(0), le=timedelta(days=30))] = timedelta(days=7)
    alerts: Annotated[Length, Field(gt=timedelta(0), le=timedelta(days=30))] = timedelta(days=30)
    flow: Annotated[Length, Field(gt=timedelta(0), le=timedelta(days=761))] = timedelta(days=761)


class Regulation(Frozen):
    """The rules of one store. What is missing here does not start (see pipeline/governance/starting.py)."""

    version: str = Field(min_length=1)
    operator: str = ""
    address: str = ""
    purposes: tuple[Purpose, ...] = ()
    retention: Retention | None = None
    manager: Person | None = None
    deputy: Person | None = None
    notices: tuple[Notice, ...] = ()

    @model_validator(mode="after")
    def _notices_name_our_purposes(self) -> "Regulation":
        for notice in self.notices:
            if extra := set(notice.purposes) - set(self.purposes):
                raise ValueError(f"notice {notice.id} names purposes that the rules do not: {', '.join(sorted(extra))}")
        return self

    def notice(self, notice: NoticeId | None) -> Notice | None:
        return next((each for each in self.notices if each.id == notice), None)


def load_regulation(path: Path) -> Regulation:
    """Read a regulation.

    Raises:
        FileError: Naming file, line and key.
    """
    return load(path, Regulation)
