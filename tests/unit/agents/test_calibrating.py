"""`mimamori camera calibrate`: points as they are typed become metres, and pictures have nobody in them."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from agents import camera_cli
from agents.calibrating import BadPoint, empty, measured, pictures, with_grid, with_rulers
from pipeline.errors import Misconfigured
from pipeline.evidence.hide import GREY, Picture
from schemas.detections import Detection, ObjectType
from schemas.estate import Camera, Mask, load_estate
from schemas.geometry import Box, Point
from schemas.ids import CameraId, StoreId
from tests import estates

POINTS = ["0.2,0.9=0,0", "0.8,0.9=3,0", "0.65,0.5=3,4", "0.35,0.5=0,4"]
GROUND = np.full((90, 160, 3), 60, np.uint8)
HERE = Box(left=0.4, top=0.3, right=0.5, bottom=0.8)


class Eyes:
    """Finds somebody at one place, and no faces."""

    def detect(self, bgr: Picture) -> Sequence[Detection]:
        return (Detection(type=ObjectType.HUMAN, likelihood=0.2, bounding_box=HERE),)

    def find_faces(self, bgr: Picture) -> Sequence[Box]:
        return ()


def command(*more: str) -> str:
    result = CliRunner().invoke(camera_cli.app, ["calibrate", "ginza", "door", *more])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return estates.write(tmp_path, "ginza", "door")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    folder = tmp_path / "clip"
    folder.mkdir()
    for number in range(60):
        cv2.imwrite(str(folder / f"{number}.png"), GROUND)
    return folder


def test_points_are_fitted_and_what_each_is_off_is_told() -> None:
    said = list(measured([*POINTS, "0.5,0.7=1.5,1.6"]).lines())

    assert said[0].startswith("1: picture 0.2000,0.9000 = floor 0,0 m, off by ")
    assert "hundredth of the picture" in said[-1]
    assert "a fifth" in " ".join(measured(POINTS).lines())


@pytest.mark.parametrize(
    ("points", "why"),
    [(POINTS[:3], "four points"), ([*POINTS[:3], "0.3;0.5=0,4"], "is no point"), ([*POINTS, "9,9=1,1"], "is no point")],
)
def test_what_is_no_point_is_named(points: list[str], why: str) -> None:
    with pytest.raises(BadPoint, match=why):
        measured(points)


def test_nobody_is_in_the_picture_and_masks_are_black(clip: Path) -> None:
    corner = (Point(x=0, y=0), Point(x=0.2, y=0), Point(x=0.2, y=0.2), Point(x=0, y=0.2))
    camera = Camera(id=CameraId("door"), masks=(Mask(polygon=corner),))
    found = empty(pictures(str(clip), camera), Eyes(), Eyes())
    assert found is not None

    assert (found[5:15, 5:25] == 0).all()
    assert (found[30:70, 66:78] == GREY).all()
    assert (found[60:80, 110:150] == 60).all()


def test_grid_and_rulers_are_drawn_on_a_copy() -> None:
    for drawn in (with_grid(GROUND, measured(POINTS)), with_rulers(GROUND)):
        assert (drawn != GROUND).any()
    assert (GROUND == 60).all()


def test_what_is_measured_is_written_over_the_estate(estate: Path) -> None:
    said = command("--estate", str(estate), "--write", *(each for point in POINTS for each in ("--point", point)))
    camera = load_estate(estate).camera(StoreId("ginza"), CameraId("door"))
    assert camera is not None
    assert camera.homography is not None

    assert "written:" in said
    assert camera.homography.floor_m == ((0, 0), (3, 0), (3, 4), (0, 4))


def test_the_picture_is_for_whoever_asked_alone(
    estate: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_cli, "open_eyes", lambda *_: Eyes())
    monkeypatch.setattr(camera_cli, "open_face_finder", lambda *_: Eyes())
    path = tmp_path / "grid.png"
    command("--estate", str(estate), "--source", str(clip), "--picture", str(path), "--point", POINTS[0], *(
        each for point in POINTS[1:] for each in ("--point", point)
    ))  # fmt: skip

    assert path.stat().st_mode & 0o777 == 0o600
    drawn = cv2.imread(str(path))
    assert drawn is not None
    assert drawn.shape == GROUND.shape


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--write"], "nothing to write"),
        (["--picture", "x.png"], "needs --source"),
        (["--point", "here"], "is no point"),
        ([each for point in ("0,0=0,0", "1,0=1,0", "0,1=2,0", "1,1=3,0") for each in ("--point", point)], "one line"),
    ],
)
def test_what_is_missing_is_said(estate: Path, more: list[str], why: str) -> None:
    with pytest.raises(Misconfigured, match=why):
        command("--estate", str(estate), *more)
