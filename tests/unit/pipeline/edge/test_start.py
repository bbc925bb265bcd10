"""What keeps a publisher from starting, before a single picture is taken."""

import base64
from pathlib import Path

import pytest

from pipeline import signing
from pipeline.clock import ManualClock
from pipeline.edge.start import Asked, identify, permit
from pipeline.errors import Misconfigured
from schemas.files import FileError
from schemas.ids import CameraId, StoreId
from tests.estates import DEPUTY, MANAGER, NOTICE, RETENTION, without, write

GINZA, DOOR = StoreId("ginza"), CameraId("door")
ASKED = Asked(GINZA, DOOR)

MORE = """
fps = 5
width = 960
[[stores.cameras]]
id = "roof"
notice = "notice-1"
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    write(tmp_path, GINZA, DOOR, more=MORE)
    return tmp_path


def taken(house: Path, part: str) -> Path:
    without(house, part)
    return house


def refusal(house: Path, clock: ManualClock, asked: Asked = ASKED) -> str:
    with pytest.raises(Misconfigured) as refused:
        permit(house / "estate.toml", asked, clock)
    return str(refused.value)


def test_with_everything_in_order_it_starts(house: Path, clock: ManualClock) -> None:
    allowed = permit(house / "estate.toml", ASKED, clock)
    who = identify(allowed, GINZA, house / "device.key", house / "state")

    assert (who.store_id, who.camera_id, who.device_id, who.notice_id, who.boot) == (
        "ginza", "door", "ginza-pc", "notice-1", 1,
    )  # fmt: skip


def test_r02_without_a_notice_it_does_not_start(house: Path, clock: ManualClock) -> None:
    assert "R02" in refusal(taken(house, NOTICE), clock)


@pytest.mark.parametrize("role", [MANAGER, DEPUTY])
def test_r13_without_a_manager_and_a_deputy_it_does_not_start(house: Path, clock: ManualClock, role: str) -> None:
    assert "R13" in refusal(taken(house, role), clock)


def test_r20_without_a_retention_it_does_not_start(house: Path, clock: ManualClock) -> None:
    assert "R20" in refusal(taken(house, RETENTION), clock)


def test_r20_an_estate_that_does_not_say_how_long_frames_live_is_refused(house: Path, clock: ManualClock) -> None:
    (house / "estate.toml").write_text((house / "estate.toml").read_text().replace('frame_ttl = "1h"', ""))

    with pytest.raises(FileError, match="frame_ttl"):
        permit(house / "estate.toml", ASKED, clock)


@pytest.mark.parametrize("asked", [Asked(GINZA, DOOR, fps=30), Asked(GINZA, DOOR, width=1920)])
def test_r07_more_than_was_decided_is_refused_on_the_command_line_too(
    house: Path, clock: ManualClock, asked: Asked
) -> None:
    assert "R07" in refusal(house, clock, asked)


def test_less_than_the_estate_says_may_be_asked_for(house: Path, clock: ManualClock) -> None:
    allowed = permit(house / "estate.toml", Asked(GINZA, DOOR, fps=2, width=640), clock)

    assert (allowed.camera.fps, allowed.camera.width) == (2, 640)


def test_a_key_that_is_not_enrolled_is_refused_with_the_line_to_enrol_it(house: Path, clock: ManualClock) -> None:
    allowed = permit(house / "estate.toml", ASKED, clock)

    with pytest.raises(Misconfigured, match=r'public_key = "') as refused:
        identify(allowed, GINZA, house / "new.key", house / "state")

    public = base64.b64encode(signing.public_bytes(signing.load(house / "new.key"))).decode()
    assert public in str(refused.value)
    assert not (house / "state").exists(), "what does not start is no boot"


def test_a_camera_without_a_device_is_refused(house: Path, clock: ManualClock) -> None:
    assert "no device" in refusal(house, clock, Asked(GINZA, CameraId("roof")))


def test_an_unknown_store_or_camera_is_named(house: Path, clock: ManualClock) -> None:
    assert "ueno" in refusal(house, clock, Asked(StoreId("ueno"), DOOR))
    assert "ginza/attic" in refusal(house, clock, Asked(GINZA, CameraId("attic")))
