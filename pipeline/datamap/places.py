"""Every place of data that is neither a topic nor a table: read from places.toml."""

import tomllib
from pathlib import Path
from typing import Final

from pipeline.datamap.entry import Entry, entry

FILE: Final = Path(__file__).with_name("places.toml")


def places(text: str | None = None) -> tuple[Entry, ...]:
    """Return them.

    Raises:
        Misconfigured: One of them does not say all that R11 asks for.
    """
    return tuple(entry(**fields) for fields in tomllib.loads(FILE.read_text() if text is None else text)["place"])
