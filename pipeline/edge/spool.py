"""The spool: what is sealed waits on the device's disk while Kafka is away. Bounded; forgets by unlinking whole files.

A folder of segments (pipeline.edge.segment), oldest first. One bucket a file, so that what expires together lies
together: when all of a file has expired, it is unlinked, without a word from the vault. What was acknowledged is
noted in a file beside them. Segments are ours rather than a database's: SQLite, and the queues built on it, keep
deleted bytes in their file and their log until these are rewritten; here a file only grows, its torn end is told by a
checksum, and forgetting is one `unlink`.

A kill at any point loses nothing that `put` returned for: the kernel has it. A power cut loses what was not yet synced,
a second's worth. Either may have what was acknowledged sent once more, with the same boot and sequence.

A file that cannot be unlinked is tried again with every `expire`, and counts as room that is taken. So is one that
cannot be read, once all that it can hold has expired; the next start tries to read it again.
"""

import contextlib
import errno
import fcntl
import os
import struct
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias
from zlib import crc32

from pipeline.edge import segment
from pipeline.edge.outbox import Parcel, Why
from pipeline.edge.segment import Head
from pipeline.errors import Misconfigured, Unavailable
from pipeline.logs import log
from pipeline.vault.keys import micros
from schemas.ids import KeyId
from schemas.topics import Topic

Bytes: TypeAlias = bytes

SEGMENT: Final = 16 << 20
"""Bytes of a segment, about; an eighth of the bound where that is less."""

_SUFFIX: Final = ".segment"
_DIGITS: Final = 12
_PLACE: Final = struct.Struct(">QQ")
_SUM: Final = struct.Struct(">I")
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class Bounds(NamedTuple):
    """How much the spool may take: of the disk, and of what is free on it."""

    bytes: int
    keep_free: int = 0


class Place(NamedTuple):
    """Where a record lies. Later ones are greater."""

    segment: int
    start: int


@dataclass
class _Segment:
    number: int
    path: Path
    file: int | None
    at: int
    """Where the first of its records that still waits lies."""
    end: int
    """Behind its last whole record."""
    size: int
    """Of the file: a torn end takes room too."""
    left: int = 0
    """Records that were neither acknowledged nor passed over."""
    expires: int = 0
    """When the last of its records does."""
    key_id: KeyId | None = None


class _Leftover(NamedTuple):
    """A file that is to go, and has not yet."""

    path: Path
    size: int
    expires: int


def free(folder: Path) -> int:
    """Say how many bytes are free for us on a folder's disk."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def open_spool(folder: Path, topic: Topic, bounds: Bounds, free: Callable[[Path], int] = free) -> "Spool":
    """Open the spool of one topic, with all that an earlier process left in it.

    Raises:
        Misconfigured: Another process has it open.
        Unavailable: The disk does not let us.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unavailable(error) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return Spool(folder, topic, bounds, free, lock)
    except BlockingIOError:
        os.close(lock)
        raise Misconfigured(f"another publisher spools to {folder}: stop it, or set another --state") from None
    except OSError as error:
        os.close(lock)
        raise _unavailable(error) from None


