"""An estate of one store with one device, and a regulation with which its camera may start, on disk."""

import base64
from pathlib import Path
from typing import Final

from pipeline import signing

_ESTATE: Final = """
frame_ttl = "{ttl}"
[[stores]]
id = "{store}"
regulation = "rules.toml"
[[stores.devices]]
id = "{store}-pc"
public_key = "{key}"
[[stores.cameras]]
id = "{camera}"
device = "{store}-pc"
notice = "notice-1"
{more}
"""

RETENTION: Final = '[retention]\nframes = "{ttl}"\n'
MANAGER: Final = '[manager]\nname = "M. Sato"\n'
DEPUTY: Final = '[deputy]\nname = "K. Ito"\n'
NOTICE: Final = """[[notices]]
id = "notice-1"
text_version = "1"
place = "door"
languages = ["ja"]
checked_by = "M. Sato"
checked_on = 2026-01-01
purposes = ["crime_prevention"]
"""
_RULES: Final = 'version = "1"\npurposes = ["crime_prevention"]\n' + RETENTION + MANAGER + DEPUTY + NOTICE


def write(folder: Path, store: str, camera: str, *, ttl: str = "1h", more: str = "") -> Path:
    """Write estate.toml, rules.toml and device.key into a folder, and return the estate's path.

    Args:
        folder: Where to.
        store: The store; its device is called as it, with "-pc".
        camera: The camera.
        ttl: How long frames live, in the estate and in the regulation.
        more: More of the camera, in TOML, or more cameras.
    """
    key = base64.b64encode(signing.public_bytes(signing.create(folder / "device.key"))).decode()
    (folder / "rules.toml").write_text(_RULES.format(ttl=ttl))
    path = folder / "estate.toml"
    path.write_text(_ESTATE.format(key=key, store=store, camera=camera, ttl=ttl, more=more))
    return path


def without(folder: Path, part: str, ttl: str = "1h") -> None:
    """Take a part out of the regulation."""
    (folder / "rules.toml").write_text(_RULES.replace(part, "").format(ttl=ttl))
