"""What is spooled is there after any death, in order, until it is acknowledged, has expired, or had to make room."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pipeline.edge import segment, spool
from pipeline.edge.outbox import Parcel
from pipeline.edge.spool import Bounds, Place, Spool, open_spool
from pipeline.errors import Misconfigured, Unavailable
from pipeline.vault.keys import micros
from schemas.ids import KeyId
from schemas.wire import Record
from tests.unit.pipeline.edge.building import NOON, TOPICS, after

FRAMES = TOPICS["frames.v1"]
ROOM = Bounds(1 << 20)
SIZE = len(segment.dump(Parcel(FRAMES, Record(b"k", bytes(100), [("n", b"000")]), NOON)))


def parcel(number: int, lives: float = 60, size: int = 100, key: str | None = None) -> Parcel:
    record = Record(b"k", bytes(size), [("n", f"{number:03d}".encode())])
    return Parcel(FRAMES, record, after(lives), None if key is None else KeyId(key))


def number(one: Parcel) -> int:
    return int(one.record.headers[0][1])


def opened(folder: Path, bounds: Bounds = ROOM, free: Callable[[Path], int] = lambda _: 1 << 40) -> Spool:
    return open_spool(folder, FRAMES, bounds, free)


def drain(found: Spool) -> list[int]:
    """Acknowledge all, and say what it was."""
    numbers = []
    while (head := found.oldest()) is not None:
        numbers.append(number(head[1]))
        assert found.acknowledge(head[0])
    return numbers


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.segment"))


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Spool]:
    one = opened(tmp_path)
    yield one
    one.close()


def test_first_in_first_out_and_nothing_stays_on_disk(found: Spool, tmp_path: Path) -> None:
    for each in range(5):
        found.put(parcel(each))

    assert len(found) == 5
    assert drain(found) == [0, 1, 2, 3, 4]
    assert (len(found), found.bytes, segments(tmp_path)) == (0, 0, [])


def test_a_record_comes_back_as_it_was(found: Spool) -> None:
    put = Parcel(FRAMES, Record(b"ginza/door", b"\x00\n\xff", [("a", "é".encode()), ("b", b"")]), after(1.000001))
    found.put(put)
    head = found.oldest()

    assert head is not None
    assert (head[1].record, head[1].expires_at, head[1].topic) == (put.record, put.expires_at, FRAMES)


def test_after_a_kill_all_is_there_and_what_was_acknowledged_is_not(tmp_path: Path) -> None:
    killed = opened(tmp_path)
    for each in range(4):
        killed.put(parcel(each))
    head = killed.oldest()
    assert head is not None
    killed.acknowledge(head[0])
    os.close(killed._lock)  # all that a kill does

    again = opened(tmp_path)
    again.put(parcel(4))
    assert len(again) == 4
    assert drain(again) == [1, 2, 3, 4]
    again.close()


def test_several_boots_come_in_their_order(tmp_path: Path) -> None:
    for boot in range(3):
        one = opened(tmp_path)
        one.put(parcel(2 * boot))
        one.put(parcel(2 * boot + 1))
        one.close()

    last = opened(tmp_path)
    assert drain(last) == [0, 1, 2, 3, 4, 5]
    last.close()


def test_a_number_is_never_given_twice(tmp_path: Path) -> None:
    """What was acknowledged is noted by number: a new segment of an old number would pass for sent."""
    first = opened(tmp_path)
    first.put(parcel(0))
    drain(first)
    first.close()
    second = opened(tmp_path)
    second.put(parcel(1))
    second.close()

    third = opened(tmp_path)
    assert drain(third) == [1]
    third.close()


@pytest.mark.parametrize("note", [b"", b"\xff" * 20, b"torn"])
def test_where_the_note_is_damaged_it_is_sent_once_more(tmp_path: Path, note: bytes) -> None:
    first = opened(tmp_path)
    for each in range(3):
        first.put(parcel(each))
    head = first.oldest()
    assert head is not None
    first.acknowledge(head[0])
    first.close()
    (tmp_path / "acknowledged").write_bytes(note)

    again = opened(tmp_path)
    assert drain(again) == [0, 1, 2]
    again.close()


def test_a_torn_end_is_left_out(tmp_path: Path) -> None:
    killed = opened(tmp_path)
    for each in range(3):
        killed.put(parcel(each))
    killed.close()
    (path,) = segments(tmp_path)
    os.truncate(path, path.stat().st_size - 1)

    again = opened(tmp_path)
    again.put(parcel(3))
    assert drain(again) == [0, 1, 3]
    again.close()


def test_a_damaged_record_is_passed_over_and_counted(tmp_path: Path) -> None:
    first = opened(tmp_path)
    places = [place for each in range(3) if (place := first.put(parcel(each)))]
    first.close()
    (path,) = segments(tmp_path)
    raw = bytearray(path.read_bytes())
    raw[places[2].start - 1] ^= 1
    path.write_bytes(raw)

    again = opened(tmp_path)
    assert drain(again) == [0, 2]
    assert again.lost == {"damaged": 1}
    again.close()


def test_what_breaks_while_it_is_read_is_passed_over_and_counted(found: Spool, tmp_path: Path) -> None:
    place = [place for each in range(3) if (place := found.put(parcel(each)))][1]
    (path,) = segments(tmp_path)
    raw = bytearray(path.read_bytes())
    raw[place.start] ^= 1
    path.write_bytes(raw)
    found.put(parcel(3, key="k-2"))
    found.put(parcel(4, key="k-3"))

    assert drain(found) == [0, 2, 3, 4]
    assert found.lost == {"damaged": 1}


@given(rotten=st.sets(st.integers(0, 9)), place=st.integers(0, 19))
def test_r20_records_whose_heads_rot_are_counted_and_cost_no_others(
    tmp_path_factory: pytest.TempPathFactory, rotten: set[int], place: int
) -> None:
    folder = tmp_path_factory.mktemp("s")
    first = opened(folder)
    starts = [lies.start for each in range(10) if (lies := first.put(parcel(each)))]
    first.close()
    (path,) = segments(folder)
    raw = bytearray(path.read_bytes())
    for each in rotten:
        raw[starts[each] + place] ^= 1
    path.write_bytes(raw)

    again = opened(folder)
    assert drain(again) == [each for each in range(10) if each not in rotten]
    assert again.lost["damaged"] == sum(each - 1 not in rotten for each in rotten), "one at least in each place"
    again.close()


def test_records_under_a_title_that_rotted_are_counted(tmp_path: Path) -> None:
    first = opened(tmp_path)
    for each in range(3):
        first.put(parcel(each))
    first.close()
    (path,) = segments(tmp_path)
    path.write_bytes(b"M" + path.read_bytes()[1:])

    again = opened(tmp_path)
    assert (len(again), again.lost) == (0, {"damaged": 3})
    assert segments(tmp_path) == []
    again.close()


def bad_link(path: Path) -> None:
    path.symlink_to("/nowhere")


@pytest.mark.parametrize("bad", [bad_link, Path.mkdir])
def test_r20_one_file_that_cannot_be_read_keeps_no_other_from_being_sent_or_forgotten(
    tmp_path: Path, bad: Callable[[Path], None]
) -> None:
    first = opened(tmp_path)
    first.put(parcel(0, lives=10, key="k-1"))
    first.put(parcel(1, lives=30, key="k-2"))
    first.close()
    bad(tmp_path / "000000000009.segment")

    again = opened(tmp_path)
    again.expire(after(10))
    assert again.lost == {"expired": 1}
    place = again.put(parcel(2))
    assert place is not None
    assert place.segment == 10
    assert drain(again) == [1, 2]
    again.close()


def test_r20_what_cannot_be_read_goes_once_all_that_it_can_hold_has_expired(tmp_path: Path) -> None:
    bad = tmp_path / "000000000009.segment"
    bad.symlink_to("/nowhere")
    os.utime(bad, (NOON.timestamp(), NOON.timestamp()), follow_symlinks=False)
    one = opened(tmp_path)
    one.expire(NOON + FRAMES.lives - timedelta(seconds=1))
    assert segments(tmp_path) == [bad]
    one.expire(NOON + FRAMES.lives)

    assert segments(tmp_path) == []
    assert one.bytes == 0
    one.close()


def read_only(patch: pytest.MonkeyPatch) -> None:
    """Let no file be unlinked."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    patch.setattr(Path, "unlink", refuse)


