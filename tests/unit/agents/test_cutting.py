"""Alerts in, sealed clips out: once, of what is still there, and with nobody else's head."""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from faust.types.tuples import TP
from pydantic import SecretStr

from agents import dying
from agents.cutting import Cutting, Rounds, create
from agents.handling import Result
from pipeline import sealing, signing
from pipeline.clock import ManualClock
from pipeline.errors import Erased, MimamoriError, Misconfigured, Refused, Rejected, Unavailable
from pipeline.evidence.clip import Clip, header_of, name_of, open_clip, pack
from pipeline.evidence.hide import GREY, Picture
from pipeline.evidence.keep import Keeper
from pipeline.evidence.log import Found
from pipeline.evidence.share import MOST, WITHIN
from pipeline.objects import Objects, open_objects
from pipeline.received import Received
from pipeline.sealing import Opener
from pipeline.settings import Objects as ObjectsSettings
from pipeline.settings import Settings
from pipeline.settings import Vault as VaultSettings
from pipeline.vault.access import WrongRole
from pipeline.vault.api import EvidenceObject, Hold, HoldState, ObjectKey, ObjectRequest, Stored
from schemas.alert import Alert, AlertFrame
from schemas.aside import SetAside
from schemas.detections import Detection, FrameDetections, FrameRef, ObjectType
from schemas.evidence import EvidenceFrame
from schemas.frame import Frame
from schemas.geometry import Box
from schemas.ids import AlertId, CameraId, DeviceId, KeyId, StoreId
from schemas.topics import topics
from schemas.wire import encode
from tests.examples import HOUR, NOON, common, examples
from tests.unit.agents.twin import Died
from tests.unit.pipeline.test_opening import BUCKET, ESTATE, FRAMES, GATEWAY

KEY, HELD = (sealing.generate(sealing.SealSuite.X25519) for _ in range(2))
WEEK = timedelta(days=7)
ALERT = next(each for each in examples() if isinstance(each, Alert))
CONCERNED = Box(left=0.1, top=0.1, right=0.3, bottom=0.9)
OTHER = Box(left=0.6, top=0.1, right=0.8, bottom=0.9)
DETECTIONS = topics(ESTATE.lives)["detections.v1"]


def picture(number: int = 0) -> Picture:
    """A picture of bright stripes, none of them grey."""
    drawn = np.full((120, 160, 3), 230, np.uint8)
    drawn[:, :: 8 + number] = 20
    return drawn


def jpeg(number: int = 0) -> bytes:
    return cv2.imencode(".jpg", picture(number))[1].tobytes()


def ref(topic: str, offset: int) -> FrameRef:
    return FrameRef(topic=topic, partition=2, offset=offset)


def named(*numbers: int) -> tuple[AlertFrame, ...]:
    return tuple(
        AlertFrame(frame=ref("frames.v1", each), bounding_box=CONCERNED, detections=ref("detections.v1", each))
        for each in numbers
    )


def alert(*numbers: int, **changes: Any) -> Alert:
    span = {"start": NOON, "end": NOON + timedelta(seconds=1), "utc_time": NOON + timedelta(seconds=1)}
    return ALERT.model_copy(update={"frame_refs": named(*(numbers or (0, 1))), **span, **changes})


class Record:
    """What the log holds: three frames, and what was found in them."""

    def __init__(self) -> None:
        self.found = Found({}, {})
        for number in range(3):
            self.add(number)

    def add(self, number: int, *, people: Sequence[Box] = (CONCERNED, OTHER), **changes: Any) -> None:
        when = {"utc_time": NOON + timedelta(seconds=0.4 * number), "expires_at": NOON + HOUR}
        frame = Frame(
            **common(f"f{number}", key_id="k-1", device_id="gateway-1", boot=1, sequence=number) | when | changes
        )
        sealed = sealing.seal(BUCKET.public, sealing.frame_info(frame), jpeg(number))
        unsigned = encode(frame, FRAMES, sealed=sealed)
        record = encode(frame, FRAMES, sealed=sealed, signature=signing.sign(GATEWAY, unsigned.headers, unsigned.value))
        self.found.frames[ref("frames.v1", number)] = said("frames.v1", record)
        self.tell(number, people=people, utc_time=frame.utc_time)

    def tell(self, number: int, *, people: Sequence[Box] = (), **changes: Any) -> None:
        boxes = tuple(Detection(type=ObjectType.HUMAN, likelihood=0.75, bounding_box=each) for each in people)
        fields = common(f"d{number}", device_id="gateway-1", boot=1, sequence=number, frame=ref("frames.v1", number))
        more = {"frame_width": 160, "frame_height": 120, "detections": boxes}
        told = FrameDetections(**fields | more | changes)
        self.found.detections[ref("detections.v1", number)] = said("detections.v1", encode(told, DETECTIONS))

    async def fetch(self, frames: Sequence[FrameRef], detections: Sequence[FrameRef]) -> Found:
        return Found(
            {each: self.found.frames[each] for each in frames if each in self.found.frames}, self.found.detections
        )


