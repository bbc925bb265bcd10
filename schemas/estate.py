"""The estate: stores, devices, cameras, and the places in their pictures."""

import base64
from collections import Counter
from collections.abc import Iterable
from datetime import time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationError, model_validator

from schemas.files import FileError, load
from schemas.flow import EXPORTED_FROM, EXPORTED_LENGTH, PUBLISHED_LENGTH
from schemas.frozen import Frozen, Length
from schemas.geometry import Box, Point, Polygon
from schemas.ids import (
    CameraId,
    DeviceId,
    NamedCamera,
    NamedDevice,
    NamedLine,
    NamedNotice,
    NamedStore,
    NamedZone,
    StoreId,
)
from schemas.regulation import Regulation, load_regulation
from schemas.topics import ALERTS_TTL_MAX, FLOW_TTL_MAX, FRAME_TTL_MAX, Lives


def _ed25519(text: str) -> str:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("a public key is base64") from None
    if len(raw) != 32:
        raise ValueError("an Ed25519 public key has 32 bytes")
    return text


def _timezone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{text!r} is no IANA time zone, such as Asia/Tokyo") from None
    return text


def _unlike(ids: Iterable[str], what: str) -> None:
    if twice := [each for each, count in Counter(ids).items() if count > 1]:
        raise ValueError(f"{what} named twice: {', '.join(twice)}")


class Schedule(Frozen):
    """Hours of a day, local time; `until` before `since` runs over midnight. Days: 0 is Monday."""

    since: time = time(0)
    until: time = time(0)
    days: tuple[Annotated[int, Field(ge=0, le=6)], ...] = (0, 1, 2, 3, 4, 5, 6)


class ZoneKind(StrEnum):
    """What a zone is for."""

    AREA = "area"
    RESTRICTED = "restricted"


class Zone(Frozen):
    """A polygon on the floor of the picture."""

    id: NamedZone
    name: str = ""
    kind: ZoneKind = ZoneKind.AREA
    polygon: Polygon
    schedule: Schedule = Schedule()
    loitering_after: Length | None = Field(default=None, gt=timedelta(0))
    leaves_after: Length = Field(default=timedelta(seconds=1.5), ge=timedelta(0), le=timedelta(minutes=1))
    """Whoever is out of it, or out of sight, for so long has left. Longer where people are hidden now and then."""


class Line(Frozen):
    """A line that people cross. Whoever goes from its left to its right, seen from `start` to `end`, goes in."""

    id: NamedLine
    name: str = ""
    start: Point
    end: Point
    band: float = Field(default=0.15, ge=0, le=1)
    """Whose feet are nearer to the line than this, in body heights, is on neither side yet: boxes jitter."""

    @model_validator(mode="after")
    def _has_a_length(self) -> "Line":
        if self.start == self.end:
            raise ValueError("a line's start and end differ")
        return self


class Mask(Frozen):
    """A part of the picture that is painted black before it leaves the device."""

    polygon: Polygon


class Homography(Frozen):
    """Four points of the picture or more, and where they lie on the floor, in metres: `pipeline.motion.floor`."""

    picture: Annotated[tuple[Point, ...], Field(min_length=4, max_length=64)]
    floor_m: Annotated[tuple[tuple[float, float], ...], Field(min_length=4, max_length=64)]

    @model_validator(mode="after")
    def _in_pairs(self) -> "Homography":
        if len(self.picture) != len(self.floor_m):
            raise ValueError("each point of the picture has its place on the floor, and none has two")
        return self


class Proportionality(Frozen):
    """What was decided to be enough for the purpose (R07): more is refused."""

    width_max: int = Field(default=1280, gt=0)
    fps_max: float = Field(default=10, gt=0)
    decided_by: str = ""


class Profile(Frozen):
    """How a camera's frames are looked at. `mimamori camera tune` derives it from the sizes of people seen there.

    It is decided from a frame and its envelope alone, so that the same frame gives the same detections.
    """

    longest: int = Field(default=416, ge=160, le=1280, multiple_of=32)
    """Longest side of the picture that the network gets; the other follows the camera's aspect."""
    tiles: int = Field(default=1, ge=1, le=4)
    """Beside the whole, so many by so many overlapping tiles at native resolution: for small people. 1: none."""
    every: int = Field(default=1, ge=1, le=60)
    """Of the moving frames, only those are looked at whose sequence this divides; reference frames always are."""
    regions: bool = False
    """Look at what the device says moved, at native resolution, in place of the whole; reference frames stay whole."""


