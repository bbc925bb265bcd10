"""Every start has a number of its own."""

from pathlib import Path

import pytest

from pipeline.edge.boot import count_boot
from pipeline.errors import Misconfigured


def test_boots_count_up(tmp_path: Path) -> None:
    assert [count_boot(tmp_path / "state") for _ in range(3)] == [1, 2, 3]


def test_a_count_that_cannot_be_read_is_not_begun_anew(tmp_path: Path) -> None:
    """A device that counted from one again would be taken for an older run of itself."""
    (tmp_path / "boot").write_text("broken")

    with pytest.raises(Misconfigured, match="boot"):
        count_boot(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")

    with pytest.raises(Misconfigured, match="state"):
        count_boot(tmp_path / "state")
