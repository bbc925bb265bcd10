"""The demo's estate: its file with the devices' keys enrolled, and what each camera plays."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline import signing
from pipeline.errors import Misconfigured
from schemas.estate import Estate, load_estate
from schemas.ids import CameraId, StoreId

ESTATES: Final = Path(__file__).parent / "estates"

_NO_KEY: Final = base64.b64encode(bytes(32)).decode()
"""Stands in the templates where a device's public key goes."""

_ELSEWHERE: Final = re.compile(r"^(\d+$|drawn:|[a-z]+://)")
"""A USB camera, a drawn scene or an address: no file to look for."""

_CLIPS: Final = {
    ("ginza", "table"): "video/intel_one-by-one-person-detection.mp4",
    ("ginza", "doorway"): "video/caviar_OneLeaveShopReenter1front.mpg",
    ("shibuya", "passage"): "video/pets09_s3mf1",
}


_DRAWN: Final = {
    ("ginza", "entrance"): "drawn:1",
    ("ginza", "aisle"): "drawn:280?crossings&stops&staff&seconds=45",
    ("shibuya", "entrance"): "drawn:3",
}
"""No two cameras of a store see the same story: one sees people come in and out, the other how they go and stop."""


@dataclass(frozen=True)
class Scene:
    """An estate file and a source for each of its cameras."""

    estate: str
    sources: Mapping[tuple[StoreId, CameraId], str]
    what: str
    folder_fps: float | None = None
    """How fast the pictures in a folder were taken: a folder does not say."""


def choose_scene(video: str | None, footage: Path | None) -> Scene:
    """Decide what the cameras play: the user's video, else real footage, else drawn shops.

    Raises:
        Misconfigured: The video is not there.
    """
    if video:
        if not (_ELSEWHERE.match(video) or Path(video).exists()):
            raise Misconfigured(f"{video}: no such file or folder; a camera is rtsp://… or a USB camera's number")
        return Scene("video.toml", _all("video.toml", lambda _: video), video)
    if footage is not None and all((footage / clip).exists() for clip in _CLIPS.values()):
        sources = {(StoreId(store), CameraId(camera)): str(footage / clip) for (store, camera), clip in _CLIPS.items()}
        return Scene("footage.toml", sources, f"footage of {footage}", folder_fps=7)
    drawn = {(StoreId(store), CameraId(camera)): scene for (store, camera), scene in _DRAWN.items()}
    return Scene("drawn.toml", drawn, "drawn scenes 描画 (no real people)")


def _all(estate: str, source: Callable[[int], str]) -> dict[tuple[StoreId, CameraId], str]:
    cameras = cameras_of(load_template(estate))
    return {camera: source(number) for number, camera in enumerate(cameras, start=1)}


def cameras_of(estate: Estate) -> list[tuple[StoreId, CameraId]]:
    return [(store.id, camera.id) for store in estate.stores for camera in store.cameras]


def load_template(name: str) -> Estate:
    """Read an estate template; its devices have no keys yet."""
    return load_estate(ESTATES / name)


def write_estate(scene: Scene, folder: Path) -> Path:
    """Write the scene's estate and rules into a folder, with the key of each device, made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    text = (ESTATES / scene.estate).read_text(encoding="utf-8")
    for device in [device.id for store in load_template(scene.estate).stores for device in store.devices]:
        key = signing.load_or_create(key_path(folder, device))
        public = base64.b64encode(signing.public_bytes(key)).decode()
        text = text.replace(f'id = "{device}"\npublic_key = "{_NO_KEY}"', f'id = "{device}"\npublic_key = "{public}"')
    path = folder / "estate.toml"
    path.write_text(text, encoding="utf-8")
    rules = (ESTATES / scene.estate).with_name("rules.toml")
    (folder / "rules.toml").write_text(rules.read_text(encoding="utf-8"), encoding="utf-8")
    return path


def key_path(folder: Path, device: str) -> Path:
    """Where a demo device keeps its signing key."""
    return folder / "devices" / device / "device.key"
