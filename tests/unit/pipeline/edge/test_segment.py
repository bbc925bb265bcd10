"""Segments are read as they were written, and whatever else lies there is told from them."""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.edge import segment
from pipeline.edge.outbox import Parcel
from pipeline.edge.segment import LARGEST, Head
from schemas.wire import Record
from tests.unit.pipeline.edge.building import TOPICS, after

FRAMES = TOPICS["frames.v1"]
BEGIN = len(segment.title(FRAMES))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
RECORDS = st.builds(
    Record,
    TEXTS.map(str.encode),
    st.binary(max_size=200),
    st.lists(st.tuples(TEXTS, TEXTS.map(str.encode)), max_size=5),
)
PARCELS = st.builds(Parcel, st.just(FRAMES), RECORDS, st.floats(-1e6, 1e6).map(after))


@contextmanager
def written(folder: Path, content: bytes) -> Iterator[int]:
    (folder / "one").write_bytes(content)
    file = os.open(folder / "one", os.O_RDONLY)
    yield file
    os.close(file)


def read(file: int, size: int) -> list[Parcel | None]:
    return [segment.parcel_at(file, head, FRAMES) for head in segment.heads(file, BEGIN, size)]


def content(parcels: list[Parcel]) -> bytes:
    return segment.title(FRAMES) + b"".join(map(segment.dump, parcels))


def same(one: Parcel | None, other: Parcel) -> bool:
    return one is not None and (one.topic, one.record, one.expires_at) == (other.topic, other.record, other.expires_at)


@given(parcels=st.lists(PARCELS, max_size=5))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, parcels: list[Parcel]) -> None:
    raw = content(parcels)
    with written(tmp_path_factory.mktemp("s"), raw) as file:
        found = read(file, len(raw))

    assert len(found) == len(parcels)
    assert all(map(same, found, parcels))


@given(parcels=st.lists(PARCELS, min_size=1, max_size=4), cut=st.integers(0, 10_000))
def test_of_a_torn_segment_all_that_is_whole_is_read(
    tmp_path_factory: pytest.TempPathFactory, parcels: list[Parcel], cut: int
) -> None:
    ends = [len(content(parcels[:count])) for count in range(len(parcels) + 1)]
    size = BEGIN + cut % (ends[-1] - BEGIN + 1)
    with written(tmp_path_factory.mktemp("s"), content(parcels)[:size]) as file:
        found = read(file, size)

    assert len(found) == sum(end <= size for end in ends[1:])
    assert all(map(same, found, parcels))


@given(parcels=st.lists(PARCELS, min_size=1, max_size=4), place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_changed_byte_is_never_read_as_something_else(
    tmp_path_factory: pytest.TempPathFactory, parcels: list[Parcel], place: int, flip: int
) -> None:
    raw = bytearray(content(parcels))
    raw[BEGIN + place % (len(raw) - BEGIN)] ^= flip
    with written(tmp_path_factory.mktemp("s"), bytes(raw)) as file:
        found = read(file, len(raw))

    whole = [each for each in found if each is not None]
    assert len(whole) < len(parcels)
    assert all(any(same(each, parcel) for parcel in parcels) for each in whole)


@given(garbage=st.binary(max_size=2000))
def test_garbage_holds_no_record(tmp_path_factory: pytest.TempPathFactory, garbage: bytes) -> None:
    with written(tmp_path_factory.mktemp("s"), segment.title(FRAMES) + garbage) as file:
        assert [each for each in read(file, BEGIN + len(garbage)) if each] == []


@given(body=st.binary(max_size=200) | st.just(b"[" * 100_000) | st.just(b'{"key": 1, "headers": [[1, 2]]}\n'))
def test_a_body_that_no_version_of_ours_wrote_is_damaged(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    with written(tmp_path_factory.mktemp("s"), bytes(20) + body) as file:
        assert segment.parcel_at(file, Head(0, len(body), 0, crc32(body)), FRAMES) is None


def test_a_length_beyond_all_bounds_is_no_record(tmp_path: Path) -> None:
    head = struct.pack(">IqI", LARGEST + 1, 0, 0)
    raw = segment.title(FRAMES) + head + struct.pack(">I", crc32(head)) + bytes(LARGEST + 1)
    with written(tmp_path, raw) as file:
        assert segment.head_at(file, BEGIN, len(raw)) is None


def test_a_file_of_another_topic_or_version_is_no_segment(tmp_path: Path) -> None:
    for title in (b"", b"mimamori-spool/2 frames.v1\n", segment.title(TOPICS["health.v1"])):
        with written(tmp_path, title) as file:
            assert segment.first(file, FRAMES) is None
    with written(tmp_path, segment.title(FRAMES)) as file:
        assert segment.first(file, FRAMES) == BEGIN
