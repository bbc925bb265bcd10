"""Transfers that break off go on where they were."""

from pathlib import Path

import pytest

from models.download import BREAKS, download
from models.errors import CannotFetch
from tests.unit.models.registry import Registry

CONTENT = bytes(range(256)) * 4000


def quiet(done: int, total: int | None) -> None:
    """Show nothing."""


def test_bytes_arrive_and_are_counted(registry: Registry, tmp_path: Path) -> None:
    registry.files["/a"] = CONTENT
    seen: list[tuple[int, int | None]] = []
    download(f"{registry.address}/a", tmp_path / "a", lambda done, total: seen.append((done, total)))

    assert (tmp_path / "a").read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_a_broken_transfer_goes_on_where_it_broke(registry: Registry, tmp_path: Path) -> None:
    registry.files["/a"] = CONTENT
    registry.break_after = [300_000, 300_000]
    download(f"{registry.address}/a", tmp_path / "a", quiet)

    assert (tmp_path / "a").read_bytes() == CONTENT
    assert registry.asked[0] == ("/a", None)
    assert all(wanted not in (None, "bytes=0-") for _, wanted in registry.asked[1:])


def test_what_an_earlier_run_fetched_is_not_fetched_again(registry: Registry, tmp_path: Path) -> None:
    registry.files["/a"] = CONTENT
    (tmp_path / "a").write_bytes(CONTENT[:1000])
    download(f"{registry.address}/a", tmp_path / "a", quiet)

    assert (tmp_path / "a").read_bytes() == CONTENT
    assert registry.asked == [("/a", "bytes=1000-")]


def test_a_server_without_ranges_is_read_from_the_start(registry: Registry, tmp_path: Path) -> None:
    registry.files["/a"] = CONTENT
    registry.knows_ranges = False
    (tmp_path / "a").write_bytes(b"something else")
    download(f"{registry.address}/a", tmp_path / "a", quiet)

    assert (tmp_path / "a").read_bytes() == CONTENT


def test_a_whole_file_is_left_as_it_is(registry: Registry, tmp_path: Path) -> None:
    registry.files["/a"] = CONTENT
    (tmp_path / "a").write_bytes(CONTENT)
    download(f"{registry.address}/a", tmp_path / "a", quiet)

    assert (tmp_path / "a").read_bytes() == CONTENT


def test_a_transfer_that_never_moves_is_given_up(registry: Registry, tmp_path: Path) -> None:
    registry.files["/a"] = CONTENT
    registry.break_after = [0] * 50

    with pytest.raises(CannotFetch, match="kept breaking off"):
        download(f"{registry.address}/a", tmp_path / "a", quiet)
    assert len(registry.asked) == BREAKS


def test_a_refusal_is_told_without_the_address(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(CannotFetch, match="answered 404") as told:
        download(f"{registry.address}/secret", tmp_path / "a", quiet)
    assert "secret" not in str(told.value)


def test_a_folder_of_wheels_serves_as_a_registry(tmp_path: Path) -> None:
    (tmp_path / "a b.whl").write_bytes(CONTENT)
    download((tmp_path / "a b.whl").as_uri(), tmp_path / "a", quiet)

    assert (tmp_path / "a").read_bytes() == CONTENT
