"""A device's message: whose it is, and what lies sealed in it."""

import base64
from typing import Final

from pipeline import sealing, signing
from pipeline.errors import Rejected
from pipeline.sealing import Opener
from schemas.detections import Still
from schemas.estate import Device, Estate
from schemas.frame import Frame
from schemas.wire import Headers, Sealed

SEALED_MAX: Final = 2 << 20
"""No frame is larger, sealed: what is, is not even checked."""


def require_authentic(estate: Estate, message: Sealed | Still, headers: Headers, value: bytes) -> None:
    """Refuse what no device of that store sent for that camera, and what says that it lives longer than frames do.

    Raises:
        Rejected: Unknown store, camera or device, a device of another store, not its signature, or it lives too long.
    """
    about = message.frame if isinstance(message, Sealed) else message
    device = _device(estate, about)
    if about.expires_at - about.utc_time > estate.frame_ttl:
        # A key dies on time whatever a frame says; whoever goes by what it says must not keep it longer.
        raise Rejected("bad_content", "expires_at: beyond the lifetime of frames")
    if len(value) > SEALED_MAX:
        raise Rejected("bad_content", "too large")
    signing.verify(base64.b64decode(device.public_key), headers, value)


def _device(estate: Estate, about: Frame | Still) -> Device:
    if estate.store(about.store_id) is None:
        raise Rejected("unknown_store")
    camera = estate.camera(about.store_id, about.camera_id)
    if camera is None:
        raise Rejected("unknown_camera")
    device = estate.device(about.store_id, about.device_id)
    if device is None:
        elsewhere = any(estate.device(store.id, about.device_id) for store in estate.stores)
        raise Rejected("wrong_store" if elsewhere else "unknown_device")
    if camera.device != device.id:
        raise Rejected("unknown_device", "not this camera's")
    return device


def open_frame(sealed: Sealed, opener: Opener) -> bytes:
    """Open a frame's picture, a JPEG.

    Raises:
        Rejected: It was sealed for another envelope or to another key.
    """
    return opener.open_(sealing.frame_info(sealed.frame), sealed.value)
