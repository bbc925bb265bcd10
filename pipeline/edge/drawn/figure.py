"""A drawn person: shaded cloth, limbs and a face on transparent ground, in one moment of a stride.

Detectors for real people fire on it (facts/baselines.md, "Drawn scenes"). It is nobody's likeness.
Lengths are in eighths of the figure's height, as painters measure; the unit is called `u`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, sin

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
Place = tuple[float, float]
Pixels = NDArray[np.uint8]

HEIGHT = 260
"""Pixels of a master sprite; scenes scale it down."""
STEPS = 12
"""Moments of one stride, two steps."""
_FINER = 2
_WIDE = 4.6
_HIP = 4.1
_SHOULDER = 1.5


@dataclass(frozen=True)
class Look:
    """What somebody wears, in BGR."""

    top: Colour
    trousers: Colour
    skin: Colour
    hair: Colour
    shoes: Colour
    bag: Colour | None
    seed: int


@dataclass(frozen=True)
class Sprite:
    """A picture with its opacity; (`foot_x`, bottom) is where the figure stands."""

    bgr: Pixels
    alpha: Pixels
    foot_x: float

    @property
    def size(self) -> tuple[int, int]:
        return self.alpha.shape[1], self.alpha.shape[0]

    def flipped(self) -> "Sprite":
        return Sprite(
            np.ascontiguousarray(self.bgr[:, ::-1]),
            np.ascontiguousarray(self.alpha[:, ::-1]),
            self.alpha.shape[1] - self.foot_x,
        )

    def scaled(self, factor: float) -> "Sprite":
        size = (max(1, round(self.alpha.shape[1] * factor)), max(1, round(self.alpha.shape[0] * factor)))
        return Sprite(
            _pixels(cv2.resize(self.bgr, size, interpolation=cv2.INTER_AREA)),
            _pixels(cv2.resize(self.alpha, size, interpolation=cv2.INTER_AREA)),
            self.foot_x * factor,
        )


def look(random: np.random.Generator) -> Look:
    """Dress somebody."""
    tops = ((60, 60, 150), (140, 80, 40), (60, 110, 60), (40, 40, 45), (90, 60, 130), (50, 120, 170), (150, 140, 60))
    trousers = ((70, 50, 40), (45, 42, 40), (110, 80, 50), (60, 70, 90))
    skins = ((140, 170, 215), (150, 185, 230), (110, 145, 195), (80, 110, 160))
    hairs = ((30, 35, 45), (20, 20, 22), (45, 60, 85))
    bags = ((180, 205, 225), (60, 70, 120), None)

    return Look(
        top=tops[int(random.integers(len(tops)))],
        trousers=trousers[int(random.integers(len(trousers)))],
        skin=skins[int(random.integers(len(skins)))],
        hair=hairs[int(random.integers(len(hairs)))],
        shoes=(25, 25, 25),
        bag=bags[int(random.integers(len(bags)))],
        seed=int(random.integers(2**31)),
    )


def draw(look: Look, step: int | None) -> Sprite:
    """Draw one moment of a walk to the right, 0 ≤ step < STEPS, or with None somebody who stands."""
    swing = 0.12 if step is None else sin(2 * np.pi * step / STEPS)
    canvas = _Canvas(look.seed)
    hand = _arm(canvas, look, -1, swing, 0.72)
    _leg(canvas, look, -1, swing, 0.75)
    _leg(canvas, look, 1, swing, 1.0)
    _trunk(canvas, look)
    _arm(canvas, look, 1, swing, 1.0)
    _bag(canvas, look, hand)
    _head(canvas, look)
    return canvas.sprite()


def trolley(left: bool = False) -> Sprite:
    """Draw a shopping trolley on its way to the right or left, as high as the hips of a master sprite."""
    canvas = _Canvas(9)
    wire = (150.0, 152.0, 155.0)
    canvas.polygon([(-0.95, 4.2), (1.35, 4.45), (1.1, 6.0), (-0.55, 6.0)], wire, noise=10, fold=0.2)
    canvas.polygon([(-0.75, 4.5), (1.15, 4.7), (0.95, 5.8), (-0.45, 5.8)], (95, 120, 140), noise=14)
    canvas.limb([(-1.3, 3.85), (-0.95, 4.25), (-0.55, 6.05), (-0.45, 7.3)], (0.14, 0.12, 0.12, 0.12), wire)
    canvas.limb([(-0.45, 7.2), (1.2, 7.2)], (0.12, 0.12), wire)
    for x in (-0.45, 1.15):
        canvas.ellipse((x, 7.6), (0.24, 0.26), (40, 40, 42))
    sprite = canvas.sprite()
    return sprite.flipped() if left else sprite


class _Canvas:
    """Paints parts one over the other, each shaded like a cylinder, in units of `u` around the middle."""

    def __init__(self, seed: int) -> None:
        self._u = HEIGHT * _FINER / 8
        self._bgr = np.zeros((HEIGHT * _FINER, round(self._u * _WIDE), 3), np.float32)
        self._alpha = np.zeros(self._bgr.shape[:2], np.uint8)
        self._random = np.random.default_rng(seed)

    def polygon(self, points: Sequence[Place], colour: Colour, *, noise: float = 6, fold: float = 0.0) -> None:
        pixels = self._pixels(points)
        mask = np.zeros(self._alpha.shape, np.uint8)
        cv2.fillPoly(mask, [pixels], 255)
        self._paint(mask, pixels, colour, noise, fold)

    def ellipse(self, centre: Place, axes: Place, colour: Colour, *, noise: float = 2) -> None:
        turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        points = [(centre[0] + axes[0] * cos(a), centre[1] + axes[1] * sin(a)) for a in turns]
        self.polygon(points, colour, noise=noise)

    def limb(self, joints: Sequence[Place], widths: Sequence[float], colour: Colour) -> None:
        """Paint tapered tubes from joint to joint, as one part."""
        mask = np.zeros(self._alpha.shape, np.uint8)
        outline = []
        for upper, lower in pairwise(zip(joints, widths, strict=True)):
            hull = cv2.convexHull(self._pixels([*_circle(*upper), *_circle(*lower)]))
            cv2.fillConvexPoly(mask, hull, 255)
            outline.append(hull.reshape(-1, 2))
        self._paint(mask, np.concatenate(outline), colour, noise=6, fold=0.12)

    def sprite(self) -> Sprite:
        """Scale down and cut to what was painted."""
        size = (self._alpha.shape[1] // _FINER, HEIGHT)
        bgr = _pixels(cv2.resize(np.clip(self._bgr, 0, 255).astype(np.uint8), size, interpolation=cv2.INTER_AREA))
        alpha = _pixels(cv2.resize(self._alpha, size, interpolation=cv2.INTER_AREA))
        rows, columns = np.nonzero(alpha.max(axis=1) > 127)[0], np.nonzero(alpha.max(axis=0) > 127)[0]
        cut = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return Sprite(bgr[cut].copy(), alpha[cut].copy(), size[0] / 2 - float(columns[0]))

    def _pixels(self, points: Sequence[Place]) -> NDArray[np.int32]:
        middle = self._bgr.shape[1] / 2
        return np.array([(middle + x * self._u, y * self._u) for x, y in points]).round().astype(np.int32)

    def _paint(self, mask: Pixels, outline: NDArray[np.int32], colour: Colour, noise: float, fold: float) -> None:
        """Shade inside the outline's rectangle only: a canvas-wide pass for each part would take ten times as long."""
        height, width = mask.shape
        left, top = np.clip(outline.min(axis=0), 0, (width - 1, height - 1))
        right, bottom = np.clip(outline.max(axis=0) + 1, 1, (width, height))
        window = np.s_[top:bottom, left:right]
        y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
        half = max((right - left) / 2, 1)
        light = 1.08 - 0.45 * np.clip(np.abs((x - (left + right) / 2) / half + 0.25), 0, 1.4) ** 2
        if fold:
            light += fold * 0.5 * np.sin(y / (self._u * 0.23) + 2 * np.sin(x / (self._u * 0.4)))
        weave = self._random.normal(0, noise, ((bottom - top) // 6 + 1, (right - left) // 6 + 1)).astype(np.float32)
        shade = np.array(colour, np.float32) * light[..., None]
        shade += cv2.resize(weave, (int(right - left), int(bottom - top)))[..., None]
        inside = mask[window] > 0
        self._bgr[window][inside] = shade[inside]
        self._alpha[window][inside] = 255


def _leg(canvas: _Canvas, look: Look, side: int, swing: float, light: float) -> None:
    thigh = 0.42 * swing * side
    knee = (0.11 * side + sin(thigh) * 1.75, _HIP + cos(thigh) * 1.75)
    shin = thigh - 0.25 * max(0.0, -swing * side) - 0.08
    x, y = knee[0] + sin(shin) * 1.65, knee[1] + cos(shin) * 1.65
    canvas.limb([(0.2 * side, _HIP - 0.1), knee, (x, y)], (0.78, 0.55, 0.42), _dim(look.trousers, light))
    shoe = ((-0.2, -0.05), (0.25, -0.05), (0.55, 0.22), (0.5, 0.33), (-0.22, 0.33))
    canvas.polygon([(x + dx, y + dy) for dx, dy in shoe], look.shoes, noise=2)


def _arm(canvas: _Canvas, look: Look, side: int, swing: float, light: float) -> Place:
    """Draw a sleeve and a hand; return where the hand is."""
    upper = -0.45 * swing * side
    shoulder = (0.62 * side, _SHOULDER + 0.18)
    elbow = (shoulder[0] + sin(upper), _SHOULDER + 1.3 * cos(upper) + 0.1)
    lower = upper + 0.35
    hand = (elbow[0] + sin(lower) * 1.05, elbow[1] + cos(lower) * 1.05)
    canvas.limb([shoulder, elbow, hand], (0.5, 0.4, 0.3), _dim(look.top, light))
    canvas.ellipse((hand[0], hand[1] + 0.15), (0.15, 0.22), look.skin)
    return hand


def _trunk(canvas: _Canvas, look: Look) -> None:
    neck = [(-0.22, 0.95), (0.22, 0.95), (0.26, 1.55), (-0.26, 1.55)]
    jacket = [(-0.35, 1.35), (0.35, 1.35), (0.86, 1.6), (0.78, 2.6), (0.68, 4.35), (-0.68, 4.35), (-0.78, 2.6)]
    canvas.polygon(neck, _dim(look.skin, 0.85))
    canvas.polygon([*jacket, (-0.86, 1.6)], look.top, fold=0.10)
    canvas.polygon([(-0.2, 1.36), (0.2, 1.36), (0, 1.75)], (225, 225, 225), noise=3)


def _bag(canvas: _Canvas, look: Look, hand: Place) -> None:
    if look.bag is not None:
        corners = ((-0.35, 0.3), (0.35, 0.3), (0.42, 1.2), (-0.42, 1.2))
        canvas.polygon([(hand[0] + dx, hand[1] + dy) for dx, dy in corners], look.bag, noise=3)


def _head(canvas: _Canvas, look: Look) -> None:
    canvas.ellipse((0, 0.55), (0.42, 0.52), look.hair)
    canvas.ellipse((0.04, 0.64), (0.35, 0.45), look.skin, noise=4)
    fringe = [(-0.38, 0.55), (-0.3, 0.15), (0, 0.05), (0.32, 0.15), (0.4, 0.5), (0.2, 0.32), (-0.2, 0.32)]
    canvas.polygon(fringe, look.hair, noise=5)
    for x in (-0.13, 0.17):
        canvas.ellipse((x, 0.60), (0.075, 0.035), (235, 235, 235), noise=1)
        canvas.ellipse((x, 0.60), (0.035, 0.04), (40, 40, 50), noise=1)
        canvas.ellipse((x, 0.52), (0.1, 0.018), look.hair, noise=1)
    canvas.ellipse((0.03, 0.76), (0.05, 0.09), _dim(look.skin, 0.88), noise=1)
    canvas.ellipse((0.03, 0.93), (0.12, 0.03), (95, 95, 170), noise=1)


def _circle(centre: Place, width: float) -> list[Place]:
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return [(centre[0] + width / 2 * cos(a), centre[1] + width / 2 * sin(a)) for a in turns]


def _dim(colour: Colour, light: float) -> Colour:
    return (colour[0] * light, colour[1] * light, colour[2] * light)


def _pixels(image: NDArray[np.generic]) -> Pixels:
    return np.asarray(image, np.uint8)
