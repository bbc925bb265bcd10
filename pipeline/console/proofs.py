"""The proof to take home: checkpoints, the ledger, its public key, and receipts, each as the verifier reads it."""

import json
import math
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Response
from fastapi.responses import FileResponse, StreamingResponse

from pipeline.console.desk import Allowed, At, Console, In
from pipeline.console.sessions import Visit
from pipeline.errors import Rejected
from pipeline.governance.roles import Action
from pipeline.vault import verify
from pipeline.vault.api import LedgerPage
from schemas.frozen import Frozen
from schemas.ids import NamedKey

router = APIRouter(prefix="/api/proofs")

Reads = Annotated[Visit, Depends(Allowed(Action.LEDGER))]

COMMAND: Final = "python verify.py ledger.jsonl --public-key ledger.pub --checkpoints checkpoints.jsonl --now {time}"


class Command(Frozen):
    """What to type to check the files: as of now, because a copy says nothing of what was due after it was made."""

    text: str


class There(Frozen):
    """Whether a receipt can be fetched."""

    there: bool


@router.get("/command")
async def command(at: At, _: Reads) -> Command:
    """Give the command that checks a ledger which is downloaded at this moment."""
    # The next full second: what was written in this one is not of the future.
    second = datetime.fromtimestamp(math.ceil(at.clock.now().timestamp()), UTC)
    return Command(text=COMMAND.format(time=second.strftime("%Y-%m-%dT%H:%M:%SZ")))


@router.get("/verify.py")
async def verifier(_: Reads) -> FileResponse:
    """Give the verifier as it is: it runs alone, so that nothing of ours needs to be installed."""
    return FileResponse(verify.__file__, media_type="text/x-python", filename="verify.py")


@router.get("/checkpoints.jsonl")
async def checkpoints(at: At, by: Reads) -> Response:
    """Give every checkpoint, one a line: to be kept where the vault cannot reach."""
    lines: list[str] = []
    while page := (await at.sources.people.checkpoints(len(lines), session=by.token)).checkpoints:
        lines.extend(each.model_dump_json() + "\n" for each in page)
    return _file("".join(lines), "checkpoints.jsonl", "application/jsonl")


@router.get("/ledger.pub")
async def public_key(at: At, by: Reads) -> Response:
    """Give the key that the vault signs with, in 64 hex digits."""
    page = await at.sources.people.checkpoints(0, session=by.token)
    return _file(page.public_key.hex() + "\n", "ledger.pub", "text/plain")


@router.get("/ledger.jsonl")
async def ledger(at: At, by: Reads) -> StreamingResponse:
    """Give the whole ledger, one entry a line. What is written while it is being read is not in it."""
    first = await at.sources.people.ledger(0, session=by.token)
    return StreamingResponse(_lines(at, by, first), media_type="application/jsonl", headers=_named("ledger.jsonl"))


@router.get("/receipts/{key_id}")
async def receipt(key_id: NamedKey, at: At, by: Reads, words: In) -> Response:
    """Give the receipt of one key's destruction, with the proof that a signed checkpoint holds it."""
    try:
        found = await at.sources.people.receipt(key_id, session=by.token)
    except Rejected:
        raise HTTPException(404, words("proofs.no_receipt")) from None
    return _file(
        json.dumps(found.model_dump(mode="json"), indent=1) + "\n", f"receipt-{key_id}.json", "application/json"
    )


@router.get("/receipts/{key_id}/there")
async def receipt_there(key_id: NamedKey, at: At, by: Reads) -> There:
    """Say whether a key's receipt is there: it is once a checkpoint after its destruction is signed."""
    try:
        await at.sources.people.receipt(key_id, session=by.token)
    except Rejected:
        return There(there=False)
    return There(there=True)


async def _lines(at: Console, by: Visit, page: LedgerPage) -> AsyncGenerator[str]:
    given, end = 0, page.length
    while page.entries and given < end:
        for entry in page.entries[: end - given]:
            yield entry.model_dump_json(exclude_none=True) + "\n"
        given += len(page.entries)
        if given < end:
            page = await at.sources.people.ledger(given, session=by.token)


def _file(content: str, name: str, media_type: str) -> Response:
    return Response(content, media_type=media_type, headers=_named(name))


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
