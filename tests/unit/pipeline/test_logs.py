"""What a log line may hold."""

import logging

from pipeline.logs import FIELDS, Seldom, allow_listed


def kept(**event: object) -> dict[str, object]:
    return dict(allow_listed(None, "info", dict(event)))


def test_fields_that_are_not_on_the_list_are_dropped() -> None:
    assert kept(event="key destroyed", key_id="k-1", picture="abc", face=[1.0]) == {
        "event": "key destroyed",
        "key_id": "k-1",
    }


def test_bytes_are_dropped_wherever_they_are() -> None:
    assert kept(event="sealed", detail=b"\xff\xd8", reason=bytearray(3)) == {"event": "sealed"}


def test_long_texts_are_cut() -> None:
    assert len(str(kept(event="x", detail="y" * 10_000)["detail"])) < 400


def test_no_field_could_hold_a_picture_or_a_key() -> None:
    assert not FIELDS & {"jpeg", "picture", "pixels", "crop", "face", "embedding", "private_key", "value", "payload"}


def test_the_same_complaint_comes_once_in_ten_seconds() -> None:
    seldom = Seldom()

    def passes(text: str, at: float) -> bool:
        record = logging.makeLogRecord({"name": "aiokafka.conn", "msg": text, "created": at})
        return seldom.filter(record)

    assert [passes("away: %s", at) for at in (100.0, 100.1, 109.9, 110.0, 110.1)] == [True, False, False, True, False]
    assert passes("another: %s", 110.1)
