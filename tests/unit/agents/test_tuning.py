"""A camera's profile: the cheapest way of looking that sees nearly as well."""

import tomllib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
import typer
from typer.testing import CliRunner

from agents import tuning_cli
from agents.tuning import CANDIDATES, REGIONS, Tried, agreed, chosen, every, tuned, with_held
from models.detector import Look, Seen
from models.views import moved
from pipeline.edge.clip import Clip, Shot
from pipeline.errors import Misconfigured
from schemas.detections import Detection, ObjectType
from schemas.estate import Camera, Profile, load_estate
from schemas.geometry import Box
from schemas.ids import CameraId, StoreId
from tests import estates

SMALL = Box(left=0.5, top=0.5, right=0.52, bottom=0.55)
TALL = Box(left=0.1, top=0.1, right=0.3, bottom=0.9)
BLACK = np.zeros((200, 300, 3), np.uint8)


class Whole:
    """Needs no picture smaller than it came."""

    def longest(self, _profile: Profile) -> None:
        return None


class Eyes(Whole):
    """Sees a tall person always, and a small one only in tiles."""

    def detect_all(self, looks: Sequence[Look]) -> list[Seen]:
        boxes = [TALL] if looks[0].profile.tiles == 1 else [TALL, SMALL]
        return [Seen(tuple(Detection(type=ObjectType.HUMAN, likelihood=0.9, bounding_box=each) for each in boxes))]


def test_the_cheapest_of_those_that_see_nearly_as_well_is_chosen() -> None:
    cheap, fair, dear = (Profile(longest=each) for each in (320, 416, 640))
    tried = [Tried(dear, 1.0, 0.03), Tried(fair, 0.99, 0.01), Tried(cheap, 0.9, 0.005)]

    assert chosen(tried) == fair


def test_where_only_tiles_find_the_small_ones_they_are_chosen() -> None:
    eyes: Any = Eyes()
    ticks = count()
    learnt = tuned([BLACK] * 20, eyes, spent=lambda: float(next(ticks)))

    assert learnt is not None
    assert learnt.best.tiles == 2
    assert learnt.people == 40
    assert learnt.heights == pytest.approx((0.05, 0.425, 0.8), abs=1e-3)
    assert {round(each.f1, 3) for each in learnt.tried} == {0.667, 1.0}


