"""The data map in words, in both languages."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline.datamap.cli import app
from pipeline.datamap.japanese import HEADINGS, TEXTS
from pipeline.datamap.registry import registry
from pipeline.datamap.render import COLUMNS, Lang, as_json, length, markdown, said
from pipeline.settings import settings
from schemas.topics import Lives

ENTRIES = registry(Lives(timedelta(hours=1)))


def test_every_text_of_the_data_map_is_there_in_japanese() -> None:
    english = {said(getattr(each, name), "en") for each in ENTRIES for name in COLUMNS if name != "place"}
    times = {
        said(value, "en") for each in ENTRIES for value in (each.lives, each.bound) if isinstance(value, timedelta)
    }

    assert english - times <= {*TEXTS, *HEADINGS}
    assert set(TEXTS) <= english, "translated, and said nowhere"


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_r11_the_markdown_has_a_row_for_every_place(lang: Lang) -> None:
    rows = [line for line in markdown(ENTRIES, lang).splitlines() if line.startswith("| ")]

    assert len(rows) == len(ENTRIES) + 2 * 4
    assert all(line.count(" | ") == len(COLUMNS) - 1 for line in rows)
    for each in ENTRIES:
        assert any(line.startswith(f"| {each.place} |") for line in rows)


def test_r11_the_json_says_the_same_with_times_in_seconds() -> None:
    (frames,) = [each for each in json.loads(as_json(ENTRIES)) if each["place"] == "kafka/frames.v1"]

    assert frames["lives"] == "1 h"
    assert (frames["lives_seconds"], frames["bound_seconds"]) == (3600, 4801)
    assert {"items", "scope", "purpose", "responsible"} < frames.keys()


@pytest.mark.parametrize(
    ("time", "english", "japanese"),
    [
        (timedelta(hours=1), "1 h", "1時間"),
        (timedelta(hours=1, minutes=20, seconds=1), "1 h 21 min", "1時間21分"),
        (timedelta(seconds=59), "59 s", "59秒"),
        (timedelta(milliseconds=1), "1 s", "1秒"),
        (timedelta(days=30, minutes=1), "30 d 1 h", "30日1時間"),
    ],
)
def test_times_are_said_in_two_units(time: timedelta, english: str, japanese: str) -> None:
    assert (length(time, "en"), length(time, "ja")) == (english, japanese)


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=2000)))
def test_r21_a_bound_is_never_said_to_be_shorter_than_it_is(time: timedelta) -> None:
    units = {"d": timedelta(days=1), "h": timedelta(hours=1), "min": timedelta(minutes=1), "s": timedelta(seconds=1)}
    words = length(time, "en").split()

    assert sum((int(n) * units[unit] for n, unit in zip(words[::2], words[1::2], strict=True)), timedelta(0)) >= time


@pytest.mark.parametrize(
    ("options", "begins"), [([], "# Data map"), (["--lang", "ja"], "# データマップ"), (["--json"], "[")]
)
def test_the_command_prints_it(
    options: list[str], begins: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIMAMORI_ESTATE", str(tmp_path / "none.toml"))
    settings.cache_clear()
    done = CliRunner().invoke(app, options)
    settings.cache_clear()

    assert done.exit_code == 0
    assert done.stdout.startswith(begins)