def test_r20_what_cannot_be_unlinked_is_tried_again_and_its_room_is_counted(
    found: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found.put(parcel(0, lives=10))
    taken = found.bytes
    with monkeypatch.context() as broken:
        read_only(broken)
        found.expire(after(10))
        assert (len(found), found.bytes, found.lost) == (0, taken, {"expired": 1})
        assert len(segments(tmp_path)) == 1
    found.expire(after(11))

    assert segments(tmp_path) == []
    assert (found.bytes, found.lost) == (0, {"expired": 1})


def test_where_no_room_can_be_made_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = opened(tmp_path, Bounds(3 * SIZE))
    one.put(parcel(0))
    one.put(parcel(1))
    with monkeypatch.context() as broken:
        read_only(broken)
        with pytest.raises(Unavailable, match="Read-only"):
            one.put(parcel(2))

    assert one.bytes <= 3 * SIZE
    assert drain(one) == [0, 1]
    assert not one.lost
    one.close()


def test_files_that_stay_leave_no_room_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = opened(tmp_path, Bounds(3 * SIZE))
    with monkeypatch.context() as broken:
        read_only(broken)
        one.put(parcel(0, lives=10, size=2 * SIZE))
        one.expire(after(10))
        with pytest.raises(Unavailable, match="cannot be removed"):
            one.put(parcel(1))
        assert one.bytes <= 3 * SIZE
    one.expire(after(10))
    one.put(parcel(2))

    assert drain(one) == [2]
    one.close()


def test_what_is_larger_than_the_bound_is_refused_alone_and_counted(tmp_path: Path) -> None:
    one = opened(tmp_path, Bounds(10 * SIZE))
    for each in range(3):
        one.put(parcel(each))
    assert one.put(parcel(3, size=10 * SIZE)) is None

    assert one.bytes <= 10 * SIZE
    assert drain(one) == [0, 1, 2]
    assert one.lost == {"too_large": 1}
    one.close()


def test_what_is_no_segment_goes(tmp_path: Path) -> None:
    (tmp_path / "000000000007.segment").write_bytes(b"something else")
    one = opened(tmp_path)

    assert segments(tmp_path) == []
    assert one.put(parcel(0)) == Place(8, len(segment.title(FRAMES)))
    one.close()


def test_a_bucket_has_files_of_its_own(found: Spool, tmp_path: Path) -> None:
    for each, key in enumerate(["k-1", None, "k-1", "k-2", None, "k-3"]):
        found.put(parcel(each, key=key))

    assert len(segments(tmp_path)) == 3
    assert drain(found) == list(range(6))


def test_r20_a_segment_that_has_expired_is_unlinked_wherever_it_lies(found: Spool, tmp_path: Path) -> None:
    found.put(parcel(0, lives=30, key="k-1"))
    found.put(parcel(1, lives=10, key="k-2"))
    found.put(parcel(2, lives=40, key="k-3"))
    found.expire(after(10))

    assert len(segments(tmp_path)) == 2
    assert found.lost == {"expired": 1}
    assert drain(found) == [0, 2]


def test_r20_what_has_expired_is_never_given_out(found: Spool) -> None:
    for each in range(4):
        found.put(parcel(each, lives=10 if each < 2 else 20, key="k-1"))
    found.expire(after(10))

    assert found.lost == {"expired": 2}
    assert drain(found) == [2, 3]


def test_r20_after_a_restart_too(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.put(parcel(0, lives=10))
    first.put(parcel(1, lives=20))
    first.close()

    again = opened(tmp_path)
    again.expire(after(10))
    assert drain(again) == [1]
    assert again.lost == {"expired": 1}
    again.close()


def test_when_the_bound_is_reached_the_oldest_go_counted(tmp_path: Path) -> None:
    one = opened(tmp_path, Bounds(16 * SIZE))
    for each in range(100):
        one.put(parcel(each))
        assert one.bytes <= 16 * SIZE
        assert one.bytes == sum(path.stat().st_size for path in segments(tmp_path))

    left = drain(one)
    assert left == list(range(100 - len(left), 100))
    assert len(left) > 8
    assert one.lost == {"spool_full": 100 - len(left)}
    one.close()


def test_what_was_dropped_on_its_way_is_not_acknowledged(tmp_path: Path) -> None:
    one = opened(tmp_path, Bounds(4 * SIZE))
    one.put(parcel(0))
    head = one.oldest()
    assert head is not None
    for each in range(1, 10):
        one.put(parcel(each))

    assert not one.acknowledge(head[0])
    one.close()


def test_the_oldest_go_where_the_disk_gets_too_full(tmp_path: Path) -> None:
    room = 1 << 30
    one = opened(tmp_path, Bounds(1 << 30, keep_free=1 << 20), lambda _: room)
    for each in range(4):
        one.put(parcel(each, key=f"k-{each}"))
    room = 1 << 20
    one.put(parcel(4))

    assert one.lost["spool_full"] >= 1
    assert drain(one) == list(range(one.lost["spool_full"], 5))
    one.close()


def test_where_others_fill_the_disk_nothing_is_given_up_in_vain(tmp_path: Path) -> None:
    room = 1 << 30
    one = opened(tmp_path, Bounds(1 << 30, keep_free=1 << 20), lambda _: room)
    one.put(parcel(0))
    room = 0
    with pytest.raises(Unavailable, match="full"):
        one.put(parcel(1))
    room = 1 << 30
    one.put(parcel(2))

    assert drain(one) == [0, 2]
    one.close()


@pytest.mark.parametrize("what", [errno.EROFS, errno.EIO])
def test_a_disk_that_takes_nothing_is_said_and_what_it_has_is_still_given(
    found: Spool, monkeypatch: pytest.MonkeyPatch, what: int
) -> None:
    found.put(parcel(0))

    def fail(*_: object) -> int:
        raise OSError(what, os.strerror(what))

    with monkeypatch.context() as broken:
        broken.setattr(spool, "_write", fail)
        with pytest.raises(Unavailable, match=os.strerror(what)):
            found.put(parcel(1))
    found.put(parcel(2))

    assert drain(found) == [0, 2]


def test_a_write_that_ends_half_way_spoils_nothing(
    found: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found.put(parcel(0))

    def tear(file: int, content: bytes, start: int) -> None:
        os.pwrite(file, content[:50], start)
        raise OSError(errno.EIO, "torn")

    with monkeypatch.context() as broken:
        broken.setattr(spool, "_write", tear)
        with pytest.raises(Unavailable):
            found.put(parcel(1))
    os.close(found._lock)

    again = opened(tmp_path)
    again.put(parcel(2))
    assert drain(again) == [0, 2]
    again.close()
    found._lock = os.open(tmp_path / "lock", os.O_RDWR)


def test_a_full_disk_costs_the_oldest_until_there_is_room(
    found: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in range(4):
        found.put(parcel(each, key=f"k-{each}"))
    write = spool._write

    def full(file: int, content: bytes, start: int) -> None:
        if len(segments(tmp_path)) > 3:
            raise OSError(errno.ENOSPC, "full")
        write(file, content, start)

    monkeypatch.setattr(spool, "_write", full)
    found.put(parcel(4, key="k-3"))

    assert drain(found) == [1, 2, 3, 4]
    assert found.lost == {"spool_full": 1}


def test_a_second_publisher_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    first = opened(tmp_path)
    with pytest.raises(Misconfigured, match="another publisher"):
        opened(tmp_path)
    first.close()

    opened(tmp_path).close()


def test_a_place_that_is_no_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Unavailable, match="disk"):
        opened(tmp_path / "file")


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir(mode=0o755)
    one = opened(tmp_path / "spool")
    one.put(parcel(0))
    one.close()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "spool").iterdir()}

    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}


