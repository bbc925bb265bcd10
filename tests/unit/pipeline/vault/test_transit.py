"""Slot keys in a transit engine: what it answers means what it should, and what it holds never comes here."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.errors import Erased, Misconfigured, Unavailable
from pipeline.vault.keys import BucketKey, Owner
from pipeline.vault.ledger import Kind, MemoryLedger
from pipeline.vault.store import SqliteKeyTable
from pipeline.vault.transit import TransitRing
from schemas.ids import CameraId
from tests.unit.pipeline.vault.building import (
    BUCKET,
    DOOR,
    NOON,
    POLICY,
    TILL,
    TTL,
    Parts,
    destroy,
    keys_for,
    lent,
    of_kind,
)
from tests.unit.pipeline.vault.evidence_building import Desk, whole
from tests.unit.pipeline.vault.fake_transit import TOKEN, FakeTransit, Key, served

URL = "https://bao.example:8200/transit"


@pytest.fixture
def fake() -> FakeTransit:
    return FakeTransit()


@pytest.fixture
def ring(fake: FakeTransit) -> Iterator[TransitRing]:
    with closing(_ring(fake)) as found:
        yield found


def _ring(
    fake: FakeTransit, token: Callable[[], str] = lambda: TOKEN, url: str = URL, namespace: str = ""
) -> TransitRing:
    return TransitRing(url, token, namespace=namespace, client=httpx.Client(transport=httpx.MockTransport(fake)))


def _parts(fake: FakeTransit, folder: Path) -> Parts:
    table = SqliteKeyTable(folder / "keys.db")
    return Parts(table, _ring(fake), MemoryLedger(Ed25519PrivateKey.generate()))


def test_a_key_is_named_by_its_slot_and_may_not_be_deleted_before_its_end(ring: TransitRing, fake: FakeTransit) -> None:
    ring.create(["20261123T120000.000000Z-ab"])

    assert list(fake.keys) == ["mimamori-20261123T120000.000000Z-ab"]
    assert not fake.keys["mimamori-20261123T120000.000000Z-ab"].deletion_allowed


def test_keys_of_others_in_the_mount_are_not_ours(fake: FakeTransit) -> None:
    fake.keys["payroll"] = Key(deletion_allowed=True)

    with closing(_ring(fake)) as ring:
        ring.create(["a"])
        ring.destroy([*ring.names(), "payroll"])

    assert list(fake.keys) == ["payroll"]


def test_r20_what_is_wrapped_under_a_destroyed_name_makes_no_new_key(ring: TransitRing, fake: FakeTransit) -> None:
    fake.may_create_by_encrypting = True
    ring.create(["a"])
    ring.destroy(["a"])

    with pytest.raises(Erased):
        ring.wrap("a", b"secret", b"row")

    assert not fake.keys


def test_a_key_that_somebody_else_deleted_is_erased(ring: TransitRing, fake: FakeTransit) -> None:
    ring.create(["a"])
    wrapped = ring.wrap("a", b"secret", b"row")
    fake.keys.clear()

    with pytest.raises(Erased):
        ring.unwrap("a", wrapped, b"row")

    assert not ring.names()
    ring.destroy(["a"])


def test_r20_no_receipt_follows_while_the_engine_has_a_key_that_this_process_never_heard_of(
    fake: FakeTransit, tmp_path: Path
) -> None:
    parts = _parts(fake, tmp_path)
    cut_off = parts.vault()
    cut_off.recover(NOON)
    keys_for(Parts(parts.table, _ring(fake), parts.ledger).vault(), NOON)
    assert fake.keys

    assert destroy(cut_off, NOON + TTL) == 1

    assert not fake.keys


def test_destroying_goes_on_where_it_was_interrupted(ring: TransitRing, fake: FakeTransit) -> None:
    ring.create(["a", "b"])
    fake.answer_lost = True
    with pytest.raises(Unavailable):
        ring.destroy(["a", "b"])
    fake.answer_lost = False
    del fake.keys["mimamori-a"]

    ring.destroy(["a", "b"])

    assert not fake.keys
    assert not ring.names()


def test_a_key_whose_making_was_not_answered_is_known(ring: TransitRing, fake: FakeTransit) -> None:
    fake.answer_lost = True
    with pytest.raises(Unavailable):
        ring.create(["a"])
    fake.answer_lost = False

    assert ring.names() == {"a"}


@pytest.mark.parametrize("trouble", [{"sealed": True}, {"away": True}, {"answer_lost": True}, {"token": "another"}])
def test_an_engine_that_is_not_there_is_unavailable(
    ring: TransitRing, fake: FakeTransit, trouble: dict[str, object]
) -> None:
    ring.create(["a"])
    wrapped = ring.wrap("a", b"secret", b"row")
    for name, value in trouble.items():
        setattr(fake, name, value)
    acts: tuple[Callable[[], object], ...] = (
        lambda: ring.wrap("a", b"secret", b"row"),
        lambda: ring.unwrap("a", wrapped, b"row"),
        lambda: ring.destroy(["a"]),
        lambda: ring.create(["b"]),
    )

    for act in acts:
        with pytest.raises(Unavailable) as error:
            act()
        assert TOKEN not in str(error.value)
        assert error.value.__cause__ is None
    assert "mimamori-a" in fake.keys


def test_a_token_that_was_renewed_is_read_again(fake: FakeTransit) -> None:
    tokens = [TOKEN]
    with closing(_ring(fake, lambda: tokens[-1])) as ring:
        fake.token = "hvs.newer"
        tokens.append("hvs.newer")

        ring.create(["a"])

        assert ring.names() == {"a"}


def test_a_token_file_or_a_mount_that_went_away_is_waited_for(fake: FakeTransit) -> None:
    tokens = [TOKEN]

    def token() -> str:
        if not tokens:
            raise Misconfigured("the token's file cannot be read")
        return tokens[-1]

    with closing(_ring(fake, token)) as ring:
        ring.create(["a"])
        fake.token = "hvs.newer"
        tokens.clear()
        with pytest.raises(Unavailable, match="file cannot be read"):
            ring.destroy(["a"])

        tokens.append("hvs.newer")
        fake.mount = "elsewhere"
        with pytest.raises(Unavailable):
            ring.create(["b"])
        with pytest.raises(Unavailable, match="no transit engine"):
            ring.names()


def test_a_namespace_and_a_deeper_mount_are_named(fake: FakeTransit) -> None:
    fake.namespace, fake.mount = "stores/tokyo", "keys/transit"

    with closing(_ring(fake, url="https://bao.example:8200/keys/transit", namespace="stores/tokyo")) as ring:
        ring.create(["a"])

    assert list(fake.keys) == ["mimamori-a"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "bao.example/transit",
        "https://bao.example:8200",
        "ftp://bao/transit",
        "http://bao.example:8200/transit",
        "https://[x/y",
    ],
)
def test_an_address_that_is_none_or_in_the_clear_is_refused(fake: FakeTransit, url: str) -> None:
    with pytest.raises(Misconfigured):
        _ring(fake, url=url)


def test_a_mount_that_is_not_there_is_named(fake: FakeTransit) -> None:
    with pytest.raises(Misconfigured, match=r"no transit engine at .*/v1/other"):
        _ring(fake, url="https://bao.example:8200/other")


def test_an_answer_that_is_none_is_unavailable() -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, text="<html>")))

    with pytest.raises(Unavailable):
        TransitRing(URL, lambda: TOKEN, client=client)


def test_the_timer_that_looks_every_second_asks_nothing(ring: TransitRing, fake: FakeTransit) -> None:
    ring.create(["a"])
    asked = len(fake.asked)

    for _ in range(10):
        ring.names()

    assert len(fake.asked) == asked


def test_it_speaks_over_a_real_connection(fake: FakeTransit) -> None:
    with served(fake) as url, closing(TransitRing(url, lambda: TOKEN)) as ring:
        ring.create(["a"])
        assert ring.unwrap("a", ring.wrap("a", bytes(range(256)), b"row"), b"row") == bytes(range(256))
        ring.destroy(["a"])
        assert not fake.keys


def test_r20_a_vault_over_it_recovers_and_destroys(fake: FakeTransit, tmp_path: Path) -> None:
    parts = _parts(fake, tmp_path)
    (key, *_) = keys_for(parts.vault(), NOON)
    keys_for(parts.vault(), NOON, owner=TILL)
    fake.keys["mimamori-orphan"] = Key()

    again = Parts(parts.table, _ring(fake), parts.ledger).vault()
    again.recover(NOON + BUCKET)

    assert len(fake.keys) == 1
    lent(again, key, NOON + BUCKET)
    assert destroy(again, NOON + TTL) == 2
    assert not fake.keys
    with pytest.raises(Erased):
        lent(again, key, NOON + TTL)
    assert len(of_kind(parts.ledger, Kind.KEY_DESTROYED)) == 2


def test_r20_a_copy_of_the_key_table_opens_nothing_once_the_engine_has_deleted_the_slot_key(
    fake: FakeTransit, tmp_path: Path
) -> None:
    parts = _parts(fake, tmp_path)
    vault = parts.vault()
    (key, *_) = keys_for(vault, NOON)
    held = parts.table.held(key.key_id)
    assert held is not None
    assert held.wrapped is not None

    destroy(vault, NOON + TTL)

    with closing(_ring(fake)) as ring, pytest.raises(Erased):
        ring.unwrap(held.wrapped.slot_key, held.wrapped.private, b"")


def test_r23_an_erasure_asks_the_engine_as_often_for_many_cameras_as_for_one(fake: FakeTransit, tmp_path: Path) -> None:
    parts = _parts(fake, tmp_path)
    cameras = [Owner(DOOR.store, CameraId(f"camera-{number}"), DOOR.purpose) for number in range(30)]
    allowed = POLICY.cameras[DOOR.store, DOOR.camera]
    parts.policy = replace(POLICY, cameras={(each.store, each.camera): allowed for each in cameras})
    desk = Desk(parts.vault())
    keys = [keys_for(desk.vault, NOON, owner=each)[0] for each in cameras]
    fake.asked.clear()

    desk.erase("sato", NOON + BUCKET, whole(NOON, NOON + BUCKET / 2, cameras[0]))

    # Make the new slot key, unwrap, wrap, and allow and delete the old one.
    assert len(fake.asked) == 5
    assert [_opens(desk, key) for key in keys] == [False, *[True] * 29]


def _opens(desk: Desk, key: BucketKey) -> bool:
    try:
        return bool(lent(desk.vault, key, NOON + BUCKET))
    except Erased:
        return False


def test_r20_a_vault_whose_engine_is_sealed_waits_and_destroys_when_it_is_back(
    fake: FakeTransit, tmp_path: Path
) -> None:
    parts = _parts(fake, tmp_path)
    vault = parts.vault()
    (key, *_) = keys_for(vault, NOON)
    fake.sealed = True

    with pytest.raises(Unavailable):
        vault.shred(NOON + TTL)
    with pytest.raises(Erased):
        lent(vault, key, NOON + TTL)
    assert not vault.bury(NOON + TTL)

    fake.sealed = False
    assert destroy(vault, NOON + TTL) == 1
    assert not fake.keys
