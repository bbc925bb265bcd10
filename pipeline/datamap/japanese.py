"""The data map in Japanese: read from japanese.toml."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_WORDS: Final = tomllib.loads(Path(__file__).with_name("japanese.toml").read_text())

HEADINGS: Final[Mapping[str, str]] = _WORDS["headings"]
TEXTS: Final[Mapping[str, str]] = _WORDS["texts"]
