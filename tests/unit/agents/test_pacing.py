"""How many of a camera's pictures are enough: those at which following says the same."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from agents.pacing import ALIKE, Paced, enough, paced
from models.detector import Look, Seen
from schemas.detections import Detection, ObjectType
from schemas.estate import Camera, Profile
from schemas.geometry import Box
from schemas.ids import CameraId

FPS = 5.0
PICTURES = [np.full((90, 160, 3), number, np.uint8) for number in range(60)]


class Eyes:
    """Sees people where they are said to be; a picture's colour is its number."""

    def __init__(self, where: Callable[[int], Sequence[float]], likelihood: float = 0.9) -> None:
        self._where = where
        self._likelihood = likelihood

    def detect_all(self, looks: Sequence[Look]) -> list[Seen]:
        lefts = self._where(int(looks[0].picture[0, 0, 0]))
        boxes = [Box(left=left, top=0.3, right=left + 0.08, bottom=0.7) for left in lefts]
        return [
            Seen(
                tuple(
                    Detection(type=ObjectType.HUMAN, likelihood=self._likelihood, bounding_box=each) for each in boxes
                )
            )
        ]


def followed(where: Callable[[int], Sequence[float]], fps: float = FPS, times: int = 1) -> list[Paced]:
    eyes: Any = Eyes(where)
    return paced(PICTURES * times, eyes, Profile(), fps)


def test_where_nobody_moves_half_the_pictures_say_the_same() -> None:
    tried = followed(lambda _: (0.1, 0.7), times=4)

    assert [each.every for each in tried] == [2]
    assert tried[0].alike >= ALIKE
    assert enough(tried) == 2


def test_where_people_hurry_after_one_another_each_picture_is_needed() -> None:
    # 1.5 body heights a second, and each stands after two pictures where the one in front stood.
    tried = followed(lambda number: [x for n in range(-20, 6) if 0 <= (x := n * 0.12 + number * 0.06 + 0.2) <= 0.9])

    assert tried[0].alike < ALIKE
    assert enough(tried) == 1


@pytest.mark.parametrize(("people_from", "tried"), [(0.4, 1), (0.5, 0)])
def test_whom_the_camera_begins_to_follow_is_followed(people_from: float, tried: int) -> None:
    eyes: Any = Eyes(lambda _: [0.4], likelihood=0.45)
    camera = Camera(id=CameraId("door"), people_from=people_from)

    assert len(paced(PICTURES, eyes, Profile(), FPS, camera)) == tried


def test_what_is_drawn_as_a_thing_is_not_followed() -> None:
    eyes: Any = Eyes(lambda number: [0.7, *([0.4] if number < 20 else [])])
    thing = Box(left=0.69, top=0.3, right=0.78, bottom=0.7)

    assert paced(PICTURES, eyes, Profile(), FPS, Camera(id=CameraId("door")))
    assert paced(PICTURES, eyes, Profile(), FPS, Camera(id=CameraId("door"), not_people=(thing,))) == []


def test_lines_are_counted_well_whatever_is_left_out() -> None:
    assert [each.every for each in followed(lambda _: [0.4], fps=10.0)] == [2, 3, 4]
    assert followed(lambda _: [0.4], fps=4.0) == []


def test_where_hardly_anybody_is_seen_nothing_is_left_out() -> None:
    tried = followed(lambda number: [0.4] if number < 20 else [])

    assert tried == []
    assert enough(tried) == 1


@pytest.mark.parametrize(("alike", "every"), [((1.0, 0.995), 3), ((0.995, 0.95), 2), ((0.95, 1.0), 1)])
def test_no_rate_is_skipped_over(alike: tuple[float, float], every: int) -> None:
    assert enough([Paced(2, alike[0]), Paced(3, alike[1])]) == every