class Camera(Frozen):
    """One view."""

    id: NamedCamera
    name: str = ""
    device: NamedDevice | None = None
    mode: Literal["conventional", "face_recognition"] = "conventional"
    notice: NamedNotice | None = None
    fps: float = Field(default=5, gt=0, le=60)
    width: int = Field(default=960, ge=64, le=4096)
    people_from: float = Field(default=0.5, ge=0.05, le=1)
    """A box this likely to be a person begins a track. The best value differs by camera, from .3 to .6."""
    profile: Profile = Profile()
    proportionality: Proportionality = Proportionality()
    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()
    masks: tuple[Mask, ...] = ()
    homography: Homography | None = None
    not_people: tuple[Box, ...] = ()
    """Where a person confirmed that what looks like somebody and never moves is a thing: a mannequin, a poster."""
    people_here: tuple[Box, ...] = ()
    """Where a person said that whoever stands very still there is somebody: a cashier. Never set aside."""

    @model_validator(mode="after")
    def _names_differ(self) -> "Camera":
        _unlike((each.id for each in self.zones), "zone")
        _unlike((each.id for each in self.lines), "line")
        return self


class Overlay(Frozen):
    """What was drawn or measured for one camera after the estate was written. What it names replaces the estate's.

    It is a file of its own beside the estate, `<estate's stem>.d/<store>.<camera>.toml`, so that the console and
    `mimamori camera` never write into what people wrote by hand.
    """

    store: NamedStore
    camera: NamedCamera
    zones: tuple[Zone, ...] | None = None
    lines: tuple[Line, ...] | None = None
    masks: tuple[Mask, ...] | None = None
    homography: Homography | None = None
    not_people: tuple[Box, ...] | None = None
    people_here: tuple[Box, ...] | None = None
    profile: Profile | None = None

    def over(self, camera: Camera) -> Camera:
        """Return the camera with this laid over it.

        Raises:
            ValidationError: The two do not go together.
        """
        said = {name: value for name in OVERLAID if (value := getattr(self, name)) is not None}
        return Camera.model_validate({**dict(camera), **said})


OVERLAID: Final = ("zones", "lines", "masks", "homography", "not_people", "people_here", "profile")
"""What of a camera an overlay may replace."""


class Device(Frozen):
    """A publisher's host. Its public key tells its messages from all others."""

    id: NamedDevice
    public_key: Annotated[str, AfterValidator(_ed25519)]
    """Raw Ed25519 public key, base64."""


