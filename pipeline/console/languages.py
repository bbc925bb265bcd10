"""Which language a person reads."""

from typing import Final, Literal, get_args

Language = Literal["ja", "en"]

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
DEFAULT: Final[Language] = "ja"


def known(text: str | None) -> Language | None:
    return next((each for each in LANGUAGES if each == text), None)


def chosen(asked: str | None, kept: str | None, accepted: str | None) -> Language:
    """What was asked for in the address, else what was chosen before, else what the browser prefers."""
    return known(asked) or known(kept) or preferred(accepted or "") or DEFAULT


def preferred(accept_language: str) -> Language | None:
    """The first of ours in an Accept-Language header, by its weights (RFC 9110 §12.5.4)."""
    weighed = sorted((_weighed(part) for part in accept_language.split(",")), key=lambda pair: -pair[1])
    return next((ours for tag, weight in weighed if weight > 0 and (ours := known(tag))), None)


def _weighed(part: str) -> tuple[str, float]:
    tag, _, rest = part.strip().partition(";")
    name, _, weight = rest.strip().partition("=")
    try:
        value = float(weight) if name.strip() == "q" else 1.0
    except ValueError:
        value = 0.0
    return tag.partition("-")[0].lower(), value
