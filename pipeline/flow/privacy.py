"""What of a count may be told: nothing about fewer than k people, nor what gives such a number away."""

from collections.abc import Sequence

from schemas.estate import FlowSettings


def least(settings: FlowSettings) -> int:
    """Return k: nothing about fewer people than that is published. A demo shows everything, on loopback only."""
    return 0 if settings.profile == "demo" else settings.suppressed_below


def suppressed(people: Sequence[int], k: int) -> bool:
    """Say whether somebody was counted somewhere in these, but fewer than k. Nobody at all is nobody's secret."""
    return any(0 < each < k for each in people)


def withheld(people: Sequence[int], k: int) -> tuple[int, ...]:
    """Say which of several counts must be withheld, though their sum be known.

    Primary: those of fewer than k people. Complementary: where the sum would give them away, the smallest of the
    others too, until at least two are withheld and k people are behind them; or all.

    Args:
        people: How many people stand behind each.
        k: The least that may be told.
    """
    hidden = [index for index, each in enumerate(people) if 0 < each < k]
    if not hidden:
        return ()
    others = sorted((each == 0, each, index) for index, each in enumerate(people) if index not in hidden)
    for _, _, index in others:
        if len(hidden) > 1 and sum(people[each] for each in hidden) >= k:
            break
        hidden.append(index)
    return tuple(sorted(hidden))


def total_withheld(parts: Sequence[int], k: int) -> bool:
    """Say whether a sum must be withheld that gives away a part of it which is."""
    hidden = [each for each in parts if 0 < each < k]
    return bool(hidden) and (len(hidden) < 2 or sum(hidden) < k)