class Store(Frozen):
    """A shop."""

    id: NamedStore
    name: str = ""
    timezone: Annotated[str, AfterValidator(_timezone)] = "Asia/Tokyo"
    regulation: str
    """The store's camera rules: a file beside the estate's."""
    opens: Schedule = Schedule()
    """When it is open. At closing time nobody is inside any more, whatever was miscounted by then."""
    devices: tuple[Device, ...] = ()
    cameras: tuple[Camera, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> "Store":
        _unlike((each.id for each in self.devices), "device")
        _unlike((each.id for each in self.cameras), "camera")
        if lost := [each.id for each in self.cameras if each.device not in {None, *(d.id for d in self.devices)}]:
            raise ValueError(f"cameras whose device is not in the store: {', '.join(lost)}")
        return self


class Split(Frozen):
    """How a camera's share of the ε is divided among what is exported; together at most all of it."""

    crossings: float = Field(default=0.5, gt=0, le=1)
    zones: float = Field(default=0.375, gt=0, le=1)
    dwell: float = Field(default=0.125, gt=0, le=1)

    @model_validator(mode="after")
    def _is_a_whole(self) -> "Split":
        if self.crossings + self.zones + self.dwell > 1:
            raise ValueError("the shares of crossings, zones and dwell are together at most 1")
        return self


class FlowSettings(Frozen):
    """How people flow is published: exact but for small numbers, or noised for outsiders, or, in a demo, all of it."""

    profile: Literal["published", "demo", "export"] = "published"
    window: Length = Field(default=PUBLISHED_LENGTH, gt=timedelta(0), le=timedelta(days=1))
    """Unless said, 15 minutes; for export an hour."""
    suppressed_below: int = Field(default=3, ge=0)
    """Unless said, 3; for export 10, after noise."""
    epsilon: float = Field(default=2.0, gt=0, le=10)
    """For export: what one visit may change in all that is exported of a store and day (differential privacy)."""
    split: Split = Split()

    @model_validator(mode="before")
    @classmethod
    def _unless_said(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("profile") == "export":
            return {"window": EXPORTED_LENGTH, "suppressed_below": 10, **value}
        return value

    @model_validator(mode="after")
    def _fine_windows_are_for_demos(self) -> "FlowSettings":
        if self.profile != "demo" and (self.window < PUBLISHED_LENGTH or self.suppressed_below < 1):
            raise ValueError('windows under 15 minutes, or without suppression, need profile = "demo" (R51)')
        if self.profile == "export" and (self.window < EXPORTED_LENGTH or self.suppressed_below < EXPORTED_FROM):
            raise ValueError("what is exported has windows of an hour at least, and is suppressed below 5 at least")
        return self

    @property
    def inside(self) -> timedelta:
        """How long the windows are in which is counted: a minute each. They never leave the stage's state."""
        minute = timedelta(minutes=1)
        return self.window if self.window % minute else minute


class Estate(Frozen):
    """All stores. One file; `frame_ttl` has no default: without a retention nothing starts (R20)."""

    demo: bool = False
    frame_ttl: Annotated[Length, Field(gt=timedelta(0), le=FRAME_TTL_MAX)]
    alerts_ttl: Annotated[Length, Field(gt=timedelta(0), le=ALERTS_TTL_MAX)] = ALERTS_TTL_MAX
    flow_ttl: Annotated[Length, Field(gt=timedelta(0), le=FLOW_TTL_MAX)] = FLOW_TTL_MAX
    """One topic carries all stores: these three are no longer than any store's regulation allows."""
    flow: FlowSettings = FlowSettings()
    stores: Annotated[tuple[Store, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _holds_together(self) -> "Estate":
        _unlike((each.id for each in self.stores), "store")
        _unlike((device.id for store in self.stores for device in store.devices), "device")
        if self.flow.profile == "demo" and not self.demo:
            raise ValueError("the demo flow profile is refused unless demo = true")
        return self

    @property
    def lives(self) -> Lives:
        """How long frames, alerts and counts live."""
        return Lives(self.frame_ttl, self.alerts_ttl, self.flow_ttl)

    def store(self, store: StoreId) -> Store | None:
        return next((each for each in self.stores if each.id == store), None)

    def camera(self, store: StoreId, camera: CameraId) -> Camera | None:
        found = self.store(store)
        return None if found is None else next((each for each in found.cameras if each.id == camera), None)

    def device(self, store: StoreId, device: DeviceId) -> Device | None:
        found = self.store(store)
        return None if found is None else next((each for each in found.devices if each.id == device), None)


def load_estate(path: Path) -> Estate:
    """Read an estate, with the overlays of its cameras laid over it.

    Raises:
        FileError: Naming file, line and key.
    """
    estate = load(path, Estate)
    stores = tuple(
        store.model_copy(update={"cameras": tuple(_laid_over(path, store.id, camera) for camera in store.cameras)})
        for store in estate.stores
    )
    return estate.model_copy(update={"stores": stores})


def overlay_path(estate: Path, store: StoreId, camera: CameraId) -> Path:
    """Say where the overlay of a camera lies, whether there is one or not."""
    return estate.with_name(f"{estate.stem}.d") / f"{store}.{camera}.toml"


def load_overlay(estate: Path, store: StoreId, camera: CameraId) -> Overlay:
    """Read a camera's overlay; one that says nothing, where there is no file.

    Raises:
        FileError: Naming file, line and key; or it is another camera's.
    """
    path = overlay_path(estate, store, camera)
    if not path.exists():
        return Overlay(store=store, camera=camera)
    found = load(path, Overlay)
    if (found.store, found.camera) != (store, camera):
        raise FileError(f"{path}: is the overlay of camera {found.camera} of store {found.store}")
    return found


def _laid_over(estate: Path, store: StoreId, camera: Camera) -> Camera:
    try:
        return load_overlay(estate, store, camera.id).over(camera)
    except ValidationError as error:
        wrong = "; ".join(each["msg"] for each in error.errors(include_url=False))
        raise FileError(f"{overlay_path(estate, store, camera.id)}: {wrong}") from None


def load_regulations(path: Path, estate: Estate) -> dict[StoreId, Regulation]:
    """Read the regulation of every store; their paths are relative to the estate's file.

    Raises:
        FileError: Naming file, line and key.
    """
    return {each.id: load_regulation(path.parent / each.regulation) for each in estate.stores}


class _CameraFile(Frozen):
    camera: Camera


def load_camera(path: Path) -> Camera:
    """Read one camera of the estate format, with or without a `[camera]` table around it.

    Raises:
        FileError: Naming file, line and key.
    """
    try:
        return load(path, Camera)
    except FileError as plain:
        try:
            return load(path, _CameraFile).camera
        except FileError:
            raise plain from None
