"""The floor in metres: what was measured is found again, and what cannot be a floor is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.motion.floor import Floor, NoFloor, Place, fit, grid
from schemas.estate import Homography
from schemas.geometry import Point


def seen(place: tuple[float, float], *, high: float, down: float, zoom: float) -> tuple[float, float]:
    """Where a camera so many metres up, looking so far down, sees a place before it."""
    x, y = place
    deep = y * math.cos(down) + high * math.sin(down)
    below = high * math.cos(down) - y * math.sin(down)
    return 0.5 + zoom * x / deep, 0.5 + zoom * below / deep


cameras = st.fixed_dictionaries({"high": st.floats(2.2, 6), "down": st.floats(0.35, 1.0), "zoom": st.floats(0.5, 0.9)})
PLACES = [(-1.0, 3.0), (1.2, 3.0), (1.5, 6.0), (-1.4, 6.5), (0.2, 4.5), (0.9, 5.1)]


def measured(camera: dict[str, float], off: float = 0, seed: int = 0, count: int = 6) -> Homography:
    chance = np.random.default_rng(seed)
    points = [np.array(seen(each, **camera)) + chance.normal(0, off, 2) for each in PLACES[:count]]
    return Homography(picture=tuple(Point(x=x, y=y) for x, y in points), floor_m=tuple(PLACES[:count]))


CAMERA = {"high": 3.0, "down": 0.6, "zoom": 0.7}


@settings(max_examples=15, deadline=None)
@given(cameras, st.integers(4, 6))
def test_from_four_points_or_more_of_a_camera_every_place_is_found(camera: dict[str, float], count: int) -> None:
    floor = fit(measured(camera, count=count))
    x, y = seen((0.5, 5.5), **camera)
    found = floor.place(Point(x=x, y=y))

    assert found == pytest.approx((0.5, 5.5), abs=1e-4)
    assert max(floor.errors_m) < 1e-4


@settings(max_examples=15, deadline=None)
@given(cameras, st.integers(0, 1000))
def test_a_place_goes_to_the_picture_and_back(camera: dict[str, float], seed: int) -> None:
    floor = fit(measured(camera, off=0.002, seed=seed))
    there = floor.point(Place(0.3, 4.4))
    assert there is not None

    assert floor.place(there) == pytest.approx((0.3, 4.4), abs=1e-6)


def test_more_points_make_up_for_clicks_that_are_off() -> None:
    x, y = seen((0.5, 5.5), **CAMERA)

    def off(count: int) -> float:
        fits = (fit(measured(CAMERA, off=0.004, seed=seed, count=count)) for seed in range(15))
        return float(np.mean([math.dist(floor.place(Point(x=x, y=y)) or (9, 9), (0.5, 5.5)) for floor in fits]))

    assert off(6) < 0.8 * off(4)


def test_the_error_says_how_far_a_wrong_measure_is_off() -> None:
    right = measured(CAMERA)
    places = [*right.floor_m[:5], (right.floor_m[5][0] + 1.0, right.floor_m[5][1])]

    assert max(fit(right).errors_m) < 0.001
    assert max(fit(Homography(picture=right.picture, floor_m=tuple(places))).errors_m) > 0.15


def test_nothing_beats_the_least_squares() -> None:
    clicked = measured(CAMERA, off=0.004, seed=3)
    floor = fit(clicked)

    def squares(matrix: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
        tried = Floor(matrix, ())
        found = [tried.point(Place(*each)) for each in clicked.floor_m]
        return sum(
            (one.x - other.x) ** 2 + (one.y - other.y) ** 2
            for one, other in zip(found, clicked.picture, strict=True)
            if one is not None
        )

    least, chance = squares(floor._to_picture), np.random.default_rng(1)
    for _ in range(60):
        other = floor._to_picture * (1 + chance.normal(0, 1e-3, (3, 3)))
        assert squares(other) >= least - 1e-12


def test_what_is_above_the_horizon_is_nowhere_on_the_floor() -> None:
    floor = fit(measured(CAMERA))

    assert floor.place(Point(x=0.5, y=-0.4)) is None
    assert floor.metres(Point(x=0.5, y=-0.4), Point(x=0.5, y=0.9)) is None
    assert floor.point(Place(0, -50)) is None


def test_a_step_far_away_is_more_metres_than_one_near() -> None:
    floor = fit(measured(CAMERA))
    far, near = floor.scale(Point(x=0.5, y=0.3)), floor.scale(Point(x=0.5, y=0.9))
    assert far is not None
    assert near is not None

    assert far > 2 * near > 0


def test_a_speed_is_in_metres_a_second() -> None:
    floor = fit(measured(CAMERA))
    one, other = (Point(x=x, y=y) for x, y in (seen((0, 4), **CAMERA), seen((0.7, 4), **CAMERA)))

    assert floor.speed(one, other, 0.5) == pytest.approx(1.4)
    assert floor.speed(one, other, 0) is None


SQUARE = [Point(x=0.2, y=0.8), Point(x=0.8, y=0.8), Point(x=0.7, y=0.4), Point(x=0.3, y=0.4)]


@pytest.mark.parametrize(
    ("picture", "floor", "why"),
    [
        (SQUARE, [(0, 0), (1, 0), (2, 0), (0, 3)], "one line"),
        ([Point(x=each / 9, y=each / 9) for each in range(4)], [(0, 0), (1, 0), (1, 1), (0, 1)], "one line"),
        (SQUARE, [(0, 0), (1, 1), (1, 0), (0, 1)], "same order"),
    ],
)
def test_points_on_no_floor_are_refused(picture: list[Point], floor: list[tuple[float, float]], why: str) -> None:
    with pytest.raises(NoFloor, match=why):
        fit(Homography(picture=tuple(picture), floor_m=tuple(floor)))


def test_the_grid_goes_through_the_picture_a_metre_apart() -> None:
    points = measured(CAMERA)
    floor = fit(points)
    lines = grid(floor, points)

    assert len(lines) >= 10
    for line in lines:
        places = [floor.place(each) for each in line]
        steady = {round(each.x, 4) for each in places if each}, {round(each.y, 4) for each in places if each}
        assert min(len(each) for each in steady) == 1
