"""Who is signed in is the vault's word, believed for fifteen seconds."""

from datetime import timedelta

import pytest

from pipeline.console.sessions import BELIEVED, KEPT, Sessions, digest
from pipeline.errors import Unavailable
from pipeline.vault.api import Person, SignedOut
from tests.unit.pipeline.console.house import EVERYBODY, House

HEAD = EVERYBODY[0]


class Word:
    """What the vault says, and how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None

    async def __call__(self) -> Person:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return HEAD


async def test_the_vault_is_asked_once_in_fifteen_seconds() -> None:
    house, word = House(), Word()
    sessions = Sessions(house.clock)
    for _ in range(3):
        await sessions.visit("token", word)
    house.clock.advance(BELIEVED)
    visit = await sessions.visit("token", word)

    assert (visit.person, word.asked) == (HEAD, 2)


@pytest.mark.parametrize("error", [Unavailable("away"), SignedOut("over")])
async def test_r17_nobody_is_believed_longer_than_that_when_the_vault_says_nothing_or_no(error: Exception) -> None:
    house, word = House(), Word()
    sessions = Sessions(house.clock)
    await sessions.visit("token", word)
    word.error = error
    await sessions.visit("token", word)
    house.clock.advance(BELIEVED)

    for _ in range(2):
        with pytest.raises(type(error)):
            await sessions.visit("token", word)


async def test_who_left_is_asked_about_again() -> None:
    word = Word()
    sessions = Sessions(House().clock)
    await sessions.visit("token", word)
    sessions.forget("token")
    await sessions.visit("token", word)

    assert word.asked == 2


async def test_a_token_is_kept_nowhere_in_the_clear() -> None:
    sessions = Sessions(House().clock)
    visit = await sessions.visit("a-secret-token", Word())

    assert "a-secret-token" not in repr(visit) + repr(vars(sessions))
    assert digest("a-secret-token") in repr(vars(sessions))


async def test_tokens_that_nobody_holds_fill_no_memory() -> None:
    house = House()
    sessions = Sessions(house.clock)
    for number in range(KEPT + 5):
        sessions.learn(f"token-{number}", HEAD)
    house.clock.advance(timedelta(seconds=1))

    assert len(sessions._known) == KEPT
