from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.flow.bounds import AT_MOST, Bounds, kept, use
from pipeline.flow.budget import CELLS, budget, shares
from schemas.estate import Camera, FlowSettings, Line, Split, Store, Zone
from schemas.geometry import Point
from schemas.ids import CameraId, LineId, StoreId, ZoneId

LINE = Line(id=LineId("door"), start=Point(x=0, y=0.5), end=Point(x=1, y=0.5))
ZONE = Zone(id=ZoneId("till"), polygon=(Point(x=0, y=0), Point(x=1, y=0), Point(x=1, y=1)))


def store(*places: tuple[bool, bool]) -> Store:
    cameras = tuple(
        Camera(id=CameraId(f"c{index}"), lines=(LINE,) if line else (), zones=(ZONE,) if zone else ())
        for index, (line, zone) in enumerate(places)
    )
    return Store(id=StoreId("ginza"), regulation="rules.toml", cameras=cameras)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30),
    st.floats(0.01, 10),
    st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30)),
)
def test_the_shares_of_a_day_are_never_more_than_it_has(
    places: list[tuple[bool, bool]], epsilon: float, parts: tuple[int, int, int]
) -> None:
    split = Split(crossings=parts[0] / 100, zones=parts[1] / 100, dwell=parts[2] / 100)
    settings = FlowSettings(profile="export", epsilon=epsilon, split=split)

    found = shares(settings, store(*places))

    assert sum(share.micro for camera in found.values() for share in camera.values()) <= budget(settings)
    assert all(share.each * share.cells <= Fraction(share.micro, 10**6) for c in found.values() for share in c.values())


def test_only_who_has_something_to_tell_has_a_share_of_it() -> None:
    found = shares(FlowSettings(profile="export"), store((True, False), (True, True), (False, False)))

    assert {camera: dict(each) for camera, each in found.items()} == {
        "c0": {"crossings": (500_000, 2)},
        "c1": {"crossings": (500_000, 2), "zones": (750_000, 4), "dwell": (250_000, 1)},
        "c2": {},
    }


def test_a_track_counts_for_as_much_as_its_noise_hides_and_is_forgotten_with_it() -> None:
    bounds: Bounds = {}
    counted = 0
    for _ in range(9):
        bounds, may = use(bounds, 7, "zones")
        counted += may
    bounds, another = use(bounds, 8, "zones")

    assert (counted, another) == (4, True)
    assert kept(bounds, [8]).keys() == {8}
    assert (AT_MOST["in"] + AT_MOST["out"], AT_MOST["zones"], AT_MOST["dwell"]) == tuple(CELLS.values())


@pytest.mark.parametrize(
    "wrong",
    [{"window": "15min"}, {"suppressed_below": 4}, {"epsilon": 0}, {"split": {"crossings": 0.9}}],
)
def test_r51_an_export_that_tells_too_much_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FlowSettings.model_validate({"profile": "export", **wrong})
