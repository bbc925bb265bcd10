"""What a log line may hold."""

from pipeline.logs import FIELDS, allow_listed


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
