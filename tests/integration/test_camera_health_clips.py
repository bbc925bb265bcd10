"""On every real clip: nothing ails the camera, and what is done to it is told apart within half a minute."""

from pathlib import Path

import pytest

from pipeline.edge.clip import Bgr, at_rate, open_clip
from schemas.health import CameraState
from tests.unit.pipeline.edge.building import after
from tests.unit.pipeline.edge.tampering import AFTER, AILING, WELL, told

_LONGEST = 80
"""Pictures of a clip; a shorter one is played again and again."""


@pytest.fixture(scope="module")
def clips(footage: Path) -> dict[str, list[Bgr]]:
    found: dict[str, list[Bgr]] = {}
    for path in sorted((footage / "video").iterdir()):
        shots = at_rate(open_clip(path, 7 if path.is_dir() else None).shots(), 1 if path.suffix == ".mp4" else 5)
        found[path.name] = [shot.see() for shot, _ in zip(shots, range(_LONGEST), strict=False)]
    assert len(found) > 5
    return found


@pytest.mark.parametrize("name", AILING)
def test_what_ails_a_camera_is_told_apart_on_every_clip(clips: dict[str, list[Bgr]], name: str) -> None:
    tamper, ailment = AILING[name]
    for clip, pictures in clips.items():
        said = told(pictures, tamper)
        changed = next((each for each in said if each.state is not CameraState.WELL), None)

        assert changed is not None, clip
        assert {each.state for each in said[said.index(changed) :]} == {ailment}, clip
        assert after(AFTER) < changed.time <= after(AFTER + 30), clip


@pytest.mark.parametrize("name", WELL)
def test_no_clip_and_no_light_is_an_ailment(clips: dict[str, list[Bgr]], name: str) -> None:
    states = {clip: {each.state for each in told(pictures, WELL[name])} for clip, pictures in clips.items()}

    assert [clip for clip, each in states.items() if each != {CameraState.WELL}] == []