class Dreamers(Whole):
    """See somebody; the more of a picture they get, the more they see besides who is not there."""

    def detect_all(self, looks: Sequence[Look]) -> list[Seen]:
        profile = looks[0].profile
        more = [Box(left=0.4 + n / 20, top=0.1, right=0.44 + n / 20, bottom=0.2) for n in range(profile.longest // 160)]
        boxes = [TALL, *(more if profile.tiles == 1 and profile.longest > 320 else ())]
        return [
            Seen(
                tuple(
                    Detection(type=ObjectType.HUMAN, likelihood=0.9 if each is TALL else 0.45, bounding_box=each)
                    for each in boxes
                )
            )
        ]


def test_who_sees_more_than_is_there_sees_worse() -> None:
    eyes: Any = Dreamers()
    learnt = tuned([BLACK] * 20, eyes, spent=lambda: 0.0)

    assert learnt is not None
    f1 = {each.profile.longest: each.f1 for each in learnt.tried if each.profile.tiles == 1}
    assert f1[224] == f1[320] == 1
    assert f1[640] < f1[416] < 1
    assert learnt.best.longest <= 320


def test_whom_only_one_way_of_looking_saw_is_not_believed() -> None:
    one = np.array([[0, 0, 0.1, 0.3]], np.float32)
    other = np.array([[0.01, 0, 0.1, 0.3], [0.5, 0.5, 0.6, 0.9]], np.float32)

    assert len(agreed([one, other, one[:0]])) == 1
    assert len(agreed([one[:0], one[:0]])) == 0


def test_of_few_people_nothing_is_learnt() -> None:
    eyes: Any = Eyes()

    assert tuned([BLACK] * 9, eyes) is None


@pytest.mark.parametrize(("fps", "enough", "k"), [(5, 2.5, 2), (5, 2.4, 2), (5, 6, 1), (60, 0.5, 60)])
def test_every_follows_from_how_many_a_second_are_enough(fps: float, enough: float, k: int) -> None:
    assert every(fps, enough) == k


def clip() -> Clip:
    def shots() -> Iterator[Shot]:
        for number in range(1, 101):
            yield Shot(number, timedelta(seconds=number / 5), partial(np.full, (32, 32, 3), number, np.uint8))

    return Clip("a clip", 5, shots)


def test_pictures_are_taken_evenly_over_the_clip() -> None:
    assert [int(each.picture[0, 0, 0]) for each in tuning_cli.spread(clip(), 4, 5, 960)] == [13, 38, 63, 88]
    assert [int(each.picture[0, 0, 0]) for each in tuning_cli.spread(clip(), 4, 2.5, 960)] == [12, 38, 62, 88]
    assert len(list(tuning_cli.spread(clip(), 500, 5, 960))) == 100


def test_they_are_as_wide_as_the_camera_sends_them_and_say_what_moved_since_the_one_before() -> None:
    def walks() -> Iterator[Shot]:
        for number in range(16):
            picture = np.zeros((180, 320, 3), np.uint8)
            picture[80:100, 20 * number : 20 * number + 20] = 255
            yield Shot(number + 1, timedelta(seconds=number / 5), partial(np.copy, picture))

    looks = list(tuning_cli.spread(Clip("a walk", 5, walks), 2, 5, 160))

    assert [each.picture.shape for each in looks] == [(90, 160, 3)] * 2
    for each, column in zip(looks, (4, 12), strict=True):
        cells = moved(each.cells)
        assert cells is not None
        assert {*np.flatnonzero(cells.any(axis=0))} <= {column - 2, column - 1, column, column + 1}
        assert 0 < cells.sum() <= 12


CORNER = Box(left=0, top=0, right=0.35, bottom=1)


class Regional(Whole):
    """Sees somebody who walks, in a region too, and somebody who sits elsewhere only in the whole; takes its time."""

    def __init__(self, region: float) -> None:
        self.ticks = 0.0
        self._region = region

    def detect_all(self, looks: Sequence[Look]) -> list[Seen]:
        profile = looks[0].profile
        self.ticks += self._region if profile.regions else 1.0 + profile.tiles
        boxes = [TALL] if profile.regions else [TALL, SMALL]
        found = tuple(Detection(type=ObjectType.HUMAN, likelihood=0.9, bounding_box=each) for each in boxes)
        return [Seen(found, (CORNER,) if profile.regions else ())]


@pytest.mark.parametrize(("cost", "regions"), [(1.0, True), (1.7, True), (1.9, False), (3.0, False)])
def test_regions_are_chosen_where_they_are_a_tenth_cheaper(cost: float, *, regions: bool) -> None:
    eyes = Regional(cost)
    seeing: Any = eyes
    learnt = tuned([Look(BLACK, cells="1x1:gA==")] * 20, seeing, lambda: eyes.ticks, (*CANDIDATES, *REGIONS))

    assert learnt is not None
    assert {each.f1 for each in learnt.tried} == {1.0}
    assert learnt.best.regions == regions


def test_whoever_is_outside_of_regions_is_held_and_whom_they_miss_inside_is_missed() -> None:
    walks, sits, cut = [[0.1, 0.1, 0.3, 0.9], [0.6, 0.1, 0.7, 0.9], [0.3, 0.1, 0.38, 0.9]]
    whole = np.array([walks, sits, cut], np.float32)

    held = with_held(np.array([walks], np.float32), [CORNER], whole)

    assert held == pytest.approx(np.array([walks, sits]))
    assert len(with_held(whole[:0], [CORNER], whole[:0])) == 0


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return estates.write(tmp_path, "ginza", "door")


def command(monkeypatch: pytest.MonkeyPatch, *options: str) -> str:
    monkeypatch.setattr(tuning_cli, "open_clip", lambda _: clip())
    monkeypatch.setattr(tuning_cli, "open_eyes", lambda *_: Eyes())
    app = typer.Typer()
    app.command()(tuning_cli.tune)
    result = CliRunner().invoke(app, ["a.mp4", "--pictures", "20", *options], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_the_command_prints_a_table_and_a_profile_that_the_estate_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    said = command(monkeypatch)
    profile = tomllib.loads(said[said.index("[profile]") :])["profile"]

    assert "40 people in 20 pictures" in said
    assert "1 of 2: 0.990" in said
    assert (Profile.model_validate(profile).tiles, Profile.model_validate(profile).every) == (2, 1)


def test_clips_slower_than_the_camera_are_followed_at_their_own_rate(
    monkeypatch: pytest.MonkeyPatch, estate: Path
) -> None:
    monkeypatch.setattr(tuning_cli, "_camera", lambda *_: Camera(id=CameraId("door"), fps=10))
    said = command(monkeypatch, "--estate", str(estate), "--store", "ginza", "--camera", "door")

    assert "fewer of 5 pictures a second" in said


def test_people_are_followed_as_at_the_camera_that_is_named(monkeypatch: pytest.MonkeyPatch, estate: Path) -> None:
    overlay = estate.with_suffix(".d") / "ginza.door.toml"
    overlay.parent.mkdir()
    things = [each.model_dump() for each in (TALL, SMALL)]
    overlay.write_text(tomli_w.dumps({"store": "ginza", "camera": "door", "not_people": things}))

    assert "1 of 2" in command(monkeypatch)
    assert "too few show people" in command(
        monkeypatch, "--estate", str(estate), "--store", "ginza", "--camera", "door"
    )


def test_the_stretch_lies_in_the_middle_and_is_a_minute_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning_cli, "FOLLOWED", 10.0)

    assert [int(each[0, 0, 0]) for each in tuning_cli.stretch(clip(), 2.5)][:2] == [26, 28]
    assert len(list(tuning_cli.stretch(clip(), 2.5))) == 25


def test_the_profile_is_written_over_the_estate(monkeypatch: pytest.MonkeyPatch, estate: Path) -> None:
    where = ["--estate", str(estate), "--store", "ginza", "--camera", "door"]
    command(monkeypatch, *where, "--write", "--enough-fps", "2.5")
    camera = load_estate(estate).camera(StoreId("ginza"), CameraId("door"))

    assert camera is not None
    assert (camera.profile.tiles, camera.profile.every) == (2, 2)


def test_who_writes_names_the_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misconfigured, match="--store"):
        command(monkeypatch, "--write")
