"""Clips in the object storage: put once and told of, and sealed anew for a hold.

Those whose keys are gone are taken away by the erasing stage (`pipeline.leftovers`).
"""

from contextlib import suppress
from hashlib import sha256

from pipeline.errors import Erased, Refused, Rejected, Unavailable
from pipeline.evidence.clip import header_of, name_of, open_, seal
from pipeline.logs import log
from pipeline.objects import Objects
from pipeline.vault.api import Hold, HoldState, ObjectKey, Stored
from pipeline.vault.client import Leases, VaultClient
from schemas.envelope import Purpose
from schemas.evidence import EvidenceHeader
from schemas.ids import CameraId, KeyId, StoreId


class Keeper:
    """Puts clips where the vault has keys for them. Every step may be done again, and by two at once.

    Methods raise Unavailable while vault or storage are away.
    """

    def __init__(self, vault: VaultClient, leases: Leases, objects: Objects) -> None:
        self._vault = vault
        self._leases = leases
        self._objects = objects

    async def known(self, key: ObjectKey) -> bool:
        """Say whether a clip is there: put by somebody who died, or is slow, before the vault was told."""
        data = await self._objects.get(_name(key.store_id, key.camera_id, key.key_id))
        if data is not None:
            await self._tell(key, data)
        return data is not None

    async def put(self, key: ObjectKey, plaintext: bytes) -> None:
        """Seal a clip and put it, unless there is one, and tell the vault what lies there."""
        header = EvidenceHeader(
            alert_id=key.alert_id,
            camera_id=key.camera_id,
            expires_at=key.expires_at,
            key_id=key.key_id,
            purpose=key.purpose,
            store_id=key.store_id,
        )
        await self._tell(key, await self._put(header, key.public, plaintext))

    async def reseal(self) -> int:
        """Seal what was confirmed to be held for the hold's own key; return how many clips."""
        done = 0
        for hold in await self._vault.holds():
            if hold.state is HoldState.CONFIRMED and hold.held_key_id is not None and hold.public is not None:
                done += await self._reseal(hold, hold.held_key_id, hold.public)
        return done

    async def tell(self) -> int:
        """Tell the vault of clips that lie there untold: who put them died before; return how many."""
        told = 0
        for each in await self._vault.objects():
            name = _name(each.store_id, each.camera_id, each.key_id)
            if not each.stored and (data := await self._objects.get(name)) is not None:
                with suppress(Erased):
                    await self._vault.object_stored(each.key_id, _stored(data))
                    told += 1
        return told

    async def _tell(self, key: ObjectKey, data: bytes) -> None:
        try:
            await self._vault.object_stored(key.key_id, _stored(data))
        except Erased:
            await self._objects.delete(_name(key.store_id, key.camera_id, key.key_id))

    async def _put(self, header: EvidenceHeader, public: bytes, plaintext: bytes) -> bytes:
        """Put a clip, and return what lies there: the first that was put, whoever did."""
        name = _name(header.store_id, header.camera_id, header.key_id)
        data = seal(header, public, plaintext)
        if await self._objects.put(name, data):
            return data
        there = await self._objects.get(name)
        if there is None:
            raise Unavailable("a clip was taken away while it was put")
        return there

    async def _reseal(self, hold: Hold, key: KeyId, public: bytes) -> bool:
        data = await self._objects.get(_name(hold.store_id, hold.camera_id, hold.key_id))
        if data is None:
            return False
        try:
            # Opened before the next await, after which the key may be wiped.
            plaintext = open_(data, await self._lent(hold.key_id, hold.purpose))
            header = header_of(data).model_copy(update={"key_id": key, "expires_at": hold.until})
            held = await self._put(header, public, plaintext)
            await self._vault.hold_sealed(hold.hold_id, _stored(held))
        except (Erased, Refused, Rejected) as why:
            # Over before it was in force; what was put goes with the next sweep.
            log().warning("not held", alert_id=hold.alert_id, reason=type(why).__name__)
            return False
        log().info("held", alert_id=hold.alert_id, key_id=key)
        return True

    async def _lent(self, key: KeyId, purpose: Purpose) -> bytearray:
        return await self._leases.private_key(key, purpose)


def _name(store: StoreId, camera: CameraId, key: KeyId) -> str:
    return name_of(store, camera, key)


def _stored(data: bytes) -> Stored:
    return Stored(sha256=sha256(data).hexdigest(), size=len(data))
