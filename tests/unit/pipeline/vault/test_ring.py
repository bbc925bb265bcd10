"""Slot keys wrap, survive a restart, and when destroyed are nowhere."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest

from pipeline.errors import Erased, Misconfigured, Unavailable
from pipeline.vault.ring import FileRing, MemoryRing, Ring, wipe
from pipeline.vault.transit import TransitRing
from tests.unit.pipeline.vault.fake_transit import TOKEN, FakeTransit

Make = Callable[[Path], Ring]


def _file_ring(folder: Path) -> FileRing:
    return FileRing(folder / "ring" / "slot-keys")


def _transit_ring() -> TransitRing:
    client = httpx.Client(transport=httpx.MockTransport(FakeTransit()))
    return TransitRing("https://bao.example:8200/transit", lambda: TOKEN, client=client)


@pytest.fixture(params=["memory", "file", "transit"])
def ring(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ring]:
    if request.param == "memory":
        yield MemoryRing()
        return
    with closing(_file_ring(tmp_path) if request.param == "file" else _transit_ring()) as found:
        yield found


def _keys(content: bytes) -> set[bytes]:
    return {content[place + 64 : place + 96] for place in range(0, len(content), 128)} - {bytes(32)}


def test_what_was_wrapped_unwraps(ring: Ring) -> None:
    ring.create(["a", "b"])

    assert ring.unwrap("a", ring.wrap("a", b"secret", b"row"), b"row") == b"secret"


def test_what_was_wrapped_unwraps_under_no_other_key_or_row(ring: Ring) -> None:
    ring.create(["a", "b"])
    wrapped = ring.wrap("a", b"secret", b"row")

    with pytest.raises(Erased, match="does not open"):
        ring.unwrap("b", wrapped, b"row")
    with pytest.raises(Erased, match="does not open"):
        ring.unwrap("a", wrapped, b"another row")


@pytest.mark.parametrize("damaged", [b"", b"short", bytes(28), bytes(60)])
def test_what_is_damaged_is_gone(ring: Ring, damaged: bytes) -> None:
    ring.create(["a"])

    with pytest.raises(Erased, match="does not open"):
        ring.unwrap("a", damaged, b"row")


def test_many_are_wrapped_and_unwrapped_at_once_and_what_is_damaged_is_none(ring: Ring) -> None:
    ring.create(["a"])
    first, second = ring.wrap_all("a", [(bytearray(b"one"), b"1"), (bytearray(b"two"), b"2")])

    assert ring.unwrap_all("a", [(first, b"1"), (b"", b"x"), (second, b"2")]) == [b"one", None, b"two"]
    assert ring.unwrap_all("b", [(first, b"1")]) == [None]


def test_r20_a_destroyed_slot_key_unwraps_nothing(ring: Ring) -> None:
    ring.create(["a", "b"])
    wrapped = ring.wrap("a", b"secret", b"row")

    ring.destroy(["a"])

    assert ring.names() == {"b"}
    with pytest.raises(Erased):
        ring.unwrap("a", wrapped, b"row")


def test_a_name_never_gets_another_key_while_it_lives(ring: Ring) -> None:
    ring.create(["a"])
    wrapped = ring.wrap("a", b"secret", b"row")

    ring.create(["a"])

    assert ring.unwrap("a", wrapped, b"row") == b"secret"


def test_destroying_what_is_not_there_is_no_error(ring: Ring) -> None:
    ring.destroy(["never"])
    ring.destroy(["never"])

    assert not ring.names()


def test_slot_keys_survive_a_restart(tmp_path: Path) -> None:
    with closing(_file_ring(tmp_path)) as before:
        before.create(["a", "b"])
        wrapped = before.wrap("b", b"secret", b"row")
        before.destroy(["a"])

    with closing(_file_ring(tmp_path)) as after:
        assert after.names() == {"b"}
        assert after.unwrap("b", wrapped, b"row") == b"secret"


def test_r20_a_destroyed_slot_key_is_not_in_the_file(tmp_path: Path) -> None:
    with closing(_file_ring(tmp_path)) as ring:
        ring.create([f"slot-{number}" for number in range(20)])
        before = _keys((tmp_path / "ring" / "slot-keys").read_bytes())
        ring.destroy([f"slot-{number}" for number in range(19)])

    after = (tmp_path / "ring" / "slot-keys").read_bytes()
    assert len(before) == 20
    assert len([key for key in before if key in after]) == 1
    assert [path.name for path in (tmp_path / "ring").iterdir()] == ["slot-keys"]


def test_the_place_of_a_destroyed_key_is_used_again(tmp_path: Path) -> None:
    with closing(_file_ring(tmp_path)) as ring:
        for number in range(50):
            ring.create([f"slot-{number}"])
            ring.destroy([f"slot-{number - 1}"])

    assert (tmp_path / "ring" / "slot-keys").stat().st_size == 2 * 128


@pytest.mark.parametrize("torn_at", [1, 63, 64, 95, 96, 99])
def test_a_torn_record_counts_as_none_and_hurts_no_other(tmp_path: Path, torn_at: int) -> None:
    path = tmp_path / "ring" / "slot-keys"
    with closing(_file_ring(tmp_path)) as ring:
        ring.create(["a", "b"])
    content = path.read_bytes()
    path.write_bytes(content[:128] + content[128 : 128 + torn_at])

    with closing(_file_ring(tmp_path)) as ring:
        assert ring.names() == {"a"}
        ring.create(["c"])
    with closing(_file_ring(tmp_path)) as ring:
        assert ring.names() == {"a", "c"}


def test_the_ring_is_its_owners_alone(tmp_path: Path) -> None:
    with closing(_file_ring(tmp_path)):
        assert (tmp_path / "ring" / "slot-keys").stat().st_mode & 0o777 == 0o600

    (tmp_path / "ring" / "slot-keys").chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod 600"):
        _file_ring(tmp_path)


def test_two_vaults_cannot_hold_one_ring(tmp_path: Path) -> None:
    with closing(_file_ring(tmp_path)), pytest.raises(Misconfigured, match="another vault"):
        _file_ring(tmp_path)


def test_wiping_leaves_zeros() -> None:
    secret = bytearray(b"secret")

    wipe(secret)

    assert secret == bytes(6)


def test_a_ring_that_cannot_be_written_says_so_and_keeps_what_it_could_not_destroy(tmp_path: Path) -> None:
    with closing(_file_ring(tmp_path)) as ring:
        ring.create(["a"])
        with patch("os.fsync", side_effect=OSError(5, "Input/output error")), pytest.raises(Unavailable):
            ring.destroy(["a"])

        assert ring.names() == {"a"}
        ring.destroy(["a"])
        assert not ring.names()
