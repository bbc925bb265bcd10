"""A drawn shop without people: shelves, goods, tiles, a staff area, and the words that say it is drawn."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.edge.drawn.scene import PIXELS_HIGH, WIDTH

Picture = NDArray[np.uint8]
Stroke = tuple[tuple[float, float], ...]

_FLOOR: Final = 225
_VANISHING: Final = (480, 100)
LABEL: Final = np.s_[:37, :293]
"""Where it stands that the scene is drawn."""
STAFF_AREA: Final = ((690, 452), (930, 452), (945, 525), (700, 525))
"""Corners of the staff area on the floor, in pixels."""
DOORWAY: Final = ((330, 345), (330, 535))
"""The line on the floor behind the entrance, in pixels."""
FLOOR_AREA: Final = ((385, 350), (640, 350), (640, 530), (385, 530))
"""The open floor in the middle, in pixels."""

# 描 and 画 in a square of 24, drawn line by line: OpenCV's own letters have no kanji.
_BYOU: Final[tuple[Stroke, ...]] = (
    ((1, 7), (9, 7)), ((5, 1), (5, 22), (3, 20)), ((1, 15), (9, 12)),
    ((10, 5), (23, 5)), ((14, 1), (14, 8)), ((19, 1), (19, 8)),
    ((11, 11), (22, 11), (22, 22), (11, 22), (11, 11)), ((16.5, 11), (16.5, 22)), ((11, 16.5), (22, 16.5)),
)  # fmt: skip
_GA: Final[tuple[Stroke, ...]] = (
    ((2, 2), (22, 2)), ((7, 6), (17, 6), (17, 17), (7, 17), (7, 6)), ((7, 11.5), (17, 11.5)), ((12, 2), (12, 17)),
    ((3, 7), (3, 22), (21, 22)), ((21, 7), (21, 22)),
)  # fmt: skip


def shop(seed: int) -> Picture:
    """Draw it: the same seed, the same bytes."""
    random = np.random.default_rng([seed, 2])
    picture = np.empty((PIXELS_HIGH, WIDTH, 3), np.uint8)
    _walls(picture, random)
    _tiles(picture)
    for left, top, right, rows in ((30, 68, 360, 4), (390, 90, 570, 3), (600, 68, 930, 4)):
        _shelf(picture, random, (left, top, right, _FLOOR + 22), rows)
    _staff_area(picture)
    lit = _lit(picture)
    _label(lit)
    return lit


def _walls(picture: Picture, random: np.random.Generator) -> None:
    tint = random.integers(-8, 9, 3)
    picture[:] = np.array((205, 215, 220)) + tint
    picture[:190] = np.array((190, 200, 205)) + tint
    for x in range(45, WIDTH, 180):
        cv2.rectangle(picture, (x, 9), (x + 112, 20), (250, 252, 255), -1)


def _tiles(picture: Picture) -> None:
    cv2.rectangle(picture, (0, _FLOOR), (WIDTH, PIXELS_HIGH), (150, 165, 178), -1)
    x0, y0 = _VANISHING
    far, near = _FLOOR - y0, PIXELS_HIGH - y0
    for offset in range(-1500, 1501, 60):
        start, end = (x0 + offset * far // 300, _FLOOR), (x0 + offset * near // 300, PIXELS_HIGH)
        cv2.line(picture, start, end, (135, 150, 163), 1, cv2.LINE_AA)
    for step in range(12):
        y = y0 + round(far * 1.18**step)
        cv2.line(picture, (0, y), (WIDTH, y), (135, 150, 163), 1)


def _shelf(picture: Picture, random: np.random.Generator, box: tuple[int, int, int, int], rows: int) -> None:
    left, top, right, bottom = box
    cv2.rectangle(picture, (left, top), (right, bottom), (95, 105, 115), -1)
    deep = (bottom - top) / rows
    for row in range(1, rows + 1):
        board = round(top + row * deep)
        _goods(picture, random, (left + 3, right - 6, board - 4), deep)
        cv2.rectangle(picture, (left, board - 4), (right, board), (60, 65, 70), -1)


def _goods(picture: Picture, random: np.random.Generator, place: tuple[int, int, int], deep: float) -> None:
    x, right, bottom = place
    while x < right:
        wide, high = int(random.integers(7, 16)), int(deep * random.uniform(0.45, 0.8))
        edge = min(x + wide, right + 3)
        colour = tuple(int(part) for part in random.integers(40, 235, 3))
        cv2.rectangle(picture, (x, bottom - high), (edge, bottom), colour, -1)
        cv2.rectangle(picture, (x, bottom - high // 2 - 2), (edge, bottom - high // 2 + 2), (235, 235, 235), -1)
        x += wide + 2


def _staff_area(picture: Picture) -> None:
    """Mark it on the floor with a band."""
    corners = np.array(STAFF_AREA, np.int32)
    cv2.fillPoly(picture, [corners], (140, 158, 190))
    cv2.polylines(picture, [corners], isClosed=True, color=(60, 160, 215), thickness=4, lineType=cv2.LINE_AA)
    cv2.putText(picture, "STAFF", (775, 520), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (60, 110, 150), 2, cv2.LINE_AA)


def _lit(picture: Picture) -> Picture:
    """Darken the corners and soften the edges, as a lens does."""
    y, x = np.mgrid[:PIXELS_HIGH, :WIDTH]
    fall = ((x - WIDTH / 2) / WIDTH) ** 2 + ((y - PIXELS_HIGH * 0.4) / PIXELS_HIGH) ** 2
    lit = np.clip(picture * (1.05 - 0.7 * fall)[..., None], 0, 255).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(lit, (0, 0), 0.7), np.uint8)


def _label(picture: Picture) -> None:
    cv2.rectangle(picture, (0, 0), (292, 36), (40, 40, 40), -1)
    cv2.putText(picture, "DRAWN SCENE", (10, 26), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2, cv2.LINE_AA)
    for strokes, left in ((_BYOU, 224), (_GA, 256)):
        for stroke in strokes:
            points = np.array([(left + x, 6 + y) for x, y in stroke]).round().astype(np.int32)
            cv2.polylines(picture, [points], isClosed=False, color=(255, 255, 255), thickness=2, lineType=cv2.LINE_AA)
