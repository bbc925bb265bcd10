"""The noise of what is exported: the same from the same secret, as likely as it should be, and enough."""

import math
from collections import Counter
from datetime import date
from fractions import Fraction

import opendp.prelude as dp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, chi2_contingency, chisquare

from pipeline.flow.noise import Dice, day_key, geometric, sealed
from schemas.ids import StoreId

SECRET = bytes(range(32))
MONDAY = date(2026, 11, 23)
KEY = day_key(SECRET, StoreId("ginza"), MONDAY)
DRAWS = 8000
ALMOST_NEVER = 1e-6
"""How rarely chance alone may fail a test that compares with opendp, whose noise nobody can seed."""


def drawn(epsilon: Fraction, name: str = "", count: int = 0, draws: int = DRAWS) -> list[int]:
    return [count + geometric(epsilon, Dice(KEY, (name, count, index))) for index in range(draws)]


def binned(values: list[int], width: int) -> Counter[int]:
    return Counter(max(-6, min(6, round(value / width))) for value in values)


def test_the_same_secret_store_day_and_name_draw_the_same() -> None:
    names = [("a", 1), ("a", 1), ("a", 2), ("b", 1)]

    first, again, count, place = (Dice(KEY, name).below(2**64) for name in names)

    assert first == again
    assert len({first, count, place}) == 3


def test_another_secret_store_or_day_is_another_key() -> None:
    others = [
        day_key(bytes(32), StoreId("ginza"), MONDAY),
        day_key(SECRET, StoreId("shibuya"), MONDAY),
        day_key(SECRET, StoreId("ginza"), date(2026, 11, 24)),
    ]

    assert len({KEY, *others}) == 4
    assert sealed(KEY, ("door", 1)) != sealed(others[0], ("door", 1))


@given(st.integers(1, 10**9), st.integers(0, 10**6))
def test_dice_fall_within_their_sides(sides: int, name: int) -> None:
    assert 0 <= Dice(KEY, (name,)).below(sides) < sides


@pytest.mark.parametrize("epsilon", [Fraction(2), Fraction(1, 2), Fraction(3, 64)])
def test_noise_is_as_likely_as_the_formula_says(epsilon: Fraction) -> None:
    width = max(1, round(1 / epsilon))
    alpha = math.exp(-epsilon)
    likely = dict.fromkeys(range(-6, 7), 0.0)
    for value in range(-60 * width, 60 * width + 1):
        likely[max(-6, min(6, round(value / width)))] += (1 - alpha) / (1 + alpha) * alpha ** abs(value)
    got = binned(drawn(epsilon, "formula"), width)
    whole = sum(likely.values())
    fit = chisquare([got[each] for each in likely], [share / whole * DRAWS for share in likely.values()])

    assert fit.pvalue > 0.001


@pytest.mark.parametrize("epsilon", [Fraction(1, 2), Fraction(1, 16)])
def test_noise_is_as_opendp_makes_it(epsilon: Fraction) -> None:
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.l1_distance(T=int)
    reference = dp.m.make_laplace(*space, scale=float(1 / epsilon))
    theirs = binned(reference([0] * DRAWS), round(1 / epsilon))
    ours = binned(drawn(epsilon, "opendp"), round(1 / epsilon))
    bins = sorted(theirs.keys() | ours.keys())

    alike = chi2_contingency([[theirs[each] for each in bins], [ours[each] for each in bins]])

    spent = reference.map(1)  # type: ignore[no-untyped-call]  # opendp types it nowhere
    assert spent == pytest.approx(float(epsilon))
    assert alike.pvalue > ALMOST_NEVER


def audited(low: list[int], high: list[int], confidence: float = 0.999) -> float:
    """Return the ε that two sets of releases show at least (Clopper, Pearson 1934), by the best threshold.

    It is chosen by one half and judged by the other, else chance would choose it.
    """
    half = len(low) // 2
    thresholds = range(min(low[:half]), max(high[:half]))
    chosen = max(thresholds, key=lambda each: _shown(low[:half], high[:half], each, 0.9))
    return _shown(low[half:], high[half:], chosen, confidence)


def _shown(low: list[int], high: list[int], threshold: int, confidence: float) -> float:
    hits = sum(each > threshold for each in high)
    misses = sum(each > threshold for each in low)
    rest = 1 - confidence
    at_least = beta.ppf(rest, hits, len(high) - hits + 1) if hits else 0.0
    at_most = beta.ppf(1 - rest, misses + 1, len(low) - misses) if misses < len(low) else 1.0
    return math.log(at_least / at_most) if at_least > 0 else 0.0


def test_r52_what_is_released_shows_no_more_than_its_epsilon() -> None:
    epsilon = Fraction(1)

    shown = audited(drawn(epsilon, "audit", 40), drawn(epsilon, "audit", 41))

    assert 0.5 < shown <= 1


def test_the_audit_finds_too_little_noise() -> None:
    claimed, real = Fraction(1), Fraction(2)

    shown = audited(drawn(real, "audit", 40), drawn(real, "audit", 41))

    assert shown > claimed
