from hypothesis import given
from hypothesis import strategies as st

from pipeline.motion.geometry import Segment, Spot, along, distance, inside, signed_distance, spot, to_border
from schemas.geometry import Point

SQUARE = (Spot(0, 0), Spot(1, 0), Spot(1, 1), Spot(0, 1))
ACROSS = Segment(Spot(0, 0.5), Spot(1, 0.5))

coordinates = st.floats(-2, 2)
spots = st.builds(Spot, coordinates, coordinates)


def test_a_spot_is_measured_in_picture_heights() -> None:
    assert spot(Point(x=0.5, y=0.5), 16 / 9) == Spot(0.5 * 16 / 9, 0.5)


def test_a_spot_lies_in_a_polygon_or_it_does_not() -> None:
    assert inside(SQUARE, Spot(0.5, 0.5))
    assert not inside(SQUARE, Spot(1.5, 0.5))
    assert not inside(SQUARE, Spot(0.5, -0.1))


def test_a_bay_of_a_polygon_is_outside() -> None:
    bay = (Spot(0, 0), Spot(1, 0), Spot(1, 1), Spot(0.5, 0.2), Spot(0, 1))

    assert not inside(bay, Spot(0.5, 0.8))
    assert inside(bay, Spot(0.1, 0.5))


def test_right_of_a_line_that_runs_right_is_below_it_on_the_screen() -> None:
    assert signed_distance(ACROSS, Spot(0.3, 0.7)) > 0
    assert signed_distance(ACROSS, Spot(0.3, 0.2)) < 0


def test_along_counts_from_start_to_end() -> None:
    assert along(ACROSS, Spot(0.25, 0.9)) == 0.25
    assert along(ACROSS, Spot(-1, 0.9)) == -1


@given(spots, spots)
def test_distance_is_the_same_both_ways(a: Spot, b: Spot) -> None:
    assert distance(a, b) == distance(b, a) >= 0


def test_how_far_it_is_to_a_polygons_border() -> None:
    square = (Spot(0, 0), Spot(2, 0), Spot(2, 2), Spot(0, 2))

    assert to_border(square, Spot(0.5, 1)) == 0.5
    assert to_border(square, Spot(1, 2.25)) == 0.25
    assert to_border(square, Spot(5, 6)) == 5
