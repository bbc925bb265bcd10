from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.dwell import FINE, coarse, fine, histogram, median
from schemas.flow import DWELL_EDGES

lengths = st.floats(1, 3600).map(lambda seconds: timedelta(seconds=seconds))


def by_bin(seconds: list[float]) -> dict[int, int]:
    bins = [fine(timedelta(seconds=each)) for each in seconds]
    return {each: bins.count(each) for each in bins}


@given(lengths)
def test_a_length_lies_in_its_bin_and_that_in_the_published_one(length: timedelta) -> None:
    seconds = length.total_seconds()
    bin_ = fine(length)
    published = coarse(bin_)

    assert (0.0, *FINE)[bin_] <= seconds < FINE[bin_]
    assert FINE[bin_] <= FINE[bin_ - 1] * 1.051
    assert (0.0, *DWELL_EDGES)[published] <= seconds
    assert published == len(DWELL_EDGES) or seconds < DWELL_EDGES[published]


def test_a_histogram_sums_the_fine_bins() -> None:
    assert histogram(by_bin([1, 4.9, 5, 100, 599, 600, 90_000])) == (2, 1, 0, 0, 1, 0, 1, 2)


@given(st.lists(st.floats(1, 3600), min_size=1, max_size=40))
def test_without_anybody_lost_the_median_is_the_usual_one(seconds: list[float]) -> None:
    ordered = sorted(seconds)

    found = median(by_bin(seconds), {})

    assert found is not None
    assert ordered[(len(ordered) - 1) // 2] / 1.06 <= found <= ordered[len(ordered) // 2] * 1.06


def test_the_product_limit_is_that_of_the_paper() -> None:
    # Kaplan's and Meier's own example: deaths at .8, 3.1, 5.4, 9.2 and losses at 1, 2.7, 7, 12.1. What stays is .875,
    # .7, .525 and .2625. Here ten times as long, in seconds.
    died, lost = [8, 31, 54, 92], [10, 27, 70, 121]

    found = median(by_bin([float(each) for each in died]), by_bin([float(each) for each in lost]))

    assert found == pytest.approx(92, rel=0.05)


def test_who_is_lost_early_says_little() -> None:
    stays, lost = [60.0] * 10, [2.0] * 30

    assert median(by_bin(stays), by_bin(lost)) == pytest.approx(60, rel=0.05)


def test_where_most_stay_longer_than_anybody_watched_there_is_no_median() -> None:
    assert median(by_bin([10.0]), by_bin([20.0, 30.0])) is None
    assert median({}, {}) is None
