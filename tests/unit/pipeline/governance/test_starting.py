"""What keeps a stream from starting."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pipeline.errors import Misconfigured
from pipeline.governance.starting import reasons_not_to_start, require_start
from schemas.envelope import Purpose
from schemas.estate import Camera, Estate, Store
from schemas.ids import CameraId, StoreId
from schemas.regulation import Notice, Person, Regulation, Retention

NOW = datetime(2026, 11, 23, tzinfo=UTC)
GINZA, ENTRANCE = StoreId("ginza"), CameraId("entrance")
NOTICE = Notice(
    id="door",
    text_version="1",
    place="entrance",
    languages=("ja", "en"),
    checked_by="m.sato",
    checked_on=date(2026, 11, 1),
    purposes=(Purpose.CRIME_PREVENTION,),
)


def regulation(**changes: Any) -> Regulation:
    whole: dict[str, Any] = {
        "version": "1",
        "purposes": (Purpose.CRIME_PREVENTION,),
        "retention": Retention(frames=timedelta(hours=1)),
        "manager": Person(name="M. Sato"),
        "deputy": Person(name="K. Ito"),
        "notices": (NOTICE,),
    }
    return Regulation(**whole | changes)


def estate(**camera: Any) -> Estate:
    return Estate(
        frame_ttl=timedelta(hours=1),
        stores=(
            Store(
                id="ginza", regulation="rules.toml", cameras=(Camera(**{"id": "entrance", "notice": "door"} | camera),)
            ),
        ),
    )


def reasons(rules: Regulation, cameras: Estate | None = None) -> str:
    return "\n".join(reasons_not_to_start(cameras or estate(), rules, GINZA, ENTRANCE, NOW))


def test_a_stream_with_everything_in_order_starts() -> None:
    require_start(estate(), regulation(), GINZA, ENTRANCE, NOW)


@pytest.mark.parametrize(
    "notices",
    [
        (),
        (NOTICE.model_copy(update={"active": False}),),
        (NOTICE.model_copy(update={"checked_on": date(2027, 1, 1)}),),
        (NOTICE.model_copy(update={"id": "another"}),),
    ],
)
def test_r02_no_stream_starts_without_an_active_notice(notices: tuple[Notice, ...]) -> None:
    assert "R02" in reasons(regulation(notices=notices))


@pytest.mark.parametrize("role", ["manager", "deputy"])
def test_r13_no_stream_starts_without_a_manager_and_a_deputy(role: str) -> None:
    assert reasons(regulation(**{role: None})) == f"R13: name a {role} in the regulation: [{role}]"


def test_r20_no_stream_starts_without_a_retention() -> None:
    assert "R20" in reasons(regulation(retention=None))


def test_r20_frames_do_not_outlive_the_regulation() -> None:
    assert "R20" in reasons(regulation(retention=Retention(frames=timedelta(minutes=5))))


@pytest.mark.parametrize(
    ("allows", "mend"),
    [
        (
            {"alerts": timedelta(days=7)},
            "keeps alerts 30 days, the regulation allows 7 days: lower alerts_ttl",
        ),
        (
            {"flow": timedelta(days=90)},
            "keeps people flow 761 days, the regulation allows 90 days: lower flow_ttl",
        ),
    ],
)
def test_r20_alerts_and_counts_do_not_outlive_the_regulation(allows: dict[str, timedelta], mend: str) -> None:
    rules = regulation(retention=Retention(frames=timedelta(hours=1), **allows))
    lowered = {f"{kind}_ttl": allowed for kind, allowed in allows.items()}

    assert reasons(rules) == f"R20: the estate {mend}"
    assert reasons(rules, estate().model_copy(update=lowered)) == ""


def test_r20_everything_that_would_be_kept_too_long_is_named() -> None:
    short = timedelta(minutes=5)
    told = reasons(regulation(retention=Retention(frames=short, alerts=short, flow=short)))

    assert [line.rsplit(" ", 1)[1] for line in told.splitlines()] == ["frame_ttl", "alerts_ttl", "flow_ttl"]


def test_r07_more_than_was_decided_is_refused() -> None:
    assert "R07" in reasons(regulation(), estate(fps=30))
    assert "R07" in reasons(regulation(), estate(width=1920))


def test_every_reason_is_told_at_once() -> None:
    with pytest.raises(Misconfigured) as refused:
        require_start(estate(), regulation(manager=None, notices=()), GINZA, ENTRANCE, NOW)
    assert "R13" in str(refused.value)
    assert "R02" in str(refused.value)


def test_a_camera_that_the_estate_does_not_have_is_named() -> None:
    assert reasons_not_to_start(estate(), regulation(), GINZA, CameraId("roof"), NOW) == (
        "the estate has no camera ginza/roof: add it under [[stores.cameras]]",
    )
