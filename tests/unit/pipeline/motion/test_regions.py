from hypothesis import given
from hypothesis import strategies as st

from pipeline.motion.regions import looked_at
from schemas.geometry import Box

LEFT = Box(left=0, top=0, right=0.5, bottom=1)
sides = st.floats(0, 0.4)


def test_without_regions_everything_was_looked_at() -> None:
    assert looked_at((0.1, 0.2, 0.3, 0.9), ())


def test_who_is_half_in_a_region_was_looked_at_and_by_less_was_not() -> None:
    assert looked_at((0.4, 0.2, 0.6, 0.9), [LEFT])
    assert not looked_at((0.41, 0.2, 0.61, 0.9), [LEFT])


def test_several_regions_may_show_somebody_together() -> None:
    above, below = Box(left=0, top=0, right=1, bottom=0.4), Box(left=0, top=0.6, right=1, bottom=1)

    assert looked_at((0.4, 0.2, 0.6, 0.8), [above, below])
    assert not looked_at((0.4, 0.2, 0.6, 0.8), [below])


def test_what_sticks_out_of_the_picture_cannot_be_looked_at() -> None:
    assert looked_at((0.2, 0.6, 0.4, 1.4), [Box(left=0, top=0.5, right=1, bottom=1)])


@given(sides, sides)
def test_a_picture_that_is_one_region_is_looked_at_everywhere(left: float, top: float) -> None:
    assert looked_at((left, top, left + 0.2, top + 0.5), [Box(left=0, top=0, right=1, bottom=1)])
