"""The names of drawn scenes: `drawn:7` is a round of shop 7, `drawn:7?groups&shake&seconds=120` a story told in it."""

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pipeline.errors import Misconfigured

PREFIX: Final = "drawn:"

PEOPLE: Final = {
    "crossings": "people walk through both ways; some turn round behind the entrance",
    "stops": "visitors stop on the open floor, some for long",
    "groups": "two or three walk close together",
    "occlusion": "two meet, and the nearer hides the other",
    "children": "a child walks with somebody",
    "trolleys": "somebody pushes a trolley, which hides legs",
    "staff": "somebody goes into the staff area and out again",
    "busy": "people come so fast that four or five are always in sight, moving, in each other's way",
}
"""Who comes. Without any of these the scene is the round of its seed."""

PICTURE: Final = {
    "lights": "the light changes, slowly and at once",
    "shake": "the camera trembles",
    "noise": "the picture is noisy, as every real camera's is",
}

TAMPER: Final = {
    "covered": "the lens is covered, black",
    "cloth": "a cloth hangs before the lens",
    "half": "60 % of the picture is covered",
    "defocused": "the picture is blurred",
    "moved": "the camera is turned a little",
    "frozen": "the picture stands still",
}
"""From when on, in seconds: `covered=30`, or from when to when: `covered=30-60`."""

NUMBERS: Final = {
    "seconds": "how long the story is; 60 if not said. It begins and ends with an empty shop",
    "active": "per cent of the time in which people are about, in bursts of 20 seconds or more; 100 if not said",
}

_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?", re.ASCII)
_SHORTEST, _LONGEST = 20.0, 24 * 3600.0


class UnknownScene(Misconfigured):
    """No drawn scene has this name."""


class Span(NamedTuple):
    """When something is done to the camera, in seconds from the start; without an end, to the last."""

    begin: float
    end: float | None = None

    def holds(self, seconds: float) -> bool:
        return self.begin <= seconds and (self.end is None or seconds < self.end)


@dataclass(frozen=True)
class Name:
    """What a name says."""

    seed: int
    people: tuple[str, ...] = ()
    picture: tuple[str, ...] = ()
    tamper: dict[str, Span] = field(default_factory=dict)
    seconds: float = 60.0
    active: float = 100.0


def read(text: str) -> Name:
    """Read a name, `drawn:SEED` or `drawn:SEED?word&word&word=number`; the order of the words does not matter.

    Raises:
        UnknownScene: Naming the word that nobody knows, and those that are known.
    """
    seed, _, rest = text.removeprefix(PREFIX).partition("?")
    if not (seed.isascii() and seed.isdecimal()):
        raise UnknownScene(f"{text}: write {PREFIX} and a number, such as drawn:1 or drawn:1?groups&shake")
    words = dict(_pair(text, word) for word in rest.split("&") if word)
    spans = {word: _span(text, word, value) for word, value in words.items() if word in TAMPER | NUMBERS}
    seconds = spans.get("seconds", Span(60.0)).begin
    active = spans.get("active", Span(100.0)).begin
    if not (_SHORTEST <= seconds <= _LONGEST and 1 <= active <= 100):
        raise UnknownScene(f"{text}: seconds are from {_SHORTEST:g} to {_LONGEST:g}, active is from 1 to 100")
    return Name(
        seed=int(seed),
        people=tuple(word for word in PEOPLE if word in words),
        picture=tuple(word for word in PICTURE if word in words),
        tamper={word: spans[word] for word in TAMPER if word in words},
        seconds=seconds,
        active=active,
    )


def _pair(text: str, word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    if name not in {**PEOPLE, **PICTURE, **TAMPER, **NUMBERS}:
        raise UnknownScene(f"{text}: {name!r} is none of {', '.join([*PEOPLE, *PICTURE, *TAMPER, *NUMBERS])}")
    if bool(value) and name in {**PEOPLE, **PICTURE}:
        raise UnknownScene(f"{text}: {name} stands alone, without a number")
    return name, value


def _span(text: str, word: str, value: str) -> Span:
    found = _SPAN.fullmatch(value)
    if found is None or (word in NUMBERS and found[2]):
        shown = "=30 or =30-60" if word in TAMPER else "=60"
        raise UnknownScene(f"{text}: say {word} with seconds, such as {word}{shown}")
    return Span(float(found[1]), None if found[2] is None else float(found[2]))
