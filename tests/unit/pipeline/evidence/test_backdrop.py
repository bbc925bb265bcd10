"""Backdrops: the place is there, and nobody who was found is."""

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.evidence.backdrop import LEAST, Seen, backdrop
from pipeline.evidence.hide import GREY, Picture, Region
from schemas.geometry import Box

HEIGHT, WIDTH = 90, 160
SHOP = np.random.default_rng(1).integers(140, 250, (HEIGHT, WIDTH, 3), np.uint8)
COAT = (10, 20, 30)


class Nobody:
    def find_faces(self, bgr: Picture) -> Sequence[Box]:
        return ()


class OneFace:
    def find_faces(self, bgr: Picture) -> Sequence[Box]:
        return (Box(left=0.5, top=0.2, right=0.55, bottom=0.3),)


def standing(left: int, top: int = 20) -> Region:
    return Region(left, top, left + 16, top + 50)


def seen(*people: Region, told: bool = True) -> Seen:
    picture = SHOP.copy()
    for each in people:
        picture[int(each.top) : int(each.bottom), int(each.left) : int(each.right)] = COAT
    return Seen(picture, people if told else (), ())


def shows(picture: Picture, person: Region) -> bool:
    part = picture[int(person.top) : int(person.bottom), int(person.left) : int(person.right)]
    return bool((part == COAT).all(axis=2).any())


def test_who_walks_by_is_gone_and_the_place_behind_them_is_there() -> None:
    walked = [standing(10 + 22 * each) for each in range(6)]
    found = backdrop([seen(each) for each in walked], Nobody())
    assert found is not None

    assert (found == SHOP).all()


def test_who_stays_is_grey_even_where_they_were_found_only_now_and_then() -> None:
    sits = standing(60)
    found = backdrop([seen(sits, told=number % 3 == 0) for number in range(9)], Nobody())
    assert found is not None

    assert not shows(found, sits)
    assert (found[30:60, 62:74] == GREY).all()


def test_who_was_never_told_and_walks_is_gone_by_the_middle() -> None:
    pictures = [seen(standing(10 + 22 * each), told=False) for each in range(6)]
    found = backdrop(pictures, Nobody())
    assert found is not None

    assert (found == SHOP).all()


def test_what_too_few_pictures_show_is_grey() -> None:
    here = standing(60)
    moved = Region(56, 10, 90, 84)
    found = backdrop([seen(here), seen(moved), seen(), seen()], Nobody())
    assert found is not None

    assert (found[30:60, 62:74] == GREY).all()


def test_around_a_face_that_is_left_it_is_grey() -> None:
    found = backdrop([seen()] * LEAST, OneFace())
    assert found is not None

    assert (found[18:60, 78:90] == GREY).all()
    assert (found[:, :40] == SHOP[:, :40]).all()


@pytest.mark.parametrize("count", [0, 1, LEAST - 1])
def test_of_too_few_pictures_there_is_none(count: int) -> None:
    assert backdrop([seen()] * count, Nobody()) is None


def test_pictures_of_another_size_do_not_count() -> None:
    small = Seen(SHOP[:40].copy(), (), ())

    assert backdrop([small, small, seen(), seen()], Nobody()) is None


def test_a_face_without_a_person_is_left_out_with_what_is_below() -> None:
    face = Region(70, 10, 78, 20)
    found = backdrop([seen(standing(66, 8), told=False)._replace(faces=(face,))] * 4, Nobody())
    assert found is not None

    assert not shows(found, standing(66, 8))
