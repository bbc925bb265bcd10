"""The search of `make forgetting`: what is torn is read as far as it goes, what is not there is no control."""

import importlib
from pathlib import Path
from typing import Any

import pytest

SEARCH = Path(__file__).resolve().parents[2] / "load-tests" / "forgetting"


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give one of the search's modules by its name: they lie in a folder of their own."""
    monkeypatch.syspath_prepend(str(SEARCH))
    return importlib.import_module


def block(content: bytes) -> bytes:
    """Write a block of ClickHouse's that is not compressed."""
    sizes = (len(content) + 9).to_bytes(4, "little") + len(content).to_bytes(4, "little")
    return bytes(16) + b"\x02" + sizes + content


def test_a_torn_end_takes_nothing_from_the_blocks_before_it(search: Any) -> None:
    found = search("decode").blocks(block(b"one") + block(b"two") + b"\x01\x02\x03")

    assert (found.content, found.unread) == ([b"one", b"two"], 3)


def test_a_column_that_is_no_blocks_was_not_read(search: Any) -> None:
    decode = search("decode")

    assert decode.clickhouse_file(Path("lz4.bin"), b"plain words, and more of them") == ([], 29)
    assert decode.clickhouse_file(Path("columns.txt"), b"plain words, and more of them") == ([], 0)


def test_what_has_no_file_has_no_control(search: Any, tmp_path: Path) -> None:
    scan, decode = search("scan"), search("decode")
    control = search("canaries").Mark("K").canary(1)
    file = tmp_path / "file"
    file.write_bytes(b"anything")

    assert scan.control_beside([], control, control.legible(), decode.plain_file) == set()
    assert scan.control_beside([tmp_path / "gone"], control, control.legible(), decode.plain_file) == set()
    assert scan.control_beside([file], control, control.legible(), decode.plain_file) > {"raw", "pixels"}


def test_a_page_that_was_refused_is_a_control_missing(search: Any) -> None:
    row = search("scan").Scan(
        "pages", search("scan").Sought(*[search("canaries").Mark("K")] * 2, search("keys").Index({}))
    )

    row.controlled(row._sought.forms)
    assert row.row.control
    row.lacks("https://shop.example.invalid/: 403")
    assert not row.row.control