def said(topic: str, record: Any) -> Any:
    return SimpleNamespace(topic=topic, key=record.key, headers=record.headers, value=record.value)


class Vault:
    """Gives one key an alert, and remembers what it was told."""

    def __init__(self, answer: MimamoriError | None = None) -> None:
        self.answer = answer
        self.told: list[tuple[KeyId, Stored]] = []
        self.asked = 0
        self.held: list[Hold] = []
        self.sealed: list[tuple[str, Stored]] = []
        self.gone = False
        self.others: list[AlertId] = []
        self.about: dict[str, Any] = {"stored": True}
        self.asked_for: list[ObjectRequest] = []

    async def object_key(self, asked: ObjectRequest) -> ObjectKey:
        self.asked += 1
        self.asked_for.append(asked)
        if self.answer is not None:
            raise self.answer
        about = asked.model_dump(exclude={"start", "end"})
        return ObjectKey(
            **about, key_id=KeyId("e-1"), expires_at=NOON + WEEK, public=KEY.public, stored=bool(self.told)
        )

    async def object_stored(self, key_id: KeyId, stored: Stored) -> None:
        if self.gone:
            raise Erased("gone")
        self.told.append((key_id, stored))

    async def objects(self, _store: StoreId | None = None) -> tuple[EvidenceObject, ...]:
        about = ALERT.model_dump(include={"alert_id", "store_id", "camera_id", "purpose", "start", "end"})
        times = {"created_at": NOON, "expires_at": NOON + WEEK}
        mine = EvidenceObject(**about, **times, key_id=KeyId("e-1"), stored=bool(self.told))
        return (mine, *(mine.model_copy(update={"alert_id": each, **self.about}) for each in self.others))

    async def holds(self) -> tuple[Hold, ...]:
        return tuple(self.held)

    async def hold_sealed(self, hold_id: str, stored: Stored) -> None:
        if self.gone:
            raise Refused("over")
        self.sealed.append((hold_id, stored))


class Leases:
    """Lends the keys of frames and of evidence, or answers as it is told."""

    def __init__(self, answer: MimamoriError | None = None) -> None:
        self.answer = answer

    async def private_key(self, key_id: KeyId, _purpose: object) -> bytearray:
        if self.answer is not None:
            raise self.answer
        return KEY.private if key_id == "e-1" else BUCKET.private

    async def opener(self, key_id: KeyId, purpose: object) -> Opener:
        return Opener(await self.private_key(key_id, purpose))


class Finder:
    """Finds no more faces."""

    def find_faces(self, bgr: Picture) -> Sequence[Box]:
        return ()


class House:
    """A cutting stage over twins."""

    def __init__(self, vault: Any, leases: Any) -> None:
        self.vault = vault
        self.leases = leases
        self.record = Record()
        self.objects: Objects = open_objects("memory://")
        self.clock = ManualClock(NOON + timedelta(seconds=2))
        self.keeper = Keeper(self.vault, self.leases, self.objects)
        self.cutting = self.another()

    def another(self) -> Cutting:
        """Return a worker that begins anew."""
        return Cutting(
            ESTATE,
            vault=self.vault,
            leases=self.leases,
            keeper=self.keeper,
            record=self.record,
            finder=Finder(),
            clock=self.clock,
        )

    async def cut(self, alert: Alert, by: Cutting | None = None) -> Result:
        (result,) = await (by or self.cutting).work([Received(alert, ref("alerts.v1", 0))])
        return result

    async def data(self, key: str = "e-1") -> bytes:
        data = await self.objects.get(name_of(ALERT.store_id, ALERT.camera_id, KeyId(key)))
        assert data is not None
        return data

    async def clip(self) -> Clip:
        return open_clip(await self.data(), KEY.private)


@pytest.fixture
def house() -> House:
    return House(Vault(), Leases())


