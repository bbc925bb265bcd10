"""People on labelled clips: the 8-bit network finds nearly what the 32-bit one finds."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from models.manifest import manifest
from models.networks.letterbox import framed
from models.networks.nanodet import NanoDet
from models.nms import overlap
from models.session import Session

Floats = npt.NDArray[np.float32]
Found = list[tuple[float, bool]]
"""Likelihood of each box, and whether a person is there."""

SAME = 0.5
CLIPS = {"pets09_s3mf1": ("pets09_S3MF1_mot.txt", 0.94), "tud_campus": ("tud_campus_mot.txt", 0.76)}
"""Truth in MOTChallenge form, and the average precision that must be reached (measured: .960 and .785)."""


@pytest.fixture(scope="module")
def networks(weights: Path) -> tuple[NanoDet, NanoDet]:
    exact, small = (
        NanoDet.load((weights / manifest()[name].file).read_bytes(), Session)
        for name in ("nanodet-g-416", "nanodet-g-416-int8")
    )
    return exact, small


def people(network: NanoDet, file: Path) -> tuple[Floats, Floats]:
    picture = np.asarray(cv2.imread(str(file)), np.uint8)
    box = framed(picture, longest=416, multiple_of=network.multiple)
    ((boxes, likelihoods),) = network.find([box.canvas], at_least=0.05)
    return boxes / np.float32(box.scale), likelihoods


def truth(file: Path) -> dict[int, Floats]:
    """Boxes of each frame, from 1."""
    rows = np.loadtxt(file, delimiter=",", dtype=np.float32)
    frames, boxes = rows[:, 0].astype(int), np.c_[rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]]
    return {frame: boxes[frames == frame] for frame in np.unique(frames).tolist()}


def matched(boxes: Floats, likelihoods: Floats, people_there: Floats) -> Found:
    """Give each person to the likeliest box on them that has none yet."""
    free = np.ones(len(people_there), bool)
    found = []
    for shares, likelihood in zip(overlap(boxes, people_there), likelihoods, strict=True):
        open_shares = np.where(free, shares, 0)
        hit = bool(open_shares.max(initial=0) >= SAME)
        if hit:
            free[open_shares.argmax()] = False
        found.append((float(likelihood), hit))
    return found


def average_precision(found: Found, people_there: int) -> float:
    """Area under the precision-recall curve, each precision being the best at that recall or above."""
    hits = np.cumsum([hit for _, hit in sorted(found, reverse=True)])
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    return float((precision * np.diff(hits, prepend=0)).sum() / people_there)


@pytest.mark.parametrize("clip", CLIPS)
def test_eight_bits_find_nearly_what_thirty_two_find(
    footage: Path, networks: tuple[NanoDet, NanoDet], clip: str
) -> None:
    labels, wanted = CLIPS[clip]
    there = truth(footage / "gt" / labels)
    files = sorted((footage / "video" / clip).glob("*.jpg"))
    nobody = np.zeros((0, 4), np.float32)
    found: tuple[Found, Found] = ([], [])
    for number, file in enumerate(files, start=1):
        for network, results in zip(networks, found, strict=True):
            results.extend(matched(*people(network, file), there.get(number, nobody)))
    exact, small = (average_precision(results, sum(map(len, there.values()))) for results in found)

    assert small >= wanted
    assert small >= exact - 0.015


def test_both_networks_agree_on_what_is_plainly_there(footage: Path, networks: tuple[NanoDet, NanoDet]) -> None:
    file = footage / "faces" / "two_people.jpg"
    (exact, exactly), (small, nearly) = (people(network, file) for network in networks)

    assert (overlap(exact[:2], small[:2]).max(axis=1) > 0.9).all()
    np.testing.assert_allclose(exactly[:2], nearly[:2], atol=0.05)
