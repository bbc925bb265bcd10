"""What a store's day may tell outsiders: the ε of differential privacy, shared out before anything is told.

The unit is one visit: one track at each camera of the store on one local day. Somebody lost from sight and found again
so many times is so many visits; somebody who comes on n days has n times the ε. Each camera has its own share of each
part, so that cameras need not ask each other; the ledger sees to it that all shares of a day stay within it, whatever
the estate said when, and that no window is told with two different contents.
"""

from collections.abc import Mapping
from datetime import date, datetime
from fractions import Fraction
from typing import Final, Literal, NamedTuple, Protocol

from schemas.estate import Camera, FlowSettings, Store
from schemas.ids import CameraId, StoreId

Part = Literal["crossings", "zones", "dwell"]

CELLS: Final[Mapping[Part, int]] = {"crossings": 2, "zones": 4, "dwell": 1}
"""A track changes a part's numbers by no more, all together: one in and one out, four visitors, one dwell."""

MICRO: Final = 1_000_000
"""ε is counted in millionths, and rounded down: whole numbers cannot add up to more than they should."""


class Share(NamedTuple):
    """What one camera may spend on one part of a day's export, in millionths of ε."""

    micro: int
    cells: int

    @property
    def each(self) -> Fraction:
        """ε of one number."""
        return Fraction(self.micro, MICRO * self.cells)


Shares = Mapping[Part, Share]


def shares(settings: FlowSettings, store: Store) -> Mapping[CameraId, Shares]:
    """Share a store's day out: each part evenly among the cameras that have something of it to tell."""
    split: Mapping[Part, float] = {
        "crossings": settings.split.crossings,
        "zones": settings.split.zones,
        "dwell": settings.split.dwell,
    }
    tell = {part: [camera.id for camera in store.cameras if _tells(camera, part)] for part in split}
    return {
        camera.id: {
            part: Share(int(_exact(settings.epsilon) * _exact(share) * MICRO / len(tell[part])), CELLS[part])
            for part, share in split.items()
            if camera.id in tell[part]
        }
        for camera in store.cameras
    }


def _tells(camera: Camera, part: Part) -> bool:
    return bool(camera.lines if part == "crossings" else camera.zones)


def budget(settings: FlowSettings) -> int:
    """Return what a store and day may spend, in millionths of ε."""
    return int(_exact(settings.epsilon) * MICRO)


def _exact(number: float) -> Fraction:
    """What somebody wrote into the estate: 0.1, and not the binary fraction beside it."""
    return Fraction(str(number))


class Release(NamedTuple):
    """One camera's window that is about to be told, and what its day spends at that camera."""

    store_id: StoreId
    day: date
    camera_id: CameraId
    window_start: datetime
    micro: int
    """The camera's shares together; spent with its first window of the day, whatever follows."""
    budget: int
    """The whole store's."""
    terms: str
    """How the shares are used. A camera keeps to the terms that its day began with."""
    content: str
    """What the window tells, sealed with the day's key: told again, it must be the same."""


class Ledger(Protocol):
    """Remembers what was told of each store and day, for all workers."""

    def allows(self, release: Release) -> bool:
        """Enter a release; say whether it may be told.

        Yes when its camera has a share of that day already, under the same terms, or there is enough left for one; and
        when the window was not told before, or just so. What was allowed once is allowed again. Called by many workers
        at once.

        Raises:
            Unavailable: The ledger is away; nothing was told.
        """
        ...


class Export(NamedTuple):
    """What a camera's windows are noised with."""

    secret: bytes
    shares: Shares
    budget: int
    ledger: Ledger

    @property
    def micro(self) -> int:
        return sum(share.micro for share in self.shares.values())