def shown(data: bytes) -> Picture:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def is_hidden(data: bytes, box: Box) -> bool:
    """Say whether the head in a box is hidden, as near as a JPEG tells."""
    height, width = shown(data).shape[:2]
    part = shown(data)[
        int(box.top * height) : int((box.top + 0.2) * height), int(box.left * width) : int(box.right * width)
    ]
    return bool((abs(part.astype(int) - GREY) <= 8).all())


async def test_an_alert_becomes_a_clip_of_the_frames_that_it_names(house: House) -> None:
    assert await house.cut(alert(2, 0)) == ()

    clip = await house.clip()
    assert [each.utc_time for each in clip.manifest.frames] == [NOON, NOON + timedelta(seconds=0.8)]
    assert clip.manifest.alert_id == ALERT.alert_id
    for frame in clip.manifest.frames:
        assert frame.box.model_dump() == pytest.approx(CONCERNED.model_dump())


async def test_of_what_is_set_aside_nothing_is_cut(house: House) -> None:
    aside = next(each for each in examples() if isinstance(each, SetAside))

    assert list(await house.cutting.work([Received(aside, ref("alerts.v1", 0))])) == [()]
    assert not house.cutting.counts


async def test_the_concerned_one_is_seen_and_nobody_else(house: House) -> None:
    await house.cut(alert())

    for each in (await house.clip()).pictures:
        assert is_hidden(each, OTHER)
        assert not is_hidden(each, CONCERNED)


async def test_r16_a_bystander_outside_of_the_regions_that_were_looked_at_is_not_seen(house: House) -> None:
    for number in range(2):
        house.record.tell(
            number,
            people=(CONCERNED,),
            utc_time=NOON + timedelta(seconds=0.4 * number),
            regions=(Box(left=0, top=0, right=0.5, bottom=1),),
        )
    await house.cut(alert())

    clip = await house.clip()
    assert len(clip.pictures) == 2
    for each in clip.pictures:
        assert is_hidden(each, OTHER)
        assert not is_hidden(each, CONCERNED)
    assert not any(each.whole for each in clip.manifest.frames)


async def test_the_clip_lies_under_the_alerts_key_and_the_vault_was_told_what_lies_there(house: House) -> None:
    await house.cut(alert())

    data = await house.data()
    header = header_of(data)
    assert (header.alert_id, header.key_id, header.expires_at) == (ALERT.alert_id, "e-1", NOON + WEEK)
    assert house.vault.told == [("e-1", Stored(sha256=sha256(data).hexdigest(), size=len(data)))]


# Again, late, and killed.


async def test_a_replay_cuts_nothing_again(house: House) -> None:
    await house.cut(alert())
    before = await house.data()

    assert await house.cut(alert(), house.another()) == ()
    assert await house.data() == before
    assert len(house.vault.told) == 1


async def test_who_died_between_putting_and_telling_put_what_is_told_by_the_next(house: House) -> None:
    house.vault.gone = False
    tell = house.vault.object_stored

    async def die(*_: object) -> None:
        raise Unavailable("away")

    house.vault.object_stored = die
    with pytest.raises(Unavailable):
        await house.cut(alert())
    before = await house.data()
    house.vault.object_stored = tell
    await house.cut(alert(), house.another())

    assert await house.data() == before
    assert [each.sha256 for _, each in house.vault.told] == [sha256(before).hexdigest()]


async def test_of_two_who_cut_at_once_both_tell_of_the_clip_that_lies_there(house: House) -> None:
    first = await house.cutting._clip(alert())
    key = await house.vault.object_key(ObjectRequest(**ALERT.model_dump(include=set(ObjectRequest.model_fields))))
    await house.cut(alert(), house.another())
    assert first is not None
    await house.keeper.put(key, first)

    assert {each.sha256 for _, each in house.vault.told} == {sha256(await house.data()).hexdigest()}


async def test_a_clip_that_nobody_told_of_is_told(house: House) -> None:
    tell, house.vault.object_stored = house.vault.object_stored, None
    with pytest.raises(TypeError):
        await house.cut(alert())
    house.vault.object_stored = tell

    assert await house.keeper.tell() == 1
    assert await house.keeper.tell() == 0
    assert [each.sha256 for _, each in house.vault.told] == [sha256(await house.data()).hexdigest()]


async def test_r20_evidence_that_was_erased_or_has_expired_is_not_made_anew(house: House) -> None:
    house.vault.answer = Erased("gone")

    assert await house.cut(alert()) == ()
    assert await house.objects.names("evidence/") == []
    assert house.cutting.counts["erased"] == 1


