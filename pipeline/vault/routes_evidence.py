"""Evidence over HTTP: its keys and what was stored for stages; looks, erasures, holds and releases for people."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, Protocol

from fastapi import APIRouter, Depends, Query

from pipeline.vault.api import (
    BackdropRequest,
    Erasure,
    ErasureRequest,
    EvidenceObject,
    Hold,
    HoldRequest,
    Holds,
    Look,
    LookRequest,
    NamedAlert,
    ObjectKey,
    ObjectRequest,
    Objects,
    Release,
    ReleaseRequest,
    Releases,
    Stored,
)
from pipeline.vault.asking import Asker, Service
from schemas.ids import AlertId, KeyId, NamedKey, NamedStore, StoreId

Who = Callable[..., Awaitable[Asker]]
_MOST: Final = 10_000
"""So many, the newest, are shown to a person."""


class Keeping(Protocol):
    """What stands behind these routes."""

    def object_key(self, asker: Asker, asked: ObjectRequest) -> ObjectKey: ...

    def object_stored(self, asker: Asker, key_id: KeyId, stored: Stored) -> EvidenceObject: ...

    def objects(self, asker: Asker, store: StoreId | None) -> tuple[EvidenceObject, ...]: ...

    def object_of(self, asker: Asker, alert: AlertId) -> EvidenceObject: ...

    def ask_backdrop(self, asker: Asker, asked: BackdropRequest) -> EvidenceObject: ...

    def backdrops(self, asker: Asker) -> tuple[EvidenceObject, ...]: ...

    def look(self, asker: Asker, asked: LookRequest) -> Look: ...

    def erase(self, asker: Asker, asked: ErasureRequest) -> Erasure: ...

    def propose_hold(self, asker: Asker, asked: HoldRequest) -> Hold: ...

    def confirm_hold(self, asker: Asker, hold_id: str) -> Hold: ...

    def hold_sealed(self, asker: Asker, hold_id: str, stored: Stored) -> Hold: ...

    def end_hold(self, asker: Asker, hold_id: str) -> Hold: ...

    def holds(self, asker: Asker) -> tuple[Hold, ...]: ...

    def release(self, asker: Asker, asked: ReleaseRequest) -> Release: ...

    def releases(self, asker: Asker) -> tuple[Release, ...]: ...


def evidence_routes(keeping: Keeping, stage_or_person: Who, person: Who) -> APIRouter:
    """Give the routes. Both say who asks: the first a stage or a person, the second only a person."""
    router = APIRouter()
    _add_objects(router, keeping, stage_or_person)
    _add_backdrops(router, keeping, stage_or_person, person)
    _add_decisions(router, keeping, person)
    _add_holds(router, keeping, stage_or_person, person)
    return router


def _add_objects(router: APIRouter, keeping: Keeping, stage_or_person: Who) -> None:
    by_either = Annotated[Asker, Depends(stage_or_person)]

    @router.post("/v1/objects")
    async def object_key(by: by_either, asked: ObjectRequest) -> ObjectKey:
        return keeping.object_key(by, asked)

    @router.post("/v1/objects/{key_id}/stored")
    async def object_stored(by: by_either, key_id: NamedKey, stored: Stored) -> EvidenceObject:
        return keeping.object_stored(by, key_id, stored)

    @router.get("/v1/objects")
    async def objects(by: by_either, store: Annotated[NamedStore | None, Query()] = None) -> Objects:
        found = keeping.objects(by, store)
        # A stage is told of all: erasing takes away the objects of which it is not.
        return Objects(objects=found if isinstance(by, Service) else found[-_MOST:])

    @router.get("/v1/objects/{alert_id}")
    async def object_of(by: by_either, alert_id: NamedAlert) -> EvidenceObject:
        return keeping.object_of(by, alert_id)


def _add_backdrops(router: APIRouter, keeping: Keeping, stage_or_person: Who, person: Who) -> None:
    by_either = Annotated[Asker, Depends(stage_or_person)]
    by_person = Annotated[Asker, Depends(person)]

    @router.post("/v1/backdrops")
    async def ask_backdrop(by: by_person, asked: BackdropRequest) -> EvidenceObject:
        return keeping.ask_backdrop(by, asked)

    @router.get("/v1/backdrops")
    async def backdrops(by: by_either) -> Objects:
        return Objects(objects=keeping.backdrops(by))


def _add_decisions(router: APIRouter, keeping: Keeping, person: Who) -> None:
    by_person = Annotated[Asker, Depends(person)]

    @router.post("/v1/looks")
    async def look(by: by_person, asked: LookRequest) -> Look:
        return keeping.look(by, asked)

    @router.post("/v1/erasures")
    async def erase(by: by_person, asked: ErasureRequest) -> Erasure:
        return keeping.erase(by, asked)

    @router.post("/v1/releases")
    async def release(by: by_person, asked: ReleaseRequest) -> Release:
        return keeping.release(by, asked)

    @router.get("/v1/releases")
    async def releases(by: by_person) -> Releases:
        return Releases(releases=keeping.releases(by))


def _add_holds(router: APIRouter, keeping: Keeping, stage_or_person: Who, person: Who) -> None:
    by_either = Annotated[Asker, Depends(stage_or_person)]
    by_person = Annotated[Asker, Depends(person)]

    @router.get("/v1/holds")
    async def holds(by: by_either) -> Holds:
        return Holds(holds=keeping.holds(by))

    @router.post("/v1/holds")
    async def propose(by: by_person, asked: HoldRequest) -> Hold:
        return keeping.propose_hold(by, asked)

    @router.post("/v1/holds/{hold_id}/confirm")
    async def confirm(by: by_person, hold_id: str) -> Hold:
        return keeping.confirm_hold(by, hold_id)

    @router.post("/v1/holds/{hold_id}/sealed")
    async def sealed(by: by_either, hold_id: str, stored: Stored) -> Hold:
        return keeping.hold_sealed(by, hold_id, stored)

    @router.post("/v1/holds/{hold_id}/end")
    async def end(by: by_person, hold_id: str) -> Hold:
        return keeping.end_hold(by, hold_id)
