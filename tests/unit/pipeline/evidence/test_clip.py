"""A clip comes out as it went in, for its own key and under its own header alone; any other bytes are refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline import sealing
from pipeline.errors import Rejected
from pipeline.evidence import clip
from pipeline.sealing import SealSuite
from schemas.envelope import Purpose
from schemas.evidence import EvidenceFrame, EvidenceHeader
from schemas.geometry import Box
from schemas.ids import AlertId, CameraId, KeyId, StoreId

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BOX = Box(left=0.25, top=0.2, right=0.5, bottom=0.8)
ALERT = AlertId("a-1")
KEY = sealing.generate(SealSuite.X25519)
OTHER = sealing.generate(SealSuite.X25519)

pictures = st.binary(max_size=200).map(lambda inside: b"\xff\xd8" + inside + b"\xff\xd9")
clips = st.lists(pictures, min_size=1, max_size=32)


def header(**changes: Any) -> EvidenceHeader:
    return EvidenceHeader(
        **{
            "alert_id": ALERT,
            "camera_id": CameraId("entrance"),
            "expires_at": NOON + timedelta(days=7),
            "key_id": KeyId("k-1"),
            "purpose": Purpose.CRIME_PREVENTION,
            "store_id": StoreId("ginza"),
        }
        | changes
    )


def frames(of: list[bytes]) -> list[EvidenceFrame]:
    return [
        EvidenceFrame(utc_time=NOON + timedelta(seconds=number), size=len(each), box=BOX)
        for number, each in enumerate(of)
    ]


def sealed(of: list[bytes] | None = None) -> bytes:
    of = of or [b"\xff\xd8one\xff\xd9", b"\xff\xd8two\n\xff\xd9"]
    return clip.seal(header(), KEY.public, clip.pack(ALERT, frames(of), of))


@given(clips)
def test_a_clip_comes_out_as_it_went_in(of: list[bytes]) -> None:
    opened = clip.open_clip(sealed(of), KEY.private)

    assert list(opened.pictures) == of
    assert list(opened.manifest.frames) == frames(of)


def test_the_header_is_read_without_a_key() -> None:
    assert clip.header_of(sealed()) == header()


def test_the_header_is_one_line_of_json_with_sorted_names() -> None:
    assert sealed().partition(b"\n")[0] == (
        b'{"alert_id":"a-1","camera_id":"entrance","data_class":"identifying",'
        b'"expires_at":"2026-11-30T12:00:00.000000Z","key_id":"k-1","purpose":"crime_prevention","store_id":"ginza"}'
    )


def test_r20_no_picture_lies_in_the_clear_in_an_object() -> None:
    canary = b"a picture in the clear"
    data = sealed([b"\xff\xd8" + canary + b"\xff\xd9"])

    assert canary not in data
    assert b"utc_time" not in data


def test_r20_another_key_opens_nothing() -> None:
    with pytest.raises(Rejected, match="not_sealed_for_this"):
        clip.open_clip(sealed(), OTHER.private)


@pytest.mark.parametrize(
    "change",
    [
        {"purpose": Purpose.PEOPLE_FLOW},
        {"store_id": StoreId("shibuya")},
        {"camera_id": CameraId("aisle")},
        {"alert_id": AlertId("a-2")},
        {"key_id": KeyId("k-2")},
        {"expires_at": NOON + timedelta(days=8)},
    ],
)
def test_r04_under_another_header_it_does_not_open(change: dict[str, Any]) -> None:
    body = sealed().partition(b"\n")[2]
    moved = clip.canonical(header(**change)) + b"\n" + body

    with pytest.raises(Rejected, match="not_sealed_for_this"):
        clip.open_clip(moved, KEY.private)


def test_a_header_in_another_spelling_is_refused() -> None:
    with pytest.raises(Rejected, match="bad_content"):
        clip.open_(sealed().replace(b'","', b'", "', 1), KEY.private)


@given(st.integers(0, 10_000), st.integers(1, 255))
@settings(max_examples=200)
def test_a_changed_byte_opens_nothing(place: int, by: int) -> None:
    data = bytearray(sealed())
    data[place % len(data)] ^= by

    with pytest.raises(Rejected):
        clip.open_clip(bytes(data), KEY.private)


@given(st.integers(0, 10_000))
def test_a_clip_that_was_cut_off_opens_nothing(length: int) -> None:
    data = sealed()

    with pytest.raises(Rejected):
        clip.open_clip(data[: length % len(data)], KEY.private)


@given(st.binary(max_size=400))
@example(b"")
@example(b"\n")
@example(b'{"alert_id":"a","frames":[]}\n')
@example(b'{"alert_id":"a","frames":[{"utc_time":"2026-01-01T00:00:00Z","size":99999999999,"box":{}}]}\n')
def test_any_bytes_at_all_are_refused_and_never_quoted(data: bytes) -> None:
    for read in (clip.unpack, clip.header_of, lambda each: clip.open_(each, KEY.private)):
        with pytest.raises(Rejected) as refused:
            read(data)
        assert refused.value.reason == "bad_content"
        assert refused.value.__context__ is None or refused.value.__suppress_context__


@given(clips, st.data())
def test_a_plaintext_with_a_piece_more_or_less_is_refused(of: list[bytes], data: st.DataObject) -> None:
    plaintext = clip.pack(ALERT, frames(of), of)
    cut = data.draw(st.integers(0, len(plaintext) - 1))

    for wrong in (plaintext[:cut], plaintext + b"\x00"):
        with pytest.raises(Rejected):
            clip.unpack(wrong)


def test_a_clip_of_another_alert_is_refused() -> None:
    of = [b"\xff\xd8one\xff\xd9"]
    moved = clip.seal(header(), KEY.public, clip.pack(AlertId("a-2"), frames(of), of))

    with pytest.raises(Rejected, match="another alert"):
        clip.open_clip(moved, KEY.private)


def test_frames_out_of_order_and_sizes_that_are_not_theirs_are_no_clip() -> None:
    of = [b"\xff\xd8one\xff\xd9", b"\xff\xd8three\xff\xd9"]

    with pytest.raises(ValueError, match="order"):
        clip.pack(ALERT, frames(of)[::-1], of[::-1])
    with pytest.raises(ValueError, match="size"):
        clip.pack(ALERT, frames(of), of[::-1])
    with pytest.raises(ValueError, match="frames"):
        clip.pack(ALERT, [], [])


def test_a_name_says_store_camera_and_key() -> None:
    assert clip.name_of(StoreId("ginza"), CameraId("entrance"), KeyId("k-1")) == "evidence/ginza/entrance/k-1"
