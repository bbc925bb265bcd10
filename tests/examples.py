"""One plain example of every message, for tests and golden files."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.alert import Alert, AlertFrame, Category, Explanation, ObservationCode, Quantile, Rarity
from schemas.aside import SetAside, Thing
from schemas.audit import AccessRecord
from schemas.dead_letter import DeadLetter
from schemas.detections import Detection, Erased, FrameDetections, FrameRef, ObjectType, Skipped, Still, Tick
from schemas.envelope import Message, Module, Purpose
from schemas.erasure import ErasureReceipt
from schemas.flow import CoverageWindow, FlowWindow, Metric
from schemas.frame import Frame
from schemas.gate import GateEvent
from schemas.geometry import Box
from schemas.health import CameraHealth, CameraState, DeviceHealth
from schemas.ids import event_id
from schemas.review import Outcome, Review

NOON: Final = datetime(2026, 11, 23, 3, 0, 0, 123456, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
BOX: Final = Box(left=0.25, top=0.25, right=0.375, bottom=0.75)
FRAME: Final = FrameRef(topic="frames.v1", partition=2, offset=41)
SEEN: Final = FrameRef(topic="detections.v1", partition=2, offset=40)


def common(name: str, **more: Any) -> dict[str, Any]:
    """Fields that every message has."""
    return {
        "event_id": event_id("example", name),
        "store_id": "ginza",
        "camera_id": "entrance",
        "utc_time": NOON,
        "purpose": Purpose.CRIME_PREVENTION,
        "expires_at": NOON + HOUR,
        "notice_id": "door-2026",
        "module": Module(name="example", version="1", model_digest="ab", config_digest="cd"),
        **more,
    }


def _ordered(name: str, **more: Any) -> dict[str, Any]:
    return common(name, device_id="gateway-1", boot=3, sequence=17, **more)


def _window(name: str, **more: Any) -> dict[str, Any]:
    quarter = timedelta(minutes=15)
    return common(
        name, purpose=Purpose.PEOPLE_FLOW, window_start=NOON, window_length=quarter, version=5,
        expires_at=NOON + timedelta(days=700), **more,
    )  # fmt: skip


def examples() -> list[Message]:
    """One of each."""
    return [
        Frame(**_ordered("frame", key_id="k-1", motion_in_cells="16x9:AAAA", reference=True)),
        FrameDetections(
            **_ordered("detections", frame=FRAME, frame_width=960, frame_height=540),
            detections=(
                Detection(type=ObjectType.HUMAN, likelihood=0.75, bounding_box=BOX),
                Detection(type=ObjectType.HUMAN_FACE, likelihood=0.5, bounding_box=BOX),
            ),
        ),
        Still(**_ordered("still", first_sequence=16, from_time=NOON - timedelta(seconds=1), frames=5, since_frame=15)),
        Skipped(**_ordered("skipped", first_sequence=17, frame=FRAME)),
        Erased(**_ordered("erased", frame=FRAME, key_id="k-1")),
        Tick(**common("tick")),
        Alert(
            **common("alert", alert_id=event_id("alert"), zone_id="stockroom", start=NOON, end=NOON),
            score=2,
            threshold=1,
            category=Category.RESTRICTED_ZONE,
            observation=ObservationCode.PERSON_IN_RESTRICTED_ZONE,
            numbers={"seconds": 2.0},
            rarity=Rarity(one_in=250, n=500),
            explanations=(Explanation.STAFF_AT_WORK,),
            frame_refs=(AlertFrame(frame=FRAME, bounding_box=BOX, detections=SEEN),),
            quantile=Quantile(edges=(1.0, 2.0), counts=(3, 4, 5)),
        ),
        SetAside(
            **common("aside"),
            things=(Thing(bounding_box=BOX, since=NOON - HOUR, set_aside=NOON, share=0.9),),
        ),
        Review(
            **common("review", alert_id=event_id("alert")),
            outcome=Outcome.NO_ACTION, reviewer="m.sato", worth_a_look=False,
        ),
        GateEvent(**common("gate", camera_id=None, purpose=Purpose.OPERATION), gate_id="gate-1", alarm=True),
        DeviceHealth(
            **common("device", device_id="gateway-1", purpose=Purpose.OPERATION),
            boot=3, captured=100, frames=60, stills=8, dropped=0,
        ),
        CameraHealth(**common("camera", purpose=Purpose.OPERATION), state=CameraState.COVERED),
        FlowWindow(
            **_window("flow"), line_id="door", metric=Metric.LINE_IN, values=(7,), coverage=0.9, suppressed_below=3
        ),
        CoverageWindow(
            **_window("coverage"), frames_expected=4500, frames_analysed=4400, stills=200, skipped=0, erased=1, late=0,
            people_tracked=31,
        ),
        ErasureReceipt(
            **common("erasure", purpose=Purpose.OPERATION),
            key_id="k-1", key_purpose=Purpose.CRIME_PREVENTION, bucket_start=NOON, key_created_at=NOON,
            key_expired_at=NOON + HOUR, destroyed_at=NOON + HOUR,
            ledger_index=9, ledger_hash="0" * 64, signature="c2ln",
        ),
        AccessRecord(
            **common("access", camera_id=None, purpose=Purpose.OPERATION),
            principal="recording", action="lease", asked_purpose=Purpose.PEOPLE_FLOW, granted=False, reason="purpose",
            ledger_index=10,
        ),
        DeadLetter(
            **common("dead", purpose=Purpose.OPERATION),
            source_record=FRAME, reason="bad_signature", headers={"ce_type": "mimamori.frame.v1"}, value_bytes=60_000,
            stage="detecting",
        ),
    ]  # fmt: skip
