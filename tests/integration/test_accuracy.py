"""`make accuracy`, the version that takes under a minute: it measures everything beside peers, and saves it."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "load-tests" / "accuracy"
NOBODY = -1


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give one of the measure's modules by its name: they lie in a folder of their own."""
    monkeypatch.syspath_prepend(str(PLACE))
    return importlib.import_module


def test_who_is_followed_all_along_scores_one_and_who_changes_half_way_scores_half(part: Any) -> None:
    scene = part("scenes").crowd(None, 100).at(1)
    judge = part("scoring").Judge.of(scene)
    whose = np.full(sum(len(frame.seen) for frame in scene.frames), NOBODY, np.int64)
    whose[judge.boxes] = judge.whose
    when = np.repeat(np.arange(len(scene.frames)), [len(frame.seen) for frame in scene.frames])

    seen = np.count_nonzero(whose != NOBODY)
    assert judge.idf1(whose) == pytest.approx(2 * seen / (seen + judge.people))
    assert judge.idf1(np.where(whose == NOBODY, NOBODY, whose + 1000 * when)) < 0.2
    assert judge.idf1(np.full_like(whose, NOBODY)) == 0


def test_the_same_seed_and_rate_give_the_same_scene_and_another_seed_another(part: Any) -> None:
    crowd = part("scenes").crowd
    one, same, other = (crowd(None, seed).at(2).frames[-1].seen for seed in (101, 101, 104))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_everybody_in_a_corridor_goes_over_the_line_once(part: Any, footage: Path) -> None:
    passages = part("crossing").passages(footage, 1)

    assert {each.sort: sum(each.truth.values()) for each in passages if each.sort != "drawn door"} == {
        "corridor, one way": 61,
        "corridor, both ways": 118,
    }
    door = next(each for each in passages if each.sort == "drawn door")
    assert door.truth["in"] == door.truth["out"] == len(door.stage.walks)


def test_a_search_keeps_the_best_that_it_tried_and_tries_nothing_twice(part: Any) -> None:
    search = part("search")
    tried: list[dict[str, Any]] = []

    def worth(settings: dict[str, Any], _best: float) -> float:
        tried.append(settings)
        return float(settings.get("seconds_lost", 0))

    found = search.best_of(search.KINDS["sort"], worth, drawn=12, near=8, seed=1)

    assert (found.tried, found.worth) == (21, 3.0)
    assert len({json.dumps(each, sort_keys=True) for each in tried}) == 21


@pytest.mark.timeout(600)
def test_it_measures_everything_beside_the_peers(footage: Path, weights: Path) -> None:
    argv = [sys.executable, str(PLACE / "run.py"), "--quick"]
    home = weights.parent
    env = os.environ | {"MIMAMORI_HOME": str(home), "MIMAMORI_FOOTAGE": str(footage)}
    before = set((home / "run").glob("accuracy-*"))

    ended = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    assert ended.stdout, ended.stderr[-3000:]
    result = json.loads(ended.stdout.splitlines()[-1])
    assert ended.returncode == (1 if result["limits_missed"] else 0)
    assert {each["sort"] for each in result["following"]} == {"trajectories", "walking group", "pavement"}
    assert all(each["ways"][who]["tried"] >= 7 for each in result["following"] for who in ("sort", "bytetrack"))
    slow = next(each for each in result["following"] if (each["sort"], each["fps"]) == ("trajectories", 1.75))
    assert slow["margin"]["low"] > 0, "at low rates ours is above every peer"
    assert all((each["counting"], each["idf1"] > 0.9) == (1, True) for each in result["drawn"]["stories"])
    assert all(each["ap50"] > 0.75 for each in result["precision"] if each["profile"] == "whole, 416")
    assert result["hidden_heads_share_margin_over_deface"] >= 0
    assert set((home / "run").glob("accuracy-*")) <= before
    assert json.loads((home / "results" / "accuracy-quick.json").read_text()) == result
    assert (home / "results" / "accuracy-quick-following.png").stat().st_size > 10_000
