"""Key material in memory: made in place and wiped in place, so that no copy is left behind by the way it came."""

from typing import Final

_SOURCE: Final = "/dev/urandom"


def wipe(secret: bytearray) -> None:
    """Overwrite key material in place."""
    secret[:] = bytes(len(secret))


def random_bytes(count: int) -> bytearray:
    """Give random bytes, read in place: what `secrets` returns cannot be wiped.

    Raises:
        OSError: The random source gave too little.
    """
    found = bytearray(count)
    with open(_SOURCE, "rb", buffering=0) as source:  # noqa: PTH123 (a device, not a file of ours)
        if source.readinto(found) != count:
            raise OSError("the random source gave too little")
    return found
