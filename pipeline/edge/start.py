"""What a device settles before its first picture: whether it may start, as whom, and with which settings."""

import base64
import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline import signing
from pipeline.clock import Clock
from pipeline.edge.boot import count_boot
from pipeline.edge.envelope import Identity
from pipeline.errors import Misconfigured
from pipeline.governance.starting import require_start
from schemas.envelope import Module
from schemas.estate import Camera, Device, Estate, load_estate, load_regulations
from schemas.ids import CameraId, StoreId


class Asked(NamedTuple):
    """What the command line says: whose pictures, and how many and how wide instead of the estate's."""

    store: StoreId
    camera: CameraId
    fps: float | None = None
    width: int | None = None


class Permit(NamedTuple):
    """One camera of an estate that may start, with the settings that were asked for."""

    estate: Estate
    camera: Camera
    device: Device


def permit(path: Path, asked: Asked, clock: Clock) -> Permit:
    """Read the estate, and see whether the camera may start (R02, R07, R13, R20).

    Raises:
        FileError: The estate or its regulation cannot be read.
        Misconfigured: With every reason why it may not start.
    """
    estate = _with(load_estate(path), asked)
    if estate.store(asked.store) is None:
        raise Misconfigured(f"{path} has no store {asked.store}: {', '.join(store.id for store in estate.stores)}")
    regulation = load_regulations(path, estate)[asked.store]
    require_start(estate, regulation, asked.store, asked.camera, clock.now())
    camera = estate.camera(asked.store, asked.camera)
    assert camera is not None
    device = None if camera.device is None else estate.device(asked.store, camera.device)
    if device is None:
        raise Misconfigured(f"camera {asked.store}/{asked.camera} has no device: name one in the estate")
    return Permit(estate, camera, device)


def identify(permit: Permit, store: StoreId, key: Path, state: Path) -> Identity:
    """Take the device's key, count its boot, and say who it is.

    Raises:
        Misconfigured: The estate enrols another key, or the state cannot be kept.
    """
    private = signing.load_or_create(key)
    _require_enrolled(permit.device, private, key)
    assert permit.camera.notice is not None
    return Identity(
        store_id=store,
        camera_id=permit.camera.id,
        device_id=permit.device.id,
        notice_id=permit.camera.notice,
        boot=count_boot(state),
        key=private,
        module=Module(name="pipeline.edge", version=version("mimamori"), config_digest=_digest(permit.camera)),
    )


def _with(estate: Estate, asked: Asked) -> Estate:
    """Put in what was asked for, so that it is judged as if the estate said so."""
    wanted = {name: value for name in ("fps", "width") if (value := getattr(asked, name)) is not None}
    stores = tuple(
        store.model_copy(
            update={
                "cameras": tuple(
                    camera.model_copy(update=wanted) if (store.id, camera.id) == (asked.store, asked.camera) else camera
                    for camera in store.cameras
                )
            }
        )
        for store in estate.stores
    )
    return estate.model_copy(update={"stores": stores})


def _require_enrolled(device: Device, private: Ed25519PrivateKey, path: Path) -> None:
    public = base64.b64encode(signing.public_bytes(private)).decode()
    if public != device.public_key:
        raise Misconfigured(
            f"{path} is not the key that the estate enrols for device {device.id}: "
            f'set public_key = "{public}" there, or give the right key with --key'
        )


def _digest(camera: Camera) -> str:
    return hashlib.sha256(camera.model_dump_json().encode()).hexdigest()[:16]
