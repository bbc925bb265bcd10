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
    """Say which of several counts must be withheld, though their sum be known, and this rule too.

    Primary: those of fewer than k people. Complementary: those that follow, from the last of these on and round, until
    at least two are withheld and more people are behind them than could be if all were few. Which ones follow depends
    on no count: were it always the smallest of the others, that one's size would say too much. From k = 3 on, no count
    of fewer than k can be worked out (proven for all small tables by the test that tries them).

    Args:
        people: How many people stand behind each.
        k: The least that may be told.
    """
    hidden = [index for index, each in enumerate(people) if 0 < each < k]
    if not hidden:
        return ()
    last = hidden[-1]
    for step in range(1, len(people)):
        if len(hidden) > 1 and sum(people[each] for each in hidden) > (k - 1) * len(hidden):
            break
        following = (last + step) % len(people)
        hidden.extend([following] if following not in hidden else [])
    return tuple(sorted(hidden))


def told_apart(k: int, counts: int) -> int:
    """Return how many people behind each of several counts must be told apart for `withheld` to decide as with all."""
    return (k - 1) * counts + 1 if k else 0
