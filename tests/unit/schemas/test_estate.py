"""Estate and regulation files, and what their errors say."""

import base64
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.estate import Profile, load_camera, load_estate, load_regulations
from schemas.files import FileError, places_of
from schemas.ids import CameraId, StoreId

KEY = base64.b64encode(bytes(32)).decode()
ESTATE = f"""
demo = true
frame_ttl = "60s"

[flow]
profile = "demo"
window = "15s"

[[stores]]
id = "ginza"
timezone = "Asia/Tokyo"
regulation = "rules.toml"

[[stores.devices]]
id = "gateway-1"
public_key = "{KEY}"

[[stores.cameras]]
id = "entrance"
device = "gateway-1"
notice = "door"

[[stores.cameras.zones]]
id = "stockroom"
kind = "restricted"
polygon = [{{x = 0, y = 0}}, {{x = 1, y = 0}}, {{x = 1, y = 1}}]

[[stores.cameras]]
id = "aisle"
fps = 5
"""
RULES = """
version = "1"
purposes = ["crime_prevention"]
[retention]
frames = "60s"
"""


def write(folder: Path, estate: str = ESTATE) -> Path:
    (folder / "rules.toml").write_text(RULES)
    path = folder / "estate.toml"
    path.write_text(estate)
    return path


def line(text: str, needle: str, nth: int = 0) -> int:
    return [number for number, each in enumerate(text.splitlines(), 1) if needle in each][nth]


def test_an_estate_is_read_with_its_regulations(tmp_path: Path) -> None:
    path = write(tmp_path)
    estate = load_estate(path)

    assert estate.frame_ttl.total_seconds() == 60
    assert estate.camera(StoreId("ginza"), CameraId("entrance")) is not None
    assert estate.camera(StoreId("ginza"), CameraId("none")) is None
    assert load_regulations(path, estate)[StoreId("ginza")].version == "1"


@pytest.mark.parametrize(
    ("was", "becomes", "key"),
    [
        ("fps = 5", "fps = -5", "stores.0.cameras.1.fps"),
        ("fps = 5", "frames = 5", "stores.0.cameras.1.frames"),
        (f'public_key = "{KEY}"', 'public_key = "abc"', "stores.0.devices.0.public_key"),
        ('kind = "restricted"', 'kind = "forbidden"', "stores.0.cameras.0.zones.0.kind"),
        ('timezone = "Asia/Tokyo"', 'timezone = "Tokyo"', "stores.0.timezone"),
        ('frame_ttl = "60s"', 'frame_ttl = "80h"', "frame_ttl"),
    ],
)
def test_an_error_names_file_line_and_key(tmp_path: Path, was: str, becomes: str, key: str) -> None:
    text = ESTATE.replace(was, becomes)
    path = write(tmp_path, text)

    with pytest.raises(FileError) as wrong:
        load_estate(path)
    assert f"{path}:{line(text, becomes)}: {key}: " in str(wrong.value)


def test_one_mistake_is_told_once(tmp_path: Path) -> None:
    with pytest.raises(FileError) as wrong:
        load_estate(write(tmp_path, ESTATE.replace(f'public_key = "{KEY}"', 'public_key = "abc"')))
    assert len(str(wrong.value).splitlines()) == 1


def test_r20_an_estate_without_a_frame_ttl_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="frame_ttl: Field required"):
        load_estate(write(tmp_path, ESTATE.replace('frame_ttl = "60s"', "")))


def test_r20_alerts_and_counts_have_lives_and_defaults(tmp_path: Path) -> None:
    said = ESTATE.replace('frame_ttl = "60s"', 'frame_ttl = "60s"\nalerts_ttl = "7d"\nflow_ttl = "90d"')
    minute, day = timedelta(minutes=1), timedelta(days=1)

    assert load_estate(write(tmp_path)).lives == (minute, 30 * day, 761 * day)
    assert load_estate(write(tmp_path, said)).lives == (minute, 7 * day, 90 * day)


@pytest.mark.parametrize("too_long", ['alerts_ttl = "31d"', 'flow_ttl = "762d"', 'alerts_ttl = "0s"'])
def test_r20_a_life_that_nobodys_may_be_is_refused(tmp_path: Path, too_long: str) -> None:
    with pytest.raises(FileError, match=too_long.split(" ", 1)[0]):
        load_estate(write(tmp_path, ESTATE.replace('frame_ttl = "60s"', f'frame_ttl = "60s"\n{too_long}')))


def test_r51_the_demo_profile_is_refused_outside_a_demo(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="demo = true"):
        load_estate(write(tmp_path, ESTATE.replace("demo = true", "demo = false")))


def test_r51_fine_windows_are_refused_outside_the_demo_profile(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="R51"):
        load_estate(write(tmp_path, ESTATE.replace('profile = "demo"', 'profile = "published"')))


def test_names_may_not_stand_twice(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="camera named twice: aisle"):
        load_estate(write(tmp_path, ESTATE.replace('id = "entrance"', 'id = "aisle"')))


def test_broken_toml_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="line 2"):
        load_estate(write(tmp_path, "\ndemo = maybe"))
    with pytest.raises(FileError, match="cannot be read"):
        load_estate(tmp_path / "none.toml")


def test_a_camera_file_is_one_camera_of_the_estate(tmp_path: Path) -> None:
    path = tmp_path / "camera.toml"
    path.write_text('id = "table"\nfps = 10\n')
    assert load_camera(path).fps == 10
    path.write_text('[camera]\nid = "table"\nfps = 10\n')
    assert load_camera(path).fps == 10
    path.write_text('id = "table"\nfps = "many"\n')
    with pytest.raises(FileError, match=f"{path}:2: fps"):
        load_camera(path)


def test_places_count_tables_of_tables() -> None:
    text = "[[a]]\nx = 1\n[[a.b]]\ny = 1\n[[a.b]]\ny = 2\n[[a]]\n[[a.b]]\ny = 3\n"

    assert places_of(text)["a", 1, "b", 0, "y"] == 9
    assert places_of(text)["a", 0, "b", 1, "y"] == 6


@pytest.mark.parametrize("wrong", [{"longest": 400}, {"longest": 128}, {"tiles": 0}, {"every": 0}])
def test_a_profile_that_no_network_can_follow_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Profile(**wrong)
