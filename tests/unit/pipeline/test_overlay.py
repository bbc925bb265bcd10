"""Overlays: what is drawn for one camera is laid over the estate, written whole, and the old one is kept."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import overlay
from pipeline.overlay import change_overlay, to_toml, write_overlay
from schemas.estate import (
    Camera,
    Homography,
    Line,
    Mask,
    Overlay,
    Profile,
    Zone,
    ZoneKind,
    load_estate,
    load_overlay,
    overlay_path,
)
from schemas.files import FileError, load
from schemas.geometry import Box, Point
from schemas.ids import CameraId, LineId, StoreId, ZoneId
from tests import estates

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
STORE, CAMERA = StoreId("ginza"), CameraId("door")
SQUARE = (Point(x=0.1, y=0.1), Point(x=0.9, y=0.1), Point(x=0.9, y=0.9))
SAID = 'name = "Door"\n[[stores.cameras.masks]]\npolygon = [{x = 0, y = 0}, {x = 1, y = 0}, {x = 1, y = 1}]\n'
ZONE = Zone(id=ZoneId("till"), name='Till レジ "1"', kind=ZoneKind.RESTRICTED, polygon=SQUARE)
LINE = Line(id=LineId("in"), start=Point(x=0, y=0.5), end=Point(x=1, y=0.5))

points = st.builds(Point, x=st.floats(-0.5, 1.5), y=st.floats(-0.5, 1.5))
overlays = st.builds(
    Overlay,
    store=st.just(STORE),
    camera=st.just(CAMERA),
    zones=st.none()
    | st.tuples(
        st.builds(
            Zone,
            id=st.just("z"),
            name=st.text(max_size=20),
            kind=st.sampled_from(ZoneKind),
            polygon=st.lists(points, min_size=3, max_size=5).map(tuple),
            loitering_after=st.none() | st.timedeltas(timedelta(seconds=1), timedelta(days=9)),
        )
    ),
    masks=st.none() | st.lists(st.builds(Mask, polygon=st.just(SQUARE)), max_size=2).map(tuple),
    not_people=st.none() | st.just((Box(left=0.1, top=0.1, right=0.2, bottom=0.3),)),
    profile=st.none() | st.builds(Profile, tiles=st.integers(1, 4)),
    homography=st.none()
    | st.just(Homography(picture=(*SQUARE, Point(x=0, y=0.5)), floor_m=((0, 0), (1, 0), (1, 1), (0, 0.5)))),
)


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return estates.write(tmp_path, STORE, CAMERA, more=SAID)


def the_camera(estate: Path) -> Camera:
    found = load_estate(estate).camera(STORE, CAMERA)
    assert found is not None
    return found


def test_what_is_written_is_laid_over_the_camera_and_the_rest_stays(estate: Path) -> None:
    write_overlay(estate, Overlay(store=STORE, camera=CAMERA, zones=(ZONE,)), NOW)
    camera = the_camera(estate)

    assert camera.zones == (ZONE,)
    assert (camera.name, len(camera.masks)) == ("Door", 1)


def test_an_empty_list_takes_away_what_the_estate_says_and_none_gives_it_back(estate: Path) -> None:
    change_overlay(estate, STORE, CAMERA, NOW, masks=())
    without = the_camera(estate).masks
    change_overlay(estate, STORE, CAMERA, NOW, masks=None)

    assert without == ()
    assert len(the_camera(estate).masks) == 1


def test_a_change_leaves_the_rest_of_the_overlay(estate: Path) -> None:
    write_overlay(estate, Overlay(store=STORE, camera=CAMERA, zones=(ZONE,)), NOW)
    change_overlay(estate, STORE, CAMERA, NOW, profile=Profile(tiles=2))
    camera = the_camera(estate)

    assert (camera.zones, camera.profile.tiles) == ((ZONE,), 2)


def test_the_old_one_is_kept_with_its_time(estate: Path) -> None:
    path = write_overlay(estate, Overlay(store=STORE, camera=CAMERA, lines=(LINE,)), NOW)
    first = path.read_bytes()
    write_overlay(estate, Overlay(store=STORE, camera=CAMERA, lines=()), NOW)
    kept = [each for each in path.parent.iterdir() if each != path]

    assert [(each.name, each.read_bytes()) for each in kept] == [("ginza.door.20261123T090000000000Z.toml", first)]


def test_what_the_estate_may_not_say_is_not_written(estate: Path) -> None:
    with pytest.raises(FileError, match="zone named twice: till"):
        write_overlay(estate, Overlay(store=STORE, camera=CAMERA, zones=(ZONE, ZONE)), NOW)
    with pytest.raises(FileError, match="no camera none"):
        write_overlay(estate, Overlay(store=STORE, camera=CameraId("none")), NOW)
    with pytest.raises(FileError, match="zones"):
        change_overlay(estate, STORE, CAMERA, NOW, zones=("here",))
    assert not overlay_path(estate, STORE, CAMERA).exists()


def test_a_write_that_fails_leaves_the_old_one_and_nothing_else(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_overlay(estate, Overlay(store=STORE, camera=CAMERA, zones=(ZONE,)), NOW)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_overlay(estate, Overlay(store=STORE, camera=CAMERA, zones=()), NOW)
    assert path.read_bytes() == before
    assert not list(path.parent.glob(".*"))


def test_an_overlay_of_another_camera_is_refused(estate: Path) -> None:
    path = overlay_path(estate, STORE, CAMERA)
    path.parent.mkdir()
    path.write_text('store = "ginza"\ncamera = "aisle"\n')

    with pytest.raises(FileError, match="is the overlay of camera aisle"):
        load_estate(estate)


def test_a_mistake_in_an_overlay_names_its_file_and_line(estate: Path) -> None:
    path = overlay_path(estate, STORE, CAMERA)
    path.parent.mkdir()
    path.write_text(
        'store = "ginza"\ncamera = "door"\n[[lines]]\nid = "in"\nstart = {x = 9, y = 0}\nend = {x = 0, y = 0}\n'
    )

    with pytest.raises(FileError, match=r"ginza\.door\.toml:5: lines\.0\.start\.x"):
        load_estate(estate)


@given(overlays)
def test_whatever_is_written_is_read_as_it_was(tmp_path_factory: pytest.TempPathFactory, said: Overlay) -> None:
    path = tmp_path_factory.getbasetemp() / "overlay.toml"
    path.write_text(to_toml(said), encoding="utf-8")

    assert load(path, Overlay) == said


def test_no_overlay_says_nothing(estate: Path) -> None:
    assert load_overlay(estate, STORE, CAMERA) == Overlay(store=STORE, camera=CAMERA)
    assert overlay.to_toml(Overlay(store=STORE, camera=CAMERA)).count("\n") == 3
