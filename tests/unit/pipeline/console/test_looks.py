"""Texts can be read: WCAG 2.2 contrast of every pair of colours that stands together, by day and by night."""

import re
from pathlib import Path

import pytest

import pipeline.console

CSS = (Path(pipeline.console.__file__).parent / "static" / "console.css").read_text()
TEXTS = [
    ("ink", "panel"), ("ink", "ground"), ("ink", "raised"), ("ink", "accent-soft"), ("ink", "warm-soft"),
    ("soft", "panel"), ("soft", "ground"), ("soft", "raised"), ("soft", "accent-soft"),
    ("accent", "panel"), ("accent", "raised"), ("accent", "accent-soft"), ("accent-ink", "accent"),
    ("warm", "panel"), ("warm", "raised"), ("warm", "warm-soft"), ("panel", "ink"),
]  # fmt: skip
SHAPES = [
    ("in", "panel"),
    ("out", "panel"),
    ("there", "panel"),
    ("well", "panel"),
    ("care", "panel"),
    ("gone", "panel"),
]


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


DAY, NIGHT = (colours(block) for block in re.findall(r":root \{(.*?)\n\s*\}", CSS, re.DOTALL)[:2])


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [DAY, NIGHT], ids=["day", "night"])
def test_text_has_a_contrast_of_at_least_4_5(theme: dict[str, str]) -> None:
    assert [pair for pair in TEXTS if contrast(theme[pair[0]], theme[pair[1]]) < 4.5] == []


@pytest.mark.parametrize("theme", [DAY, NIGHT], ids=["day", "night"])
def test_shapes_that_mean_something_have_a_contrast_of_at_least_3(theme: dict[str, str]) -> None:
    assert [pair for pair in SHAPES if contrast(theme[pair[0]], theme[pair[1]]) < 3] == []
