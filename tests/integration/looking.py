"""Looks of the demo's people at evidence, as the console takes them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pipeline import sealing
from pipeline.errors import Erased
from pipeline.evidence.clip import Clip, name_of, open_clip
from pipeline.vault.api import BackdropRequest, EvidenceObject, LookRequest, lease_info
from pipeline.vault.backdrops import is_backdrop
from pipeline.vault.client import VaultClient
from schemas.envelope import Purpose
from schemas.ids import AlertId, CameraId, KeyId, StoreId
from tests.integration.house import House

REASON = "an incident was reported to the police"


@asynccontextmanager
async def signed_in(house: House, name: str) -> AsyncIterator[tuple[VaultClient, str]]:
    """Sign somebody in, and give their client and session."""
    async with house.vault("console") as vault:
        yield vault, (await vault.sign_in(name, house.demo.accounts[name])).token


async def looked_at(house: House, alert: AlertId, data: bytes) -> Clip:
    """Open evidence as the manager does.

    Raises:
        Erased: It is gone.
        Rejected: These are not the bytes that the key opens.
    """
    pair = sealing.generate()
    async with signed_in(house, "manager") as (vault, session):
        asked = LookRequest(alert_id=alert, purpose=Purpose.CRIME_PREVENTION, reason=REASON, lease_public=pair.public)
        lease = (await vault.look(asked, session=session)).lease
    return open_clip(data, sealing.open_(pair.private, lease_info(lease), lease.sealed))


async def opens(house: House, alert: AlertId, data: bytes) -> bool:
    """Say whether evidence opens: not, once it is gone."""
    try:
        return bool((await looked_at(house, alert, data)).pictures)
    except Erased:
        return False


async def stored(house: House) -> list[EvidenceObject]:
    """Return the evidence that is stored, and not held, the newest first."""
    async with house.vault("cutting") as vault:
        found = [each for each in await vault.objects() if each.stored and each.held_until is None]
    return [each for each in found if not is_backdrop(each.alert_id)][::-1]


async def asked_backdrop(house: House, store: StoreId, camera: CameraId) -> AlertId:
    """Ask for a backdrop as the manager does."""
    async with signed_in(house, "manager") as (vault, session):
        return (await vault.ask_backdrop(BackdropRequest(store_id=store, camera_id=camera), session=session)).alert_id


async def backdrop_of(house: House, alert: AlertId) -> EvidenceObject:
    """Return a backdrop that was asked for."""
    async with signed_in(house, "manager") as (vault, session):
        return await vault.object_of(alert, session=session)


def file_of(house: House, evidence: EvidenceObject, key: KeyId | None = None) -> Path:
    """Return where a clip lies, under its own key or a hold's."""
    return house.demo.run / "objects" / name_of(evidence.store_id, evidence.camera_id, key or evidence.key_id)
