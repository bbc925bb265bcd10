"""What may be locked is, and where nothing swaps nobody is warned."""

import pytest

from pipeline.vault.hardening import may_lock, swaps

ROOT = "Name:\tpython\nCapEff:\t000001ffffffffff\n"
NOBODY = "Name:\tpython\nCapEff:\t0000000000000000\n"
LOCKER = "Name:\tpython\nCapEff:\t0000000000004000\n"


@pytest.mark.parametrize(
    ("status", "most", "may"),
    [(ROOT, 8 << 20, True), (LOCKER, 0, True), (NOBODY, None, True), (NOBODY, 8 << 20, False), ("", 8 << 20, False)],
)
def test_memory_is_locked_only_where_it_may_grow(status: str, most: int | None, may: bool) -> None:
    assert may_lock(status, most) is may


def test_a_machine_swaps_when_it_lists_a_swap() -> None:
    heading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

    assert not swaps(heading)
    assert swaps(f"{heading}/dev/dm-1                               partition\t8388604\t\t0\t\t-2\n")