async def test_r23_what_was_put_while_its_key_was_erased_is_taken_away_at_once(house: House) -> None:
    house.vault.gone = True

    assert await house.cut(alert()) == ()
    assert await house.objects.names("evidence/") == []


async def test_r20_for_alerts_whose_frames_have_all_expired_no_key_is_asked_for(house: House) -> None:
    house.clock.advance(ESTATE.frame_ttl)

    assert await house.cut(alert()) == ()
    assert await house.cut(alert(frame_refs=())) == ()
    assert house.vault.asked == 0
    assert house.cutting.counts["too_late"] == 2


@pytest.mark.parametrize("away", ["vault", "leases"])
async def test_what_is_away_is_waited_for(house: House, away: str) -> None:
    getattr(house, away).answer = Unavailable("away")

    with pytest.raises(Unavailable):
        await house.cut(alert())


async def test_a_worker_with_the_wrong_token_waits_and_blames_no_alert(house: House) -> None:
    house.vault.answer = WrongRole("recording may not object_key")

    with pytest.raises(Unavailable):
        await house.cut(alert())


@pytest.mark.parametrize("answer", [Refused("purpose_incompatible"), Rejected("bad_content")])
async def test_r04_an_alert_that_gets_no_key_is_a_dead_letter(house: House, answer: MimamoriError) -> None:
    house.vault.answer = answer

    assert isinstance(await house.cut(alert()), Rejected)


@pytest.mark.parametrize(
    "change",
    [
        {"utc_time": NOON + timedelta(minutes=6)},
        {"end": NOON + timedelta(minutes=6)},
        {"start": NOON + timedelta(seconds=1), "end": NOON},
    ],
)
async def test_an_alert_that_cannot_be_true_is_a_dead_letter_and_nobody_is_asked(
    house: House, change: dict[str, Any]
) -> None:
    assert isinstance(await house.cut(alert(**change)), Rejected)
    assert house.vault.asked == 0


async def test_what_was_on_time_when_it_came_is_cut_however_the_workers_clock_goes(house: House) -> None:
    house.clock.advance(timedelta(minutes=-20))

    (result,) = await house.cutting.work([Received(alert(), ref("alerts.v1", 0), taken=NOON + timedelta(seconds=1))])

    assert result == ()
    assert house.vault.told


async def test_a_camera_has_no_more_clips_an_hour_than_its_share_whoever_writes_alerts(house: House) -> None:
    # One the vault knows of from the beginning.
    for number in range(MOST - 1 + 3):
        assert await house.cut(alert(alert_id=AlertId(f"a-{number}"))) == ()

    assert (house.vault.asked, house.cutting.counts["too_many"]) == (MOST - 1, 3)

    await house.cut(alert(alert_id=AlertId("a-0")))
    assert house.vault.asked == MOST, "one that has evidence is no new one"

    house.clock.advance(WITHIN - timedelta(seconds=30))
    when = house.clock.now() - timedelta(seconds=1)
    await house.cut(alert(alert_id=AlertId("later"), utc_time=when))
    assert house.cutting.counts["too_many"] == 4

    house.clock.advance(timedelta(seconds=31))
    await house.cut(alert(alert_id=AlertId("later"), utc_time=when))
    assert house.cutting.counts["too_many"] == 4


@pytest.mark.parametrize(("camera", "asked"), [(ALERT.camera_id, 0), (CameraId("till"), 1)])
async def test_who_begins_anew_counts_what_the_camera_has(house: House, camera: CameraId, asked: int) -> None:
    house.vault.others = [AlertId(f"b-{number}") for number in range(MOST)]
    house.vault.about = {"camera_id": camera}

    await house.cut(alert(alert_id=AlertId("one-more")), house.another())

    assert house.vault.asked == asked


async def test_an_alert_of_a_camera_that_nobody_knows_is_counted_as_recording_sends_the_letter(house: House) -> None:
    result = await house.cut(alert(camera_id=CameraId("nowhere")))

    assert result == ()
    assert house.cutting.counts["unknown_camera"] == 1


# What is left out, and what is hidden wholly.


async def test_frames_that_are_gone_are_left_out(house: House) -> None:
    del house.record.found.frames[ref("frames.v1", 0)]
    await house.cut(alert())

    assert len((await house.clip()).pictures) == 1
    assert house.cutting.counts["frame_gone"] == 1


