"""What the demo's cameras play, and the estate that is written for them."""

from pathlib import Path

import pytest

from pipeline.clock import ManualClock
from pipeline.errors import Misconfigured
from pipeline.governance.starting import reasons_not_to_start
from pipeline.local.estate import ESTATES, cameras_of, choose_scene, key_path, write_estate
from schemas.estate import load_estate, load_regulations


def test_a_video_of_the_users_comes_before_footage_and_footage_before_drawn_scenes(tmp_path: Path) -> None:
    assert set(choose_scene("0", tmp_path).sources.values()) == {"0"}
    assert all(source.startswith("drawn:") for source in choose_scene(None, None).sources.values())
    assert all(source.startswith("drawn:") for source in choose_scene(None, tmp_path).sources.values())


def test_footage_is_played_where_it_is(footage: Path) -> None:
    scene = choose_scene(None, footage)

    assert scene.estate == "footage.toml"
    assert all(Path(source).exists() for source in scene.sources.values())


@pytest.mark.parametrize("name", sorted(each.name for each in ESTATES.glob("*.toml") if each.name != "rules.toml"))
def test_every_demo_estate_may_start_and_says_that_its_values_are_for_demos(
    name: str, tmp_path: Path, clock: ManualClock
) -> None:
    scene = choose_scene("0", None).__class__(name, {}, "")
    path = write_estate(scene, tmp_path)
    estate = load_estate(path)
    rules = load_regulations(path, estate)

    assert "DEMO VALUES" in path.read_text(encoding="utf-8")
    assert len(estate.stores) == 2
    assert len(cameras_of(estate)) == 3
    for store, camera in cameras_of(estate):
        assert reasons_not_to_start(estate, rules[store], store, camera, clock.now()) == ()


def test_each_device_is_enrolled_with_a_key_of_its_own_that_only_its_owner_reads(tmp_path: Path) -> None:
    estate = load_estate(write_estate(choose_scene("0", None), tmp_path))
    devices = [device for store in estate.stores for device in store.devices]

    assert len({device.public_key for device in devices}) == len(devices)
    for device in devices:
        assert key_path(tmp_path, device.id).stat().st_mode & 0o777 == 0o600


def test_a_video_that_is_not_there_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no such file"):
        choose_scene(str(tmp_path / "none.mp4"), None)
    assert choose_scene("rtsp://127.0.0.1/stream", None).estate == "video.toml"
