"""The ledger over HTTP: entries, checkpoints, and receipts with their proofs."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool

from pipeline.vault.access import Action
from pipeline.vault.api import CheckpointPage, LedgerPage, Receipt
from pipeline.vault.asking import Asker
from pipeline.vault.ledger import Ledger
from pipeline.vault.proofs import Proofs
from schemas.ids import NamedKey

PAGE: Final = 1000
Who = Callable[..., Awaitable[Asker]]


def proof_routes(ledger: Ledger, proofs: Proofs, public_key: bytes, anyone: Who) -> APIRouter:
    """Give the routes. `anyone` says who asks, a stage or a person."""
    router = APIRouter()
    by_anyone = Annotated[Asker, Depends(anyone)]

    @router.get("/v1/ledger")
    async def entries(
        by: by_anyone,
        from_index: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
    ) -> LedgerPage:
        by.require(Action.LEDGER, None)
        return LedgerPage(entries=ledger.entries(from_index, limit), length=len(ledger))

    @router.get("/v1/checkpoints")
    async def checkpoints(by: by_anyone, from_index: Annotated[int, Query(ge=0)] = 0) -> CheckpointPage:
        by.require(Action.LEDGER, None)
        found = await run_in_threadpool(proofs.checkpoints, from_index)
        return CheckpointPage(public_key=public_key, checkpoints=found)

    @router.get("/v1/receipts/{key_id}")
    async def receipt(by: by_anyone, key_id: NamedKey) -> Receipt:
        by.require(Action.LEDGER, None)
        return await run_in_threadpool(proofs.receipt, key_id)

    return router
