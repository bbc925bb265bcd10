"""Counts on drawn scenes are exact: every crossing, every visit, every alert, at every rate that is promised."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.analyse import app
from pipeline.edge.drawn.scene import scene
from pipeline.edge.drawn.truth import Truth, truth
from pipeline.edge.drawn.view import FLOOR, LOITERING_AFTER, STAFF, camera, toml


@pytest.fixture(scope="module", params=[(1, 5), (3, 2)], ids=lambda each: f"drawn:{each[0]} at {each[1]} fps")
def run(request: pytest.FixtureRequest, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Truth, Path]:
    """One round of a drawn shop: what is true, and what was found."""
    seed, fps = request.param
    out = tmp_path_factory.mktemp(f"drawn-{seed}")
    (out / "camera.toml").write_text(toml(camera()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agents.analyse.command.weights_folder", lambda: weights)
        arguments = [f"drawn:{seed}", "--camera", str(out / "camera.toml"), "--out", str(out), "--fps", str(fps)]
        result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return truth(scene(seed), camera(), fps=0), out


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_crossing_is_counted_in_its_direction(run: tuple[Truth, Path]) -> None:
    true, out = run

    found = [each for each in lines(out / "movements.jsonl") if each["movement"] == "crossing"]

    assert [each["direction"] for each in found] == [each.direction for each in true.crossings]
    assert all(abs(a["frame"] / 25 - b.at) < 1 for a, b in zip(found, true.crossings, strict=True))


def test_every_visit_is_found_once(run: tuple[Truth, Path]) -> None:
    true, out = run

    visits = [each for each in lines(out / "movements.jsonl") if each["movement"] == "visit"]

    for zone in (FLOOR, STAFF):
        begun = sorted(each["first_frame"] / 25 for each in visits if each["zone_id"] == zone)
        truly = sorted(each.begin for each in true.visits if each.zone_id == zone)
        assert begun == pytest.approx(truly, abs=1)


def test_an_alert_for_each_visit_that_deserves_one(run: tuple[Truth, Path]) -> None:
    true, out = run

    categories = [each["category"] for each in lines(out / "alerts.jsonl")]

    assert categories.count("restricted_zone") == true.visited(STAFF)
    assert categories.count("loitering") == true.visited(FLOOR, LOITERING_AFTER)


def test_as_many_people_are_followed_as_there_are(run: tuple[Truth, Path]) -> None:
    true, out = run

    summary = json.loads((out / "summary.json").read_text())

    assert summary["people_tracked"] == true.people
