"""Times, lengths and numbers as people read them."""

from datetime import timedelta

import pytest

from pipeline.console import spoken
from pipeline.console.words import Words


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (timedelta(seconds=-3), "0 s"),
        (timedelta(seconds=59.6), "1 min"),
        (timedelta(seconds=90), "1 min 30 s"),
        (timedelta(minutes=60), "1 h"),
        (timedelta(hours=72), "72 h"),
        (timedelta(hours=1, minutes=1, seconds=59), "1 h 1 min"),
    ],
)
def test_a_length_has_the_units_that_matter(span: timedelta, expected: str) -> None:
    assert spoken.length(span, Words("en")) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(0, "0"), (1234567, "1,234,567"), (0.5, "0.50"), (12.34, "12.3"), (100.4, "100")]
)
def test_a_number_has_as_many_digits_as_it_deserves(value: float, expected: str) -> None:
    assert spoken.number(value) == expected
