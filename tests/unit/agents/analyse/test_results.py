"""What is written down of a clip."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.analyse.analysis import Analysis, view, whole_picture
from agents.analyse.results import Results, speed
from pipeline.edge.clip import Clip, Shot
from pipeline.motion.floor import fit
from pipeline.motion.geometry import Spot
from pipeline.motion.tracking import Following, Sighting, Tracker, follow
from pipeline.watching import Noticed
from schemas.aside import SetAside
from schemas.estate import Homography
from schemas.geometry import Point
from tests.examples import examples

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def no_shots() -> Iterator[Shot]:
    return iter(())


def test_what_is_set_aside_is_written_down_with_its_box_and_since_when(tmp_path: Path) -> None:
    aside = next(each for each in examples() if isinstance(each, SetAside) and each.things)
    analysis = Analysis(view(whole_picture(), timedelta(seconds=15)), NOON)

    with Results(tmp_path, analysis, Clip("a clip", 5, no_shots)) as results:
        results.noticed(Noticed(aside=(aside,)))
        known = results.summary(None)["set_aside"]
        results.noticed(Noticed(aside=(aside.model_copy(update={"things": ()}),)))
        gone = results.summary(None)["set_aside"]

    lines = [SetAside.model_validate_json(each) for each in (tmp_path / "aside.jsonl").read_text().splitlines()]
    assert [each.things for each in lines] == [aside.things, ()]
    assert known == json.loads(aside.model_dump_json())["things"]
    assert gone == []


def test_a_speed_is_of_metres_on_the_floor_in_a_second() -> None:
    corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    # A picture as wide as 12 m, and as high as 6 m, seen from straight above.
    floor = fit(
        Homography(
            picture=tuple(Point(x=x, y=y) for x, y in corners), floor_m=tuple((12 * x, 6 * y) for x, y in corners)
        )
    )
    following = Following()
    for step in range(8):
        walker = Sighting(Spot(0.4 + 0.05 * step, 0.9), 0.1, 0.3, 0.9)
        following, seen = follow(following, [walker], NOON + timedelta(seconds=step / 5), Tracker(), wide=2.0)

    assert speed(seen[0].track, floor, aspect=2.0) == pytest.approx(0.25 * 12 / 2, rel=0.05)
