"""Laws of overlaps, and of what is kept."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.nms import keep, overlap

Floats = npt.NDArray[np.float32]

ROUNDING = 1e-5

numbers = st.floats(0, 500, width=32)


@st.composite
def boxes(draw: st.DrawFn) -> Floats:
    corners = draw(arrays(np.float32, st.tuples(st.integers(0, 12), st.just(4)), elements=numbers))
    return np.concatenate([corners[:, :2], corners[:, :2] + corners[:, 2:] + 1], axis=1)


@st.composite
def likely_boxes(draw: st.DrawFn) -> tuple[Floats, Floats]:
    found = draw(boxes())
    return found, draw(arrays(np.float32, len(found), elements=st.floats(0, 1, width=32)))


@given(boxes())
def test_a_box_overlaps_itself_wholly(found: Floats) -> None:
    np.testing.assert_allclose(np.diag(overlap(found, found)), 1, rtol=1e-3)


@given(boxes(), boxes())
def test_overlap_is_symmetric_and_a_share(first: Floats, second: Floats) -> None:
    shares = overlap(first, second)

    np.testing.assert_allclose(shares, overlap(second, first).T, rtol=1e-5)
    assert ((shares >= 0) & (shares <= 1 + 1e-3)).all()


def test_overlap_is_intersection_over_union() -> None:
    shares = overlap(np.array([[0, 0, 2, 2]], np.float32), np.array([[1, 0, 3, 2], [5, 5, 6, 6]], np.float32))

    np.testing.assert_allclose(shares, [[1 / 3, 0]])


def test_boxes_without_an_inside_overlap_nothing() -> None:
    nothing = np.zeros((1, 4), np.float32)

    assert overlap(nothing, nothing).tolist() == [[0]]


@given(likely_boxes(), st.floats(0, 1))
def test_what_is_kept_overlaps_little_and_is_in_order(found: tuple[Floats, Floats], limit: float) -> None:
    corners, likelihoods = found
    kept = keep(corners, likelihoods, at_most=limit)

    among = overlap(corners[kept], corners[kept])
    assert (np.triu(among, 1) <= limit + ROUNDING).all()
    assert (np.diff(likelihoods[kept]) <= 0).all()


@given(likely_boxes(), st.floats(0, 1))
def test_what_is_dropped_overlaps_a_likelier_one_that_was_kept(found: tuple[Floats, Floats], limit: float) -> None:
    corners, likelihoods = found
    kept = keep(corners, likelihoods, at_most=limit)

    for dropped in set(range(len(corners))) - set(kept.tolist()):
        over = overlap(corners[dropped : dropped + 1], corners[kept])[0] > limit - ROUNDING
        assert (over & (likelihoods[kept] >= likelihoods[dropped])).any()


@given(likely_boxes(), st.floats(0, 1))
def test_keeping_twice_changes_nothing(found: tuple[Floats, Floats], limit: float) -> None:
    corners, likelihoods = found
    kept = keep(corners, likelihoods, at_most=limit)

    assert keep(corners[kept], likelihoods[kept], at_most=limit).tolist() == list(range(len(kept)))