async def test_r20_with_no_frame_left_there_is_no_clip_and_the_vault_is_told_of_none(house: House) -> None:
    house.leases.answer = Erased("gone")

    assert await house.cut(alert()) == ()
    assert await house.objects.names("evidence/") == []
    assert house.vault.told == []
    assert house.cutting.counts["frame_expired"] == 2


@pytest.mark.parametrize(
    "change", [{"camera_id": CameraId("till")}, {"device_id": DeviceId("other")}, {"store_id": StoreId("other")}]
)
async def test_a_frame_of_another_camera_or_device_is_left_out(house: House, change: dict[str, Any]) -> None:
    house.record.add(0, **change)
    await house.cut(alert())

    assert len((await house.clip()).pictures) == 1
    assert house.cutting.counts["frame_unusable"] == 1


async def test_a_frame_that_nobody_signed_is_left_out(house: House) -> None:
    house.record.found.frames[ref("frames.v1", 0)].value = b"something else"
    await house.cut(alert())

    assert len((await house.clip()).pictures) == 1


@pytest.mark.parametrize(
    ("start", "end", "left"), [(0.4, 1, [0.4, 0.8]), (0, 0.4, [0, 0.4]), (0.1, 0.7, [0.4]), (0.5, 0.6, None)]
)
async def test_r23_a_frame_outside_the_alerts_span_is_left_out_since_erasing_the_span_would_not_meet_it(
    house: House, start: float, end: float, left: list[float] | None
) -> None:
    since, until = (NOON + timedelta(seconds=each) for each in (start, end))

    await house.cut(alert(0, 1, 2, start=since, end=until))

    if left is None:
        assert await house.objects.names("evidence/") == []
    else:
        assert [each.utc_time for each in (await house.clip()).manifest.frames] == [
            NOON + timedelta(seconds=each) for each in left
        ]
    assert house.cutting.counts["frame_unusable"] == 3 - len(left or ())
    (asked,) = house.vault.asked_for
    assert (asked.start, asked.end) == (since, until)


async def test_detections_that_lie_where_a_frame_should_are_no_frame(house: House) -> None:
    house.record.found.frames[ref("frames.v1", 0)] = house.record.found.detections[ref("detections.v1", 0)]
    await house.cut(alert())

    assert len((await house.clip()).pictures) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"frame": ref("frames.v1", 1)},
        {"frame_width": 320},
        {"camera_id": CameraId("till")},
        {"store_id": StoreId("other")},
    ],
)
async def test_a_picture_whose_boxes_are_not_known_is_hidden_wholly(house: House, change: dict[str, Any]) -> None:
    house.record.tell(0, people=[CONCERNED, OTHER], **change)
    await house.cut(alert())

    clip = await house.clip()
    assert [each.whole for each in clip.manifest.frames] == [True, False]
    assert (abs(shown(clip.pictures[0]).astype(int) - GREY) <= 1).all()


async def test_without_its_detections_too(house: House) -> None:
    del house.record.found.detections[ref("detections.v1", 0)]
    await house.cut(alert())

    assert [each.whole for each in (await house.clip()).manifest.frames] == [True, False]


@pytest.mark.parametrize("people", [[], [OTHER], [CONCERNED.model_copy(update={"left": 0.11}), OTHER]])
async def test_r16_a_picture_in_which_the_concerned_one_was_not_found_is_hidden_wholly(
    house: House, people: list[Box]
) -> None:
    house.record.tell(0, people=people, utc_time=NOON)
    await house.cut(alert())

    assert [each.whole for each in (await house.clip()).manifest.frames] == [True, False]


async def test_who_was_missed_in_one_frame_is_hidden_by_those_around_it(house: House) -> None:
    house.record.tell(1, people=[CONCERNED], utc_time=NOON + timedelta(seconds=0.4))
    await house.cut(alert(1))

    (only,) = (await house.clip()).pictures
    assert is_hidden(only, OTHER)


# Holds.


def hold(**changes: Any) -> Hold:
    about = ALERT.model_dump(include={"alert_id", "store_id", "camera_id", "purpose"})
    decided = {"hold_id": "aa", "state": HoldState.CONFIRMED, "until": NOON + 4 * WEEK, "expires_at": NOON + WEEK}
    why = {"reason": "asked for by the insurer", "incident": "i-7", "proposed_by": "mori", "proposed_at": NOON}
    keys = {"key_id": "e-1", "held_key_id": "h-1", "public": HELD.public}
    return Hold(**about | decided | why | keys | changes)


