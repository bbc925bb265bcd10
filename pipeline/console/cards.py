"""An alert as a card: the courteous procedure first, then what was possibly seen. An observation, never more."""

from datetime import datetime, timedelta
from typing import Final, Literal

from pipeline.console import places, spoken
from pipeline.console.places import Names
from pipeline.console.words import Words
from pipeline.flow.rows import AlertRow
from schemas.estate import Estate
from schemas.frozen import Frozen, UtcTime

PROCEDURE: Final = ("card.step.greet", "card.step.help", "card.step.second")

_NUMBERS: Final = {
    "seconds": "number.dwell",
    "extent_body_heights": "number.extent",
    "sightings": "number.sightings",
    "earlier_visits": "number.earlier_visits",
}
"""Numbers behind an alert that people can use; the others stay in its row for replay."""

COMMON: Final = 1.5
"""One in so many visits or more often is what one sees here every day; "1 in 1" would say it badly."""


class Doable(Frozen):
    """Which buttons a card has for whoever reads it. Who may not is given none; the vault decides in any case.

    `look_released`: a button only where a manager released this very item, which is asked when the card is opened.
    """

    look: bool = False
    look_released: bool = False
    hold: bool = False
    release: bool = False
    erase: bool = False


NOTHING: Final = Doable()


class Card(Frozen):
    """What is shown of one alert, in one language; times also as instants for sorting. No box, no frame, no picture."""

    alert_id: str
    procedure: tuple[str, ...]
    acknowledged_at: UtcTime | None
    acknowledged: str
    assertion_level: Literal["observation_unreviewed"] = "observation_unreviewed"
    caveat: str
    category: str
    seen: str
    store_id: str
    store: str
    place: str
    camera: str
    raised: UtcTime
    start: UtcTime
    end: UtcTime
    time: str
    date: str
    timezone: str
    span: str
    lasted: str
    numbers: tuple[str, ...]
    rarity: str
    usefulness: str
    explanations: tuple[str, ...]
    may: Doable


def card(
    alert: AlertRow, acknowledged_at: datetime | None, estate: Estate, words: Words, may: Doable = NOTHING
) -> Card:
    """Say an alert in a language."""
    zone, names = places.timezone(estate, alert.store_id), Names(estate, alert.store_id)
    place = place_of(alert, names)
    return Card(
        alert_id=alert.alert_id,
        procedure=tuple(words(step) for step in PROCEDURE),
        acknowledged_at=acknowledged_at,
        acknowledged=words("card.acknowledged", time=spoken.hour(acknowledged_at, zone)) if acknowledged_at else "",
        caveat=words("card.caveat"),
        category=words(f"category.{alert.category}"),
        seen=words(f"observation.{alert.observation}", place=place),
        store_id=alert.store_id,
        store=names.store(),
        place=place,
        camera=names.camera(alert.camera_id),
        raised=alert.utc_time,
        start=alert.start,
        end=alert.end,
        time=spoken.clock(alert.utc_time, zone),
        date=spoken.date(alert.utc_time, zone),
        timezone=zone.key,
        span=words("card.span", begin=spoken.clock(alert.start, zone), end=spoken.clock(alert.end, zone)),
        lasted=spoken.length(alert.end - alert.start, words),
        numbers=numbers(alert, words),
        rarity=rarity(alert, words),
        usefulness=usefulness(alert, words),
        explanations=tuple(words(f"explanation.{each}") for each in alert.explanations),
        may=may,
    )


def place_of(alert: AlertRow, names: Names) -> str:
    if alert.zone_id:
        return names.zone(alert.camera_id, alert.zone_id)
    return names.line(alert.camera_id, alert.line_id) if alert.line_id else names.camera(alert.camera_id)


def numbers(alert: AlertRow, words: Words) -> tuple[str, ...]:
    """The numbers behind it, those first that people know how to read."""
    known = (_number(name, alert.numbers.get(name), words) for name in _NUMBERS)
    score = words("card.score", score=spoken.number(alert.score), threshold=spoken.number(alert.threshold))
    return (*filter(None, known), score)


def _number(name: str, value: float | None, words: Words) -> str:
    if value is None:
        return ""
    said = spoken.length(timedelta(seconds=value), words) if name == "seconds" else spoken.number(value)
    return words(_NUMBERS[name], value=said)


def rarity(alert: AlertRow, words: Words) -> str:
    """How unusual it is here: with its n, or that too few visits are known to say."""
    if alert.rarity_one_in is None or not alert.rarity_n:
        return words("rarity.unknown")
    one_in, n = alert.rarity_one_in, alert.rarity_n
    if one_in < COMMON:
        return words("rarity.common", n=spoken.number(n))
    return words("rarity.known", one_in=spoken.number(round(one_in)), n=spoken.number(n))


def usefulness(alert: AlertRow, words: Words) -> str:
    """How often people found such alerts worth a look; never without its interval and n."""
    share, low, high, n = (
        alert.usefulness_share, alert.usefulness_low, alert.usefulness_high, alert.usefulness_n,
    )  # fmt: skip
    if share is None or low is None or high is None or not n:
        return words("usefulness.unknown")
    return words(
        "usefulness.known", share=f"{share:.0%}".rstrip("%"), low=spoken.percent(low), high=spoken.percent(high), n=n
    )