class Spool:
    """First in, first out, on disk. Not for several threads."""

    def __init__(self, folder: Path, topic: Topic, bounds: Bounds, free: Callable[[Path], int], lock: int) -> None:
        self._folder = folder
        self._topic = topic
        self._bounds = bounds
        self._free = free
        self._lock = lock
        self._noted = os.open(folder / "acknowledged", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._segments: deque[_Segment] = deque()
        self._leftovers: list[_Leftover] = []
        self._writing: _Segment | None = None
        self._unsynced = False
        self._head: Head | None = None
        """The oldest record's, once it was read."""
        self.lost: Counter[Why] = Counter()
        """What was let go unsent, and why."""
        self._next = self._recover()

    def __len__(self) -> int:
        return sum(each.left for each in self._segments)

    @property
    def bytes(self) -> int:
        """How much of the disk it takes."""
        return sum(each.size for each in self._segments) + self._stuck

    @property
    def takes(self) -> bool:
        """Whether it takes anything in; with a bound of nothing it gives out and forgets what it has."""
        return self._bounds.bytes > 0

    @property
    def _stuck(self) -> int:
        """Bytes of the files that could not be let go of."""
        return sum(each.size for each in self._leftovers)

    def put(self, parcel: Parcel) -> Place | None:
        """Take one in behind all others; the oldest segments go for it where there is no room.

        None for one that is larger than the whole bound: it alone is dropped, counted.

        Raises:
            Unavailable: The disk does not take it.
        """
        record = segment.dump(parcel)
        size = len(segment.title(self._topic)) + len(record)
        if size > self._bounds.bytes:
            self.lost["too_large"] += 1
            return None
        self._make_room(size)
        while True:
            try:
                return self._append(parcel, record)
            except OSError as error:
                if error.errno not in _FULL or not self._segments:
                    raise _unavailable(error) from None
                self._drop("spool_full")

    def oldest(self) -> tuple[Place, Parcel] | None:
        """Read the oldest that waits. What turns out to be damaged is passed over."""
        while (head := self._peek()) is not None:
            parcel = self._read(head)
            if parcel is not None:
                return Place(self._segments[0].number, head.start), parcel
            self.lost["damaged"] += 1
            self._pass(head)
        return None

    def acknowledge(self, place: Place) -> bool:
        """Forget the oldest, which lay there; false when it was dropped while it was on its way."""
        head = self._peek()
        if head is None or place != (self._segments[0].number, head.start):
            return False
        self._pass(head)
        return True

    def expire(self, now: datetime) -> None:
        """Drop what nobody could open any more: whole segments wherever they are, and records where their turn is."""
        limit = micros(now)
        self._leftovers = [each for each in self._leftovers if each.expires > limit or not _unlinked(each.path)]
        for each in [each for each in self._segments if each.expires <= limit]:
            self.lost["expired"] += each.left
            self._unlink(each)
        while (head := self._peek()) is not None and head.expires <= limit:
            self.lost["expired"] += 1
            self._pass(head)

    def unsynced(self) -> list[int]:
        """Give the files to be synced, for `sync` in whatever thread. Raises OSError."""
        if not self._unsynced or self._writing is None or self._writing.file is None:
            return []
        files = [os.dup(self._writing.file), os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)]
        self._unsynced = False
        return files

    def close(self) -> None:
        """Let go of the files. What waits stays."""
        for each in self._segments:
            _close(each)
        os.close(self._noted)
        os.close(self._lock)

    # --- what an earlier process left --------------------------------------------------------------------------

    def _recover(self) -> int:
        """Find the segments again and what of them was acknowledged; return the next segment's number."""
        noted = self._read_noted()
        numbers = [noted.segment]
        for path in sorted(self._folder.glob(f"{'[0-9]' * _DIGITS}{_SUFFIX}")):
            numbers.append(int(path.stem))
            try:
                found = self._recovered(path, int(path.stem), noted)
            except OSError as error:
                log().warning("a spooled file cannot be read", path=path.name, detail=str(error.strerror))
                self._leftovers.append(self._unread(path))
                continue
            if found is None:
                self._remove(path)
            else:
                self._segments.append(found)
        if self._segments:
            log().info("spool found", path=str(self._folder), count=len(self), bytes=self.bytes)
        return max(numbers) + 1

    def _recovered(self, path: Path, number: int, noted: Place) -> _Segment | None:
        """Read a segment's heads; None when nothing in it is of use."""
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            begin, size = segment.first(file, self._topic), os.fstat(file).st_size
            if number < noted.segment:
                return None
            start = max(begin or 0, noted.start) if number == noted.segment else begin or 0
            waiting = list(segment.heads(file, start, size))
            if begin is None:
                self._say_damaged(path, len(waiting))
                return None
            self._say_damaged(path, _gaps(start, waiting) + _rotten_end(file, start, waiting, size))
        finally:
            os.close(file)
        if not waiting:
            return None
        expires = max(head.expires for head in waiting)
        return _Segment(number, path, None, waiting[0].start, waiting[-1].end, size, len(waiting), expires)

    def _say_damaged(self, path: Path, count: int) -> None:
        if count:
            log().warning("damaged in the spool", path=path.name, count=count)
            self.lost["damaged"] += count

    def _unread(self, path: Path) -> _Leftover:
        """Say how long what lies there may be of use: nothing outlives its last write by more than the topic lives."""
        try:
            found = path.lstat()
        except OSError:
            return _Leftover(path, 0, 0)
        until = found.st_mtime_ns // 1000 + self._topic.lives // timedelta(microseconds=1)
        return _Leftover(path, found.st_size, until)

    def _read_noted(self) -> Place:
        raw = os.pread(self._noted, _PLACE.size + _SUM.size, 0)
        if len(raw) < _PLACE.size + _SUM.size or _SUM.unpack_from(raw, _PLACE.size)[0] != crc32(raw[: _PLACE.size]):
            return Place(0, 0)
        return Place(*_PLACE.unpack_from(raw))

    def _note(self, place: Place) -> None:
        raw = _PLACE.pack(*place)
        # Where it cannot be noted it is sent once more after a restart.
        with contextlib.suppress(OSError):
            os.pwrite(self._noted, raw + _SUM.pack(crc32(raw)), 0)

    # --- reading -----------------------------------------------------------------------------------------------

    def _peek(self) -> Head | None:
        """Read the oldest record's head; segments that are done with, or cannot be read on, go."""
        while self._head is None and self._segments:
            first = self._segments[0]
            if first.left:
                self._head = self._read_head(first)
            if self._head is None:
                self.lost["damaged"] += first.left
                self._unlink(first)
        return self._head

    def _read_head(self, first: _Segment) -> Head | None:
        try:
            return segment.next_head(_opened(first), first.at, first.end)
        except OSError:
            return None

    def _read(self, head: Head) -> Parcel | None:
        try:
            return segment.parcel_at(_opened(self._segments[0]), head, self._topic)
        except OSError:
            return None

    def _pass(self, head: Head) -> None:
        """Go on behind the oldest."""
        first = self._segments[0]
        first.left -= 1
        first.at, self._head = head.end, None
        self._note(Place(first.number, head.end))
        if not first.left:
            self._unlink(first)

    # --- writing -----------------------------------------------------------------------------------------------

    def _make_room(self, size: int) -> None:
        """Drop the oldest segments until there is room.

        Raises:
            Unavailable: Giving up all that waits would not do: the disk is full of other things, or files stay.
        """
        if self._stuck + size > self._bounds.bytes:
            raise Unavailable("the spool is full of files that cannot be removed")
        while self._segments and self.bytes + size > self._bounds.bytes:
            self._drop("spool_full")
        try:
            missing = self._bounds.keep_free + size - self._free(self._folder)
        except OSError as error:
            raise _unavailable(error) from None
        if missing > self.bytes - self._stuck:
            raise Unavailable("the spool's disk is nearly full")
        while missing > 0 and self._segments:
            missing -= self._segments[0].size
            self._drop("spool_full")

    def _append(self, parcel: Parcel, record: Bytes) -> Place:
        writing = self._segment_for(parcel, len(record))
        try:
            _write(_opened(writing), record, writing.end)
        except OSError:
            # What was written of it would be passed over, but takes room.
            with contextlib.suppress(OSError):
                os.ftruncate(_opened(writing), writing.end)
            raise
        place = Place(writing.number, writing.end)
        writing.end = writing.size = writing.end + len(record)
        writing.left += 1
        writing.expires = max(writing.expires, micros(parcel.expires_at))
        writing.key_id = parcel.key_id or writing.key_id
        self._unsynced = True
        return place

    def _segment_for(self, parcel: Parcel, size: int) -> _Segment:
        """Return the segment that is written to, or begin the next where it is full or of another bucket."""
        writing = self._writing
        if writing is not None:
            full = writing.left and writing.end + size > min(SEGMENT, self._bounds.bytes // 8)
            if not full and (None in (parcel.key_id, writing.key_id) or parcel.key_id == writing.key_id):
                return writing
            self._finish(writing)
        begun = self._begin()
        self._segments.append(begun)
        self._writing = begun
        return begun

    def _begin(self) -> _Segment:
        path, line = self._folder / f"{self._next:0{_DIGITS}d}{_SUFFIX}", segment.title(self._topic)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _write(file, line, 0)
        except OSError:
            os.close(file)
            self._remove(path)
            raise
        self._next += 1
        return _Segment(self._next - 1, path, file, len(line), len(line), len(line))

    def _finish(self, writing: _Segment) -> None:
        """Write no more to a segment."""
        if writing.file is not None:
            with contextlib.suppress(OSError):
                os.fsync(writing.file)
        if writing is not self._segments[0]:
            _close(writing)
        self._writing = None

    # --- forgetting --------------------------------------------------------------------------------------------

    def _drop(self, why: Why) -> None:
        """Give up the oldest segment.

        Raises:
            Unavailable: It cannot be unlinked: no room is won, and it stays.
        """
        first = self._segments[0]
        try:
            first.path.unlink(missing_ok=True)
        except OSError as error:
            raise _unavailable(error) from None
        self.lost[why] += first.left
        self._let_go(first)

    def _unlink(self, gone: _Segment) -> None:
        self._let_go(gone)
        self._remove(gone.path)

    def _let_go(self, gone: _Segment) -> None:
        if gone is self._segments[0]:
            self._head = None
        if gone is self._writing:
            self._writing = None
        _close(gone)
        self._segments.remove(gone)

    def _remove(self, path: Path) -> None:
        """Unlink a file; what cannot be unlinked is tried again with every `expire`."""
        if not _unlinked(path):
            log().warning("a spooled file cannot be removed", path=path.name)
            self._leftovers.append(self._unread(path)._replace(expires=0))


def sync(files: Iterable[int]) -> None:
    """Have the disk keep what was written to these files, and close them. Raises OSError."""
    with contextlib.ExitStack() as stack:
        for file in files:
            stack.callback(os.close, file)
            os.fsync(file)


def _write(file: int, content: bytes, start: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(file, view, start)
        start, view = start + written, view[written:]


def _opened(one: _Segment) -> int:
    if one.file is None:
        one.file = os.open(one.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    return one.file


def _close(one: _Segment) -> None:
    if one.file is not None:
        os.close(one.file)
        one.file = None


def _unlinked(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _gaps(start: int, found: list[Head]) -> int:
    """Count where records are missing between those that were found: one at least in each place."""
    ends = [start, *(head.end for head in found)]
    return sum(head.start != end for head, end in zip(found, ends, strict=False))


def _rotten_end(file: int, start: int, found: list[Head], size: int) -> bool:
    """Say whether there is something behind the last that was whole once; a torn end was never taken in."""
    return not segment.is_torn(file, found[-1].end if found else start, size)


def _unavailable(error: OSError) -> Unavailable:
    return Unavailable(f"the spool's disk: {error.strerror}")
