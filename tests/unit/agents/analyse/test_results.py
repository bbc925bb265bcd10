"""What is written down of a clip."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agents.analyse.analysis import Analysis, view, whole_picture
from agents.analyse.results import Results
from pipeline.edge.clip import Clip, Shot
from pipeline.watching import Noticed
from schemas.aside import SetAside
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
