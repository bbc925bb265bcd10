"""A camera gets keys when it is in order, for what rules and notice both name."""

from datetime import date, timedelta

import pytest

from pipeline.errors import Refused
from pipeline.vault.policy import Policy, policy_of
from schemas.envelope import Purpose
from schemas.estate import Camera, Estate, Store
from schemas.ids import CameraId, NoticeId, StoreId
from schemas.regulation import Notice, Person, Regulation, Retention
from tests.unit.pipeline.vault.building import NOON

GINZA, DOOR, NOTICE = StoreId("ginza"), CameraId("door"), NoticeId("ginza-1")
HOUR = timedelta(hours=1)
ESTATE = Estate(
    frame_ttl=HOUR,
    stores=(Store(id=GINZA, regulation="ginza.toml", cameras=(Camera(id=DOOR, notice=NOTICE),)),),
)
IN_ORDER = Regulation(
    version="1",
    purposes=(Purpose.CRIME_PREVENTION, Purpose.PEOPLE_FLOW),
    retention=Retention(frames=HOUR),
    manager=Person(name="Sato"),
    deputy=Person(name="Suzuki"),
    notices=(
        Notice(
            id=NOTICE,
            text_version="1",
            place="entrance",
            languages=("ja",),
            checked_by="Sato",
            checked_on=date(2026, 1, 1),
            purposes=(Purpose.CRIME_PREVENTION,),
        ),
    ),
)


def _policy(regulation: Regulation) -> Policy:
    return policy_of(ESTATE, {GINZA: regulation}, NOON)


def test_a_camera_in_order_gets_keys_for_what_its_notice_names() -> None:
    allowed = _policy(IN_ORDER).require(GINZA, DOOR, Purpose.CRIME_PREVENTION)

    assert allowed.notice == NOTICE
    assert allowed.purposes == {Purpose.CRIME_PREVENTION}


@pytest.mark.parametrize("purpose", [Purpose.PEOPLE_FLOW, Purpose.OPERATION])
def test_r05_a_purpose_that_rules_or_notice_do_not_name_gets_none(purpose: Purpose) -> None:
    with pytest.raises(Refused, match="purpose_incompatible"):
        _policy(IN_ORDER).require(GINZA, DOOR, purpose)


@pytest.mark.parametrize(
    "missing", [{"retention": None}, {"manager": None}, {"deputy": None}, {"notices": ()}, {"purposes": ()}]
)
def test_r02_r13_r20_a_camera_that_is_not_in_order_gets_none(missing: dict[str, object]) -> None:
    with pytest.raises(Refused):
        _policy(IN_ORDER.model_copy(update=missing)).require(GINZA, DOOR, Purpose.CRIME_PREVENTION)


@pytest.mark.parametrize(
    "retention",
    [
        Retention(frames=HOUR / 2),
        Retention(frames=HOUR, alerts=timedelta(days=7)),
        Retention(frames=HOUR, flow=timedelta(days=90)),
    ],
)
def test_r20_a_camera_of_which_anything_would_live_longer_than_the_rules_allow_gets_none(retention: Retention) -> None:
    short = IN_ORDER.model_copy(update={"retention": retention})

    with pytest.raises(Refused):
        _policy(short).require(GINZA, DOOR, Purpose.CRIME_PREVENTION)


def test_a_camera_that_nobody_knows_gets_none() -> None:
    with pytest.raises(Refused, match="not in the estate"):
        _policy(IN_ORDER).require(GINZA, CameraId("unknown"), Purpose.CRIME_PREVENTION)
