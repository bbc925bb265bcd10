"""Dead letters say why, and keep the envelope; never the payload."""

from datetime import timedelta

import pytest

from agents import dead_letter
from pipeline.errors import Rejected
from pipeline.received import Received
from schemas.dead_letter import DeadLetter
from schemas.detections import FrameRef
from schemas.envelope import DataClass, Message
from schemas.frame import Frame
from schemas.wire import Sealed
from tests.examples import examples
from tests.unit.agents.twin import broken, tick


def test_a_broken_records_letter_says_why_and_where_it_lay() -> None:
    letter = dead_letter.of_broken(broken(7), "watching")

    assert letter.reason == "bad_content"
    assert letter.source_record.offset == 7
    assert letter.value_bytes == 5
    assert letter.stage == "watching"
    assert letter.data_class is DataClass.OPERATIONAL


def test_a_refused_messages_letter_keeps_its_envelope_and_not_its_body() -> None:
    letter = dead_letter.of_rejected(tick(3), Rejected("unknown_camera", "no such camera"), "watching")

    assert letter.store_id == "s1"
    assert letter.headers["ce_source"] == "/stores/s1/cameras/a"
    assert (letter.reason, letter.detail) == ("unknown_camera", "no such camera")


def test_r01_a_refused_frames_letter_does_not_say_where_somebody_moved() -> None:
    frame = next(each for each in examples() if isinstance(each, Frame))
    received = Received(Sealed(frame, b"sealed"), FrameRef(topic="frames.v1", partition=0, offset=1))
    letter = dead_letter.of_rejected(received, Rejected("bad_image"), "detecting")

    assert frame.motion_in_cells
    assert "ce_motionincells" not in letter.headers
    assert frame.motion_in_cells not in letter.model_dump_json()
    assert letter.headers["ce_sequence"] == str(frame.sequence)


def test_the_same_record_makes_the_same_letter() -> None:
    assert dead_letter.of_broken(broken(7), "watching") == dead_letter.of_broken(broken(7), "watching")
    assert (
        dead_letter.of_broken(broken(7), "watching").event_id != dead_letter.of_broken(broken(8), "watching").event_id
    )


def test_a_record_of_no_known_store_has_a_letter_too() -> None:
    assert dead_letter.of_broken(broken(1), "watching").store_id == "unknown"


def test_poison_has_a_letter_of_its_own() -> None:
    assert dead_letter.of_poison(tick(3), "watching").reason == "poison"


@pytest.mark.parametrize("message", examples(), ids=lambda each: each.ce_type)
def test_r23_no_message_leaves_more_in_its_letter_than_whose_it_was_and_when(message: Message) -> None:
    """A letter outlives an early erasure: what is in it must find no place in a picture and nobody."""
    told: Message | Sealed = Sealed(message, b"sealed") if isinstance(message, Frame) else message
    received = Received(told, FrameRef(topic="frames.v1", partition=0, offset=1))
    letter = dead_letter.of_rejected(received, Rejected("unknown_camera"), "watching")

    assert letter.expires_at - letter.utc_time == timedelta(days=7)
    assert letter.headers.keys() <= {
        "ce_specversion", "ce_type", "ce_source", "ce_id", "ce_time", "content-type", "ce_purpose", "ce_dataclass",
        "ce_expires", "ce_noticeid", "ce_deviceid", "ce_boot", "ce_sequence", "ce_keyid", "ce_reference", "ce_module",
    }  # fmt: skip
    assert DeadLetter.model_fields.keys() - Message.model_fields.keys() == {
        "source_record", "reason", "detail", "headers", "value_bytes", "stage"
    }  # fmt: skip
