"""How much of a camera may become evidence: an alert keeps its frames for a week, and nobody signs alerts."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from schemas.ids import AlertId

MOST: Final = 120
"""So many clips of one camera are made within an hour: two a minute. A clip has some dozen frames, and a camera takes
18 000 in an hour, of which so no more than a tenth is kept, whoever writes alerts."""
WITHIN: Final = timedelta(hours=1)


class Share:
    """What was made of each camera within the last hour, as far as one worker knows.

    The vault's list is learnt once a camera, so that a worker that dies begins with what there is. Two that hold one
    camera in turn may each make as many.
    """

    def __init__(self) -> None:
        self._made: dict[str, dict[AlertId, datetime]] = defaultdict(dict)

    def knows(self, camera: str) -> bool:
        """Say whether it was learnt what there is of a camera."""
        return camera in self._made

    def learn(self, camera: str, made: Mapping[AlertId, datetime]) -> None:
        """Take in which alerts of a camera have evidence, and since when."""
        self._made[camera] |= made

    def has_room(self, camera: str, alert: AlertId, now: datetime) -> bool:
        """Say whether this alert has evidence by now, or one more may have."""
        made = self._made[camera]
        for each in [each for each, when in made.items() if when <= now - WITHIN]:
            del made[each]
        return alert in made or len(made) < MOST

    def take(self, camera: str, alert: AlertId, now: datetime) -> None:
        """Note that an alert has evidence; when it first had counts."""
        self._made[camera].setdefault(alert, now)
