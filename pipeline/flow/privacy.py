"""What of a count may leave the stage: nothing about fewer than k people."""

from collections.abc import Sequence

from schemas.estate import FlowSettings


def least(settings: FlowSettings) -> int:
    """Return k: nothing about fewer people than that is published. A demo shows everything, on loopback only."""
    return 0 if settings.profile == "demo" else settings.suppressed_below


def suppressed(people: Sequence[int], k: int) -> bool:
    """Say whether a window must be withheld: somewhere in it someone was counted, but fewer than k.

    Args:
        people: How many people stand behind each of its values. Nobody at all is nobody's secret.
        k: The least that may be told.
    """
    return any(0 < each < k for each in people)
