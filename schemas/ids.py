"""Names of things, each a type of its own."""

import hashlib
import uuid
from typing import Annotated, NewType

from pydantic import StringConstraints

StoreId = NewType("StoreId", str)
CameraId = NewType("CameraId", str)
DeviceId = NewType("DeviceId", str)
KeyId = NewType("KeyId", str)
EventId = NewType("EventId", str)
AlertId = NewType("AlertId", str)
ZoneId = NewType("ZoneId", str)
LineId = NewType("LineId", str)
NoticeId = NewType("NoticeId", str)
GateId = NewType("GateId", str)

Name = StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
"""What a name in the estate looks like: short, lower case, safe in paths, keys and addresses."""

NamedStore = Annotated[StoreId, Name]
NamedCamera = Annotated[CameraId, Name]
NamedDevice = Annotated[DeviceId, Name]
NamedZone = Annotated[ZoneId, Name]
NamedLine = Annotated[LineId, Name]
NamedNotice = Annotated[NoticeId, Name]
NamedKey = Annotated[KeyId, Name]


def event_id(*parts: object) -> EventId:
    """Give the same id for the same happening, however often it is worked out.

    A version-8 UUID (RFC 9562) over SHA-256 of the parts' texts, each with its length before it, so that
    ("a", "bc") and ("ab", "c") differ.
    """
    texts = [str(part).encode() for part in parts]
    digest = hashlib.sha256(b"".join(len(text).to_bytes(4, "big") + text for text in texts)).digest()
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) | 0x8 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return EventId(str(uuid.UUID(int=number)))