def test_what_was_written_is_synced_once(found: Spool) -> None:
    found.put(parcel(0))
    files = found.unsynced()
    spool.sync(files)

    assert files
    assert found.unsynced() == []
    for each in files:
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(each)


class Lives(RuleBasedStateMachine):
    """Any order of putting, acknowledging, expiring, dying, tearing and failing, beside a plain list of what waits."""

    def __init__(self) -> None:
        super().__init__()
        self.place = TemporaryDirectory()
        self.folder = Path(self.place.name)
        self.now = NOON
        self.count = 0
        self.waiting: list[Parcel] = []
        self.given: list[int] = []
        self.lost = 0
        self.spool = self.open()

    def open(self) -> Spool:
        return opened(self.folder, Bounds(40 * SIZE))

    @rule(lives=st.lists(st.sampled_from([2, 5, 30]), max_size=5), key=st.sampled_from([None, "k-1", "k-2"]))
    def put(self, lives: list[int], key: str | None) -> None:
        for each in lives:
            one = parcel(self.count, (self.now - NOON).total_seconds() + each, 50 * each, key)
            self.count += 1
            self.spool.put(one)
            self.waiting.append(one)
            self.forget("spool_full")

    @rule(lives=st.integers(1, 30), torn=st.integers(0, 200))
    def fail(self, lives: int, torn: int) -> None:
        def tear(file: int, content: bytes, start: int) -> None:
            os.pwrite(file, content[:torn], start)
            raise OSError(errno.EIO, "torn")

        with pytest.MonkeyPatch.context() as broken:
            broken.setattr(spool, "_write", tear)
            with suppress(Unavailable):
                self.spool.put(parcel(999, lives))
        self.forget("spool_full")

    @rule()
    def acknowledge(self) -> None:
        self.expire(0)
        head = self.spool.oldest()
        assert (head is None) == (not self.waiting)
        if head is not None:
            assert number(head[1]) == number(self.waiting[0])
            assert self.spool.acknowledge(head[0])
            assert not self.spool.acknowledge(head[0])
            self.given.append(number(self.waiting.pop(0)))

    @rule(seconds=st.sampled_from([1, 3, 10]))
    def expire(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.spool.expire(self.now)
        left = {number(one) for one in self.left()}
        gone = [one for one in self.waiting if number(one) not in left]
        assert all(one.expires_at <= self.now for one in gone)
        assert self.spool.lost["expired"] == len(gone)
        self.waiting = [one for one in self.waiting if number(one) in left]
        assert not self.waiting or self.waiting[0].expires_at > self.now
        assert all(each.expires > micros(self.now) for each in self.spool._segments)
        self.spool.lost.clear()
        self.lost += len(gone)

    @rule(torn=st.integers(0, SIZE - 1))
    def die(self, torn: int) -> None:
        os.close(self.spool._lock)
        if self.spool._writing is not None:
            with self.spool._writing.path.open("ab") as file:
                file.write(segment.dump(parcel(999))[:torn])
        self.spool = self.open()

    @rule()
    def stop(self) -> None:
        self.spool.close()
        self.spool = self.open()

    def left(self) -> list[Parcel]:
        """Read what is there with the eyes of another process."""
        found = []
        for each in self.spool._segments:
            file = os.open(each.path, os.O_RDONLY)
            found += [segment.parcel_at(file, head, FRAMES) for head in segment.heads(file, each.at, each.end)]
            os.close(file)
        return [one for one in found if one is not None]

    def forget(self, why: str) -> None:
        gone = self.spool.lost[why]  # type: ignore[index]  # one of its reasons
        self.spool.lost.clear()
        self.lost += gone
        del self.waiting[:gone]

    @invariant()
    def all_that_waits_is_there_in_order(self) -> None:
        assert [number(one) for one in self.left()] == [number(one) for one in self.waiting]
        assert len(self.spool) == len(self.waiting)

    @invariant()
    def nothing_is_unaccounted_for(self) -> None:
        assert not self.spool.lost["damaged"]
        assert len(self.given) + self.lost + len(self.waiting) == self.count
        assert self.given == sorted(set(self.given))

    @invariant()
    def the_bound_is_kept_and_what_is_empty_is_gone(self) -> None:
        assert self.spool.bytes <= 41 * SIZE
        assert len(segments(self.folder)) == len(self.spool._segments)

    def teardown(self) -> None:
        self.spool.close()
        self.place.cleanup()


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
