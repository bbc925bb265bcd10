"""Heat maps and stays: added up over a day, never more than was published, each with how much was seen."""

from datetime import timedelta

from pipeline.console.flow import panel
from pipeline.console.places import Names
from pipeline.console.stays import heats, stays
from pipeline.console.words import Words
from pipeline.flow.rows import FlowRow
from schemas.flow import DWELL_EDGES, HEAT_ACROSS, HEAT_DOWN
from tests.unit.pipeline.console.house import NOON, estate, stay_rows

EN = Words("en")
NAMES = Names(estate(), "ginza")
ROWS = stay_rows(NOON)


def of(metric: str) -> list[FlowRow]:
    return [row for row in ROWS if row.metric == metric]


def test_heat_is_added_up_and_shown_in_shares_of_the_most() -> None:
    (heat,) = heats(ROWS, NAMES, EN)

    assert heat.camera == "化粧品 Cosmetics"
    assert len(heat.cells) == HEAT_ACROSS * HEAT_DOWN
    assert max(heat.cells) == 1
    assert heat.coverage.startswith("coverage 88%")


def test_noise_below_nothing_is_shown_as_nothing() -> None:
    (row, *_) = of("heat")
    (heat,) = heats([row._replace(values=(-5.0, *row.values[1:]))], NAMES, EN)

    assert heat.cells[0] == 0


def test_what_was_withheld_makes_no_map() -> None:
    assert heats([row._replace(values=(), suppressed=True) for row in of("heat")], NAMES, EN) == ()


def test_a_zone_has_bins_and_its_newest_median() -> None:
    (stay,) = stays(ROWS, NAMES, EN)

    assert (stay.zone, stay.median) == ("棚 B3 Shelf B3", "newest median 42 s")
    assert [each.label for each in stay.bins][:2] == ["below 5 s", "5 s – 15 s"]
    assert len(stay.bins) == len(DWELL_EDGES) + 1
    assert max(each.share for each in stay.bins) == 1


def test_a_median_that_is_not_known_is_not_said() -> None:
    unknown = [row._replace(values=()) if row.metric == "dwell_median" else row for row in ROWS]
    (stay,) = stays(unknown, NAMES, EN)

    assert stay.median == ""


def test_that_something_is_withheld_is_said() -> None:
    some = [row._replace(withheld=(1,)) if row.metric == "dwell_histogram" else row for row in ROWS]
    (stay,) = stays(some, NAMES, EN)

    assert stay.note == "withheld in part, too few: 4"


def test_windows_of_another_length_are_not_mixed_in() -> None:
    old = [row._replace(window_seconds=60, window_start=row.window_start - timedelta(hours=5)) for row in ROWS]
    store = estate().stores[0]

    assert panel(store, [*old, *ROWS], estate(), NOON, EN).heats == panel(store, ROWS, estate(), NOON, EN).heats
