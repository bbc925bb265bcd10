"""A worker holds a key for its lease and no longer, asks once, and says plainly what it could not have."""

import asyncio
import base64
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from pipeline import sealing
from pipeline.errors import Erased, Refused, Rejected, Unavailable
from pipeline.sealing import SealSuite
from pipeline.vault.api import LeaseRequest, ObjectRequest
from pipeline.vault.client import DeviceKeys, Leases, VaultClient
from pipeline.vault.keys import BucketKey
from pipeline.vault.vault import Vault
from schemas.ids import AlertId, KeyId
from tests.unit.pipeline.vault.building import BUCKET, DETECTING, DOOR, NOON, TTL, in_memory, keys_for


def problem(status: int, fault: str, detail: str = "", *fields: str) -> httpx.Response:
    return httpx.Response(status, json={"fault": fault, "detail": detail, "fields": fields})


class Asked:
    """Answers leases from a vault whose time stands, and counts."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.count = 0
        self.monotonic = 0.0
        self.now = NOON

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.count += 1
        asked = LeaseRequest.model_validate_json(request.content)
        try:
            lease = self.vault.lease(DETECTING, asked.key_id, asked.purpose, asked.lease_public, self.now)
        except Erased as error:
            return problem(410, "erased", str(error))
        return httpx.Response(200, content=lease.model_dump_json())

    def leases(self) -> Leases:
        client = VaultClient("http://vault", "token", httpx.MockTransport(self))
        return Leases(client, SealSuite.X25519, lambda: self.monotonic)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return in_memory(tmp_path).vault()


@pytest.fixture
def asked(vault: Vault) -> Asked:
    return Asked(vault)


@pytest.fixture
def key(vault: Vault) -> BucketKey:
    return keys_for(vault, NOON)[0]


async def test_a_held_key_is_not_asked_for_again(asked: Asked, key: BucketKey) -> None:
    leases = asked.leases()

    for _ in range(5):
        await leases.private_key(key.key_id, DOOR.purpose)

    assert asked.count == 1


async def test_many_at_once_ask_once(asked: Asked, key: BucketKey) -> None:
    leases = asked.leases()

    keys = await asyncio.gather(*(leases.private_key(key.key_id, DOOR.purpose) for _ in range(20)))

    assert asked.count == 1
    assert len({bytes(each) for each in keys}) == 1


async def test_r20_when_a_lease_ends_the_key_is_asked_for_anew_and_the_old_one_wiped(
    asked: Asked, key: BucketKey
) -> None:
    leases = asked.leases()
    first = await leases.private_key(key.key_id, DOOR.purpose)

    asked.monotonic = 60
    assert leases.held(key.key_id, DOOR.purpose) is None
    second = await leases.private_key(key.key_id, DOOR.purpose)

    assert asked.count == 2
    assert first == bytes(32) != second


async def test_r20_closing_wipes_what_is_held(asked: Asked, key: BucketKey) -> None:
    leases = asked.leases()
    private = await leases.private_key(key.key_id, DOOR.purpose)

    leases.close()

    assert private == bytes(32)


async def test_r20_an_idle_workers_key_is_wiped_when_its_lease_ends(asked: Asked, key: BucketKey) -> None:
    leases = asked.leases()
    asked.now = key.span.expires_at - timedelta(milliseconds=1)

    private = await leases.private_key(key.key_id, DOOR.purpose)
    for _ in range(100_000):
        await asyncio.sleep(0)
        if not any(private):
            break

    assert leases.held(key.key_id, DOOR.purpose) is None


async def test_an_erased_key_is_asked_for_once(asked: Asked, vault: Vault, key: BucketKey) -> None:
    leases = asked.leases()
    vault.shred(key.span.expires_at)

    for _ in range(3):
        with pytest.raises(Erased):
            await leases.private_key(key.key_id, DOOR.purpose)

    assert asked.count == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [(problem(403, "refused", "not for this"), Refused), (problem(404, "unknown_key", "never"), Rejected)],
)
async def test_a_refusal_is_asked_for_once_a_minute(
    answer: httpx.Response, error: type[Exception], key: BucketKey
) -> None:
    count, monotonic = 0, 0.0

    def refuse(_: httpx.Request) -> httpx.Response:
        nonlocal count
        count += 1
        return answer

    leases = Leases(VaultClient("http://vault", "t", httpx.MockTransport(refuse)), SealSuite.X25519, lambda: monotonic)
    for _ in range(3):
        with pytest.raises(error):
            await leases.private_key(key.key_id, DOOR.purpose)
    assert count == 1

    monotonic = 60
    with pytest.raises(error):
        await leases.private_key(key.key_id, DOOR.purpose)
    assert count == 2


async def test_many_at_once_are_refused_once(key: BucketKey) -> None:
    asked: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return problem(403, "refused", "not for this")

    leases = Leases(VaultClient("http://vault", "t", httpx.MockTransport(refuse)), SealSuite.X25519)
    answers = await asyncio.gather(
        *(leases.private_key(key.key_id, DOOR.purpose) for _ in range(20)), return_exceptions=True
    )

    assert {type(answer) for answer in answers} == {Refused}
    assert len(asked) == 1


async def test_what_was_our_own_fault_is_asked_again_at_once(asked: Asked, key: BucketKey) -> None:
    answers = [problem(401, "stranger"), problem(403, "wrong_role")]
    transport = httpx.MockTransport(lambda request: answers.pop(0) if answers else asked(request))
    leases = Leases(VaultClient("http://vault", "token", transport), SealSuite.X25519)

    for _ in range(2):
        with pytest.raises(Unavailable):
            await leases.private_key(key.key_id, DOOR.purpose)

    assert await leases.private_key(key.key_id, DOOR.purpose)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda _: problem(403, "refused", "no"), Refused),
        (lambda _: problem(404, "unknown_key", "never"), Rejected),
        (lambda _: problem(410, "erased"), Erased),
        (lambda _: problem(422, "unreadable", "a bad name", "key_id"), Rejected),
        (lambda _: problem(422, "unreadable", "no key", "lease_public"), Unavailable),
        (lambda _: problem(422, "unreadable", "too long", "lease_public", "key_id"), Unavailable),
        (lambda _: problem(401, "stranger"), Unavailable),
        (lambda _: problem(403, "wrong_role"), Unavailable),
        (lambda _: problem(503, "away"), Unavailable),
        (lambda _: httpx.Response(503, text="<html>"), Unavailable),
        (lambda _: httpx.Response(500), Unavailable),
        (lambda _: httpx.Response(200, text="{}"), Unavailable),
    ],
)
async def test_each_answer_of_the_vault_has_one_meaning(
    answer: Callable[[httpx.Request], httpx.Response], error: type[Exception], key: BucketKey
) -> None:
    client = VaultClient("http://vault", "token", httpx.MockTransport(answer))

    with pytest.raises(error):
        await Leases(client, SealSuite.X25519).private_key(key.key_id, DOOR.purpose)


@pytest.mark.parametrize(
    ("fields", "error"), [(("end",), Rejected), (("alert_id", "start"), Rejected), (("body",), Unavailable)]
)
async def test_an_alert_that_no_vault_can_read_is_not_waited_for(fields: Sequence[str], error: type[Exception]) -> None:
    transport = httpx.MockTransport(lambda _: problem(422, "unreadable", "a time lies in this century", *fields))
    asked = ObjectRequest(
        alert_id=AlertId("a-1"),
        store_id=DOOR.store,
        camera_id=DOOR.camera,
        purpose=DOOR.purpose,
        start=NOON,
        end=NOON,
    )

    with pytest.raises(error):
        await VaultClient("http://vault", "token", transport).object_key(asked)


async def test_a_device_whose_camera_no_vault_can_read_waits() -> None:
    transport = httpx.MockTransport(lambda _: problem(422, "unreadable", "a bad name", "start", "end"))

    with pytest.raises(Unavailable):
        await VaultClient("http://vault", "token", transport).public_keys(DOOR, NOON, NOON)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 500])
@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"detail": "Not Found"}'])
async def test_what_no_vault_answered_is_waited_for_and_names_the_address(
    status: int, content: bytes, key: BucketKey
) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=content))
    client = VaultClient("http://proxy:81", "token", transport)

    with pytest.raises(Unavailable, match=r"proxy:81 is no vault .*MIMAMORI_VAULT__URL"):
        await Leases(client, SealSuite.X25519).private_key(key.key_id, DOOR.purpose)


async def test_a_lease_that_does_not_open_is_no_frames_fault(asked: Asked, key: BucketKey) -> None:
    leases = asked.leases()
    other = sealing.generate(SealSuite.X25519)
    leases._pair = other._replace(private=bytearray(sealing.generate(SealSuite.X25519).private))

    with pytest.raises(Unavailable, match="one version"):
        await leases.private_key(key.key_id, DOOR.purpose)


async def test_a_name_that_no_key_can_have_is_the_messages_fault(asked: Asked) -> None:
    with pytest.raises(Rejected, match="unknown_key"):
        await asked.leases().private_key(KeyId("No Key!"), DOOR.purpose)

    assert asked.count == 0


async def test_a_vault_that_is_away_is_unavailable() -> None:
    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody listens")

    with pytest.raises(Unavailable, match="away"):
        await VaultClient("http://vault", "token", httpx.MockTransport(away)).status()


async def test_a_device_keeps_its_keys_while_the_vault_is_away(vault: Vault) -> None:
    gone = False

    def answer(_: httpx.Request) -> httpx.Response:
        if gone:
            raise httpx.ConnectError("nobody listens")
        keys = keys_for(vault, NOON, TTL)
        return httpx.Response(200, json={"keys": [_public(key) for key in keys]})

    keys = DeviceKeys(VaultClient("http://vault", "token", httpx.MockTransport(answer)), DOOR, TTL)
    await keys.refresh(NOON)
    gone = True

    with pytest.raises(Unavailable):
        await keys.refresh(NOON + BUCKET)
    assert keys.key_at(NOON + TTL - timedelta(seconds=1)) is not None


def _public(key: BucketKey) -> dict[str, str]:
    return {
        "key_id": key.key_id,
        "store_id": key.owner.store,
        "camera_id": key.owner.camera,
        "purpose": key.owner.purpose,
        "bucket_start": key.span.start.isoformat(),
        "bucket_end": key.span.end.isoformat(),
        "expires_at": key.span.expires_at.isoformat(),
        "public": base64.urlsafe_b64encode(key.public).decode(),
    }