async def test_r20_a_confirmed_hold_is_sealed_anew_for_its_own_key(house: House) -> None:
    await house.cut(alert())
    house.vault.held = [hold()]

    assert await house.keeper.reseal() == 1
    data = await house.data("h-1")
    assert (header_of(data).key_id, header_of(data).expires_at) == ("h-1", NOON + 4 * WEEK)
    assert open_clip(data, HELD.private) == await house.clip()
    assert house.vault.sealed == [("aa", Stored(sha256=sha256(data).hexdigest(), size=len(data)))]


async def test_sealed_again_the_same_is_told(house: House) -> None:
    await house.cut(alert())
    house.vault.held = [hold()]
    await house.keeper.reseal()
    await house.keeper.reseal()

    assert house.vault.sealed[0] == house.vault.sealed[1]


@pytest.mark.parametrize("state", [each for each in HoldState if each is not HoldState.CONFIRMED])
async def test_no_other_hold_is(house: House, state: HoldState) -> None:
    await house.cut(alert())
    house.vault.held = [hold(state=state)]

    assert await house.keeper.reseal() == 0
    assert len(await house.objects.names("evidence/")) == 1


async def test_a_hold_of_what_was_never_stored_waits(house: House) -> None:
    house.vault.held = [hold()]

    assert await house.keeper.reseal() == 0


async def test_r20_a_hold_whose_evidence_expired_meanwhile_is_not_sealed(house: House) -> None:
    await house.cut(alert())
    house.vault.held = [hold()]
    house.leases.answer = Erased("gone")

    assert await house.keeper.reseal() == 0
    assert house.vault.sealed == []


async def test_a_hold_that_was_ended_meanwhile_is_not_in_force(house: House) -> None:
    await house.cut(alert())
    house.vault.held = [hold()]
    house.vault.gone = True

    assert await house.keeper.reseal() == 0


async def test_what_is_no_clip_is_not_held(house: House) -> None:
    frame = EvidenceFrame(utc_time=NOON, size=len(jpeg()), box=CONCERNED)
    await house.objects.put(
        name_of(ALERT.store_id, ALERT.camera_id, KeyId("e-1")), pack(ALERT.alert_id, [frame], [jpeg()])
    )
    house.vault.held = [hold()]

    assert await house.keeper.reseal() == 0


# Starting.


def test_without_a_token_for_the_vault_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIMAMORI_VAULT__TOKEN", raising=False)

    with pytest.raises(Misconfigured, match="MIMAMORI_VAULT__TOKEN"):
        create(Settings(), ESTATE)


def test_without_a_place_for_objects_it_does_not_start() -> None:
    settings = Settings(vault=VaultSettings(token=SecretStr("one")), objects=ObjectsSettings(url="nowhere://"))

    with pytest.raises(Misconfigured, match="MIMAMORI_OBJECTS__URL"):
        create(settings, ESTATE)


# Beside the alerts.


@pytest.mark.parametrize(("partition", "done"), [(0, 1), (1, 0)])
async def test_only_who_holds_the_first_partition_looks_after_holds(house: House, partition: int, done: int) -> None:
    await house.cut(alert())
    house.vault.held = [hold()]
    stage: Any = SimpleNamespace(lanes={TP("alerts.v1", partition)})

    await Rounds(stage, house.keeper).reseal()
    await Rounds(stage, house.keeper).tell()

    assert len(house.vault.sealed) == done


async def test_a_vault_that_is_away_is_asked_again_later(house: House) -> None:
    async def away() -> tuple[Hold, ...]:
        raise Unavailable("away")

    house.vault.holds = away
    stage: Any = SimpleNamespace(lanes={TP("alerts.v1", 0)})

    await Rounds(stage, house.keeper).reseal()


async def test_what_ends_it_is_not_quoted(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def end(status: int) -> None:
        raise Died(str(status))

    answer = ValueError("a private thing")

    async def broken() -> tuple[Hold, ...]:
        raise answer

    monkeypatch.setattr(dying.os, "_exit", end)  # type: ignore[attr-defined]  # os, as the module has it
    house.vault.holds = broken
    stage: Any = SimpleNamespace(lanes={TP("alerts.v1", 0)})

    with pytest.raises(Died):
        await Rounds(stage, house.keeper).reseal()

    said = capsys.readouterr()
    assert "ValueError" in said.out + said.err
    assert "a private thing" not in said.out + said.err
