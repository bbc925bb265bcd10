"""What is held outlives its time sealed anew, and nothing else does; what is erased or ended goes at once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import Erased, Rejected
from pipeline.evidence.clip import header_of
from pipeline.vault.api import ErasureRequest, EvidenceObject, Hold, HoldRequest, HoldState
from pipeline.vault.ledger import Kind
from schemas.ids import KeyId
from tests.integration.house import House
from tests.integration.looking import REASON, file_of, looked_at, opens, signed_in, stored
from tests.integration.short import Short, short_house

EVIDENCE = timedelta(seconds=60)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    short = Short(ttl=timedelta(seconds=40), evidence=f"{EVIDENCE.total_seconds():g}s", played=())
    async with short_house(tmp_path / "house", short) as house:
        yield house


async def is_destroyed(house: House, key: KeyId) -> bool:
    """Say whether the ledger tells of a key's destruction; its receipt waits for the next checkpoint."""
    return any(each.kind is Kind.KEY_DESTROYED and each.body["key_id"] == key for each in await house.ledger())


async def held(house: House, evidence: EvidenceObject) -> Hold:
    """Have one person propose to keep a clip, and another confirm it; wait until it is sealed anew."""
    until = datetime.now(UTC) + timedelta(minutes=10)
    async with signed_in(house, "manager") as (vault, session):
        asked = HoldRequest(alert_id=evidence.alert_id, until=until, reason=REASON, incident="i-2026-7")
        hold = await vault.propose_hold(asked, session=session)
    async with signed_in(house, "deputy") as (vault, session):
        await vault.confirm_hold(hold.hold_id, session=session)

    async def is_sealed() -> bool:
        async with house.vault("cutting") as vault:
            return all(each.state is HoldState.SEALED for each in await vault.holds())

    await house.until(is_sealed, "the clip is sealed anew", within=20)
    async with house.vault("cutting") as vault:
        (found,) = await vault.holds()
        return found


@pytest.mark.timeout(420)
async def test_r20_r23_what_is_held_stays_alone_and_goes_with_the_hold_and_what_is_erased_goes_at_once(
    house: House,
) -> None:
    async def two() -> bool:
        return len(await stored(house)) >= 2

    await house.until(two, "two clips are stored", within=150)
    kept, erased = (await stored(house))[:2]
    hold = await held(house, kept)
    assert hold.held_key_id is not None
    there = file_of(house, kept, hold.held_key_id)
    data = there.read_bytes()
    before = file_of(house, kept).read_bytes()
    assert (header_of(data).alert_id, header_of(data).expires_at) == (kept.alert_id, hold.until)

    gone_file, gone_data = file_of(house, erased), file_of(house, erased).read_bytes()
    async with signed_in(house, "manager") as (vault, session):
        await vault.erase(ErasureRequest(alert_id=erased.alert_id, reason=REASON), session=session)
    assert not await opens(house, erased.alert_id, gone_data)

    async def erased_file_is_gone() -> bool:
        return not gone_file.exists()

    await house.until(erased_file_is_gone, "the erased clip's file is gone", within=60)

    async def expired() -> bool:
        return await is_destroyed(house, kept.key_id)

    await house.until(expired, "the evidence's own key is destroyed", within=EVIDENCE.total_seconds() + 20)
    assert datetime.now(UTC) >= kept.expires_at
    assert await opens(house, kept.alert_id, data)
    with pytest.raises(Rejected):
        await looked_at(house, kept.alert_id, before)

    async def first_is_gone() -> bool:
        return not file_of(house, kept).exists()

    await house.until(first_is_gone, "the clip under its own key is gone", within=60)
    assert there.exists()
    async with signed_in(house, "manager") as (vault, session):
        await vault.end_hold(hold.hold_id, session=session)
    assert not await opens(house, kept.alert_id, data)

    async def held_is_gone() -> bool:
        return not there.exists()

    await house.until(held_is_gone, "the held clip's file is gone", within=60)
    async with house.vault("cutting") as vault:
        with pytest.raises((Erased, Rejected)):
            await vault.object_of(kept.alert_id)
