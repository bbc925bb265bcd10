"""A person reads the language that they chose, or else the one that their browser prefers."""

import pytest

from pipeline.console.languages import Language, chosen, preferred


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("en-GB,en;q=0.9,ja;q=0.8", "en"),
        ("ja-JP", "ja"),
        ("ko-KR, zh;q=0.9, en;q=0.2, ja;q=0.4", "ja"),
        ("en;q=0, ja;q=0.1", "ja"),
        ("en;q=broken, ja;q=0.1", "ja"),
        ("fr", None),
        ("", None),
    ],
)
def test_the_browsers_preference_is_weighed(header: str, expected: Language | None) -> None:
    assert preferred(header) == expected


@pytest.mark.parametrize(
    ("asked", "kept", "accepted", "expected"),
    [
        ("en", "ja", "ja", "en"),
        (None, "en", "ja", "en"),
        (None, None, "en", "en"),
        (None, None, None, "ja"),
        ("tlh", None, "en", "en"),
    ],
)
def test_what_was_asked_for_wins_then_what_was_kept(
    asked: str | None, kept: str | None, accepted: str | None, expected: Language
) -> None:
    assert chosen(asked, kept, accepted) == expected
