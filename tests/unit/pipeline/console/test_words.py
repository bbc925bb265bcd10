"""The catalogue is complete, and everything in it is used."""

import re
import string
from pathlib import Path

import pytest

import pipeline.console
from pipeline.console.languages import LANGUAGES
from pipeline.console.words import TEXTS, Words
from schemas.health import CameraState
from schemas.topics import STAGES

HERE = Path(pipeline.console.__file__).parent
MADE_UP = (
    "category.", "observation.", "explanation.", "camera.", "stage.", "state.", "tile.", "flow.", "cameras.",
    "role.", "action.", "purpose.", "suspended.", "hold.", "places.add.", "places.kind.",
    "places.backdrop.",
)  # fmt: skip
"""Keys put together from a code, and so not found by looking for them."""


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_is_there_in_every_language() -> None:
    assert [key for key, text in TEXTS.items() for language in LANGUAGES if not getattr(text, language).strip()] == []


def test_a_text_has_the_same_places_in_every_language() -> None:
    assert [key for key, text in TEXTS.items() if places(text.ja) != places(text.en)] == []


def test_r33_disclosure_is_said_only_of_what_people_may_ask_of_their_own_data() -> None:
    assert [key for key, text in TEXTS.items() if "開示" in text.ja] == []


def test_japanese_is_japanese() -> None:
    words_of_it = {key: re.sub(r"\{\w+\}|\W", "", text.ja) for key, text in TEXTS.items()}

    assert [key for key, text in words_of_it.items() if text and not re.search(r"[ぁ-ヿ一-鿿]", text)] == []


def test_every_text_that_the_page_names_is_there() -> None:
    page = "".join(each.read_text() for each in (HERE / "templates").iterdir())
    named = set(re.findall(r'words\("([\w.]+)"', page)) | set(re.findall(r"words\('([\w.]+)'", page))

    assert named - {"tile.", "flow.", "purpose.", "places.add.", "places.kind."} <= TEXTS.keys()


def test_no_text_is_left_over() -> None:
    sources = "".join(
        each.read_text()
        for each in HERE.rglob("*")
        if each.suffix in {".py", ".html", ".js"} and each.name != "words.py"
    )

    assert [key for key in TEXTS if not key.startswith(MADE_UP) and key not in sources] == []


def test_every_state_has_a_name() -> None:
    keys = [f"camera.{state.value}" for state in CameraState] + [f"stage.{stage}" for stage in STAGES]

    assert set(keys) <= TEXTS.keys()


def test_places_are_filled() -> None:
    assert Words("en")("card.span", begin="1", end="2") == "1 – 2"


def test_a_text_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Words("ja")("no.such")
