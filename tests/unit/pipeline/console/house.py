"""A console with a small house behind it, all in memory: two stores, three cameras, a day of windows."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

import cv2
import numpy as np
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from pipeline.clock import ManualClock
from pipeline.console.app import create
from pipeline.console.drawings import MemoryDrawings
from pipeline.console.memory import MemoryBroker, MemoryObjects, MemoryVault, MemoryWarehouse
from pipeline.console.memory_people import MemoryPeople
from pipeline.console.sources import Forgotten, Group, Reading, Sources
from pipeline.flow.rows import CoverageRow, FlowRow
from pipeline.governance.roles import Role
from pipeline.vault.api import Grant, Person
from schemas.alert import Alert, Category, Explanation, ObservationCode, Rarity, Usefulness
from schemas.envelope import Module, Purpose
from schemas.erasure import ErasureReceipt
from schemas.estate import Camera, Estate, Line, Store, Zone, ZoneKind
from schemas.evidence import EvidenceFrame
from schemas.flow import HEAT_ACROSS, HEAT_DOWN
from schemas.frozen import to_utc
from schemas.geometry import Box, Point
from schemas.health import DeviceHealth
from schemas.ids import AlertId, CameraId, DeviceId, EventId, KeyId, LineId, NoticeId, StoreId, ZoneId
from schemas.regulation import Person as Somebody
from schemas.regulation import Regulation, Retention

NOON: Final = datetime(2026, 11, 23, 5, 40, tzinfo=UTC)
"""14:40 in Tokyo."""

_SQUARE: Final = (Point(x=0.1, y=0.1), Point(x=0.9, y=0.1), Point(x=0.9, y=0.9), Point(x=0.1, y=0.9))
_MODULE: Final = Module(name="watching", version="1")


def estate() -> Estate:
    return Estate(
        demo=True,
        frame_ttl=timedelta(minutes=60),
        stores=(
            Store(
                id=StoreId("ginza"),
                name="銀座店 Ginza",
                regulation="rules.toml",
                cameras=(
                    Camera(id=CameraId("door"), name="入口 Entrance", lines=(_line("door", "正面入口 Front door"),)),
                    Camera(
                        id=CameraId("shelf"),
                        name="化粧品 Cosmetics",
                        zones=(
                            Zone(id=ZoneId("shelf-b3"), name="棚 B3 Shelf B3", polygon=_SQUARE),
                            Zone(id=ZoneId("back"), name="倉庫 Stock room", kind=ZoneKind.RESTRICTED, polygon=_SQUARE),
                        ),
                    ),
                ),
            ),
            Store(
                id=StoreId("shibuya"),
                name="渋谷店 Shibuya",
                regulation="rules.toml",
                cameras=(Camera(id=CameraId("hall"), name="通路 Passage", lines=(_line("hall", "通路 Passage"),)),),
            ),
        ),
    )


def _line(line: str, name: str) -> Line:
    return Line(id=LineId(line), name=name, start=Point(x=0.2, y=0.5), end=Point(x=0.8, y=0.5))


def alert(number: int = 1, *, at: datetime = NOON, **changes: object) -> Alert:
    """A long stay; `changes` make it another."""
    fields: dict[str, object] = {
        "event_id": EventId(f"event-{number}"),
        "alert_id": AlertId(f"alert-{number}"),
        "store_id": StoreId("ginza"),
        "camera_id": CameraId("shelf"),
        "utc_time": at,
        "purpose": Purpose.CRIME_PREVENTION,
        "expires_at": at + timedelta(days=30),
        "notice_id": NoticeId("notice"),
        "module": _MODULE,
        "category": Category.LOITERING,
        "observation": ObservationCode.PERSON_STAYED_LONG,
        "zone_id": ZoneId("shelf-b3"),
        "start": at - timedelta(seconds=250),
        "end": at,
        "numbers": {"seconds": 250.0, "extent_body_heights": 0.84, "earlier_visits": 2140.0},
        "rarity": Rarity(one_in=268.0, n=2140),
        "usefulness": Usefulness(share=0.62, low=0.5, high=0.73, n=81),
        "score": 5.59,
        "threshold": 4.6,
        "explanations": (
            Explanation.COMPARING_PRODUCTS,
            Explanation.WAITING_FOR_SOMEONE,
            Explanation.LOOKING_FOR_STAFF,
        ),
    }
    return Alert.model_validate(fields | changes)


def restricted(number: int, *, at: datetime = NOON) -> Alert:
    """Somebody in the stock room, without a rarity yet."""
    return alert(
        number,
        at=at,
        category=Category.RESTRICTED_ZONE,
        observation=ObservationCode.PERSON_IN_RESTRICTED_ZONE,
        zone_id=ZoneId("back"),
        start=at - timedelta(seconds=6),
        numbers={"seconds": 6.0, "sightings": 28.0},
        rarity=None,
        usefulness=None,
        explanations=(Explanation.STAFF_AT_WORK, Explanation.LOST_THE_WAY, Explanation.DELIVERY),
    )


def flow_rows(now: datetime) -> list[FlowRow]:
    """From ten in the morning to now, a quarter of an hour at a time; small numbers are withheld."""
    opened = to_utc(now).replace(hour=1, minute=0, second=0, microsecond=0)
    starts = [opened + timedelta(minutes=15) * index for index in range((now - opened) // timedelta(minutes=15))]
    rows = []
    for index, start in enumerate(starts):
        busy = 9 + 8 * math.sin(index / 3.1) + 3 * math.sin(index * 1.7)
        for store, camera, share in (("ginza", "door", 1.0), ("shibuya", "hall", 1.6)):
            come = _row(store, camera, start, round(busy * share))
            rows.append(come._replace(metric="line_in", line_id=camera))
            back = _row(store, camera, start, round(busy * share * 0.9))
            rows.append(back._replace(metric="line_out", line_id=camera))
        rows.append(_row("ginza", "shelf", start, round(busy / 2.2))._replace(metric="occupancy", zone_id="shelf-b3"))
    return rows


def stay_rows(now: datetime) -> list[FlowRow]:
    """An hour of heat and stays at the shelf."""
    opened = to_utc(now).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    rows = []
    for index in range(4):
        row = _row("ginza", "shelf", opened + timedelta(minutes=15) * index, 9)
        cells = [
            max(0.0, 90 - 9 * math.hypot(cell % HEAT_ACROSS - 12 - index, 1.6 * (cell // HEAT_ACROSS - 11)))
            for cell in range(HEAT_ACROSS * HEAT_DOWN)
        ]
        rows.append(row._replace(metric="heat", values=tuple(cells)))
        at_shelf = row._replace(zone_id="shelf-b3")
        rows.append(at_shelf._replace(metric="dwell_histogram", values=(3.0, 7.0, 12.0, 9.0, 6.0, 4.0, 0.0, 0.0)))
        rows.append(at_shelf._replace(metric="dwell_median", values=(39.0 + index,)))
    return rows


def _row(store: str, camera: str, start: datetime, count: int) -> FlowRow:
    few = count < 3
    return FlowRow(
        store_id=store, camera_id=camera, metric="", line_id="", zone_id="", window_start=start,
        window_seconds=900, profile="published", version=1, values=() if few else (float(count),),
        coverage=0.62 if start.minute == 30 else 0.97, suppressed=few, suppressed_below=3, noise_epsilon=None,
        notice_id="notice", model_digest="", config_digest="", expires_at=start + timedelta(days=761), day=start.date(),
    )  # fmt: skip


def coverage_row(store: str, camera: str, start: datetime, analysed: int, stills: int) -> CoverageRow:
    return CoverageRow(
        store_id=store, camera_id=camera, window_start=start, window_seconds=900, profile="published", version=1,
        frames_expected=4500, frames_analysed=analysed, stills=stills, skipped=0, erased=0, late=0, people_tracked=37,
        notice_id="notice", model_digest="", config_digest="", expires_at=start + timedelta(days=761),
    )  # fmt: skip


def device_health(store: str, camera: str, at: datetime, *, frames: int, stills: int, dropped: int = 0) -> DeviceHealth:
    return DeviceHealth(
        event_id=EventId(f"health-{camera}-{at.timestamp()}"), store_id=StoreId(store), camera_id=CameraId(camera),
        utc_time=at, purpose=Purpose.OPERATION, expires_at=at + timedelta(days=30), notice_id=NoticeId("notice"),
        module=_MODULE, device_id=DeviceId(f"{store}-gateway"), boot=3, captured=frames + stills + dropped,
        frames=frames, stills=stills, dropped=dropped,
    )  # fmt: skip


def receipt(index: int, at: datetime) -> ErasureReceipt:
    return ErasureReceipt(
        event_id=EventId(f"receipt-{index}"), store_id=StoreId("ginza"), camera_id=CameraId("door"), utc_time=at,
        purpose=Purpose.OPERATION, expires_at=at + timedelta(days=30), notice_id=NoticeId("notice"), module=_MODULE,
        key_id=KeyId(f"key-{index}"), key_purpose=Purpose.CRIME_PREVENTION, bucket_start=at - timedelta(hours=1),
        key_created_at=at - timedelta(hours=2), key_expired_at=at, destroyed_at=at, ledger_index=index,
        ledger_hash="0" * 64, signature="",
    )  # fmt: skip


def groups() -> tuple[Group, ...]:
    def group(stage: str, topic: str, *lags: int) -> Group:
        return Group(stage, 1, tuple(Reading(topic, each, 1000 - lag, 200, 1000) for each, lag in enumerate(lags)))

    return (
        group("detecting", "frames.v1", 0, 3, 12, 0),
        group("watching", "detections.v1", 0, 0, 1, 0),
        group("recording", "alerts.v1", 0, 0, 0, 0),
        group("cutting", "alerts.v1", 0, 0, 0, 0),
        Group("erasing", 0, ()),
    )


BASE: Final = "http://127.0.0.1:8080"
OURS: Final = {"sec-fetch-site": "same-origin"}
PASSWORD: Final = "four quiet words here"
GINZA: Final = (StoreId("ginza"),)


def person(name: str, *grants: Grant, **changes: object) -> Person:
    """Somebody with everything in order; `changes` make it otherwise."""
    return Person(
        name=name,
        display_name=name.title(),
        grants=grants,
        training_until=NOON + timedelta(days=200),
        pledge_until=NOON + timedelta(days=200),
        acknowledged_version="2",
    ).model_copy(update=changes)


EVERYBODY: Final = (
    # Whoever tests the page as a whole: sees everything there is.
    person("head", Grant(role=Role.MANAGER, stores="*"), Grant(role=Role.ON_CALL, stores="*")),
    person("sato", Grant(role=Role.MANAGER, stores=GINZA)),
    person("suzuki", Grant(role=Role.DEPUTY, stores=GINZA)),
    person("tanaka", Grant(role=Role.STAFF, stores=GINZA)),
    person("ito", Grant(role=Role.STAFF, stores=(StoreId("shibuya"),))),
    person("mori", Grant(role=Role.AUDITOR, stores="*")),
    person("abe", Grant(role=Role.ON_CALL, stores="*")),
    person(
        "kato",
        Grant(role=Role.MANAGER, stores=GINZA),
        acknowledged_version="1",
        to_acknowledge=("2",),
        suspended=("training_expired", "rules_not_acknowledged"),
    ),
)


def rules() -> dict[StoreId, Regulation]:
    """What both stores have decided."""
    found = Regulation(
        version="2",
        operator="Mimamori Test K.K.",
        purposes=(Purpose.CRIME_PREVENTION, Purpose.PEOPLE_FLOW),
        retention=Retention(frames=timedelta(hours=1)),
        manager=Somebody(name="Sato"),
        deputy=Somebody(name="Suzuki"),
    )
    return {store.id: found for store in estate().stores}


def clip_frames(count: int = 3, *, at: datetime = NOON) -> tuple[EvidenceFrame, ...]:
    """Frames a second apart, each concerned with a box that moves a little."""
    return tuple(
        EvidenceFrame(
            utc_time=at + timedelta(seconds=number),
            size=len(jpeg(number)),
            box=Box(left=0.3 + number / 50, top=0.2, right=0.5 + number / 50, bottom=0.9),
        )
        for number in range(count)
    )


@cache
def jpeg(number: int) -> bytes:
    """A drawn picture that no other is like: a band that moves, and a pattern to find it by."""
    picture = np.full((240, 320, 3), 200, np.uint8)
    picture[60:220, 100 + 6 * number : 160 + 6 * number] = (110, 140, 90)
    done, data = cv2.imencode(".jpg", picture)
    assert done
    return CANARY + data.tobytes()[2:]


CANARY: Final = b"\xff\xd8\xff\xfe\x00\x22mimamori-canary-" + b"7d1f09a3e6c2b584"
"""A JPEG's beginning with a comment in it, by which a copy anywhere is found."""


@dataclass
class House:
    """The console and what lies behind it, to be changed while it runs."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    warehouse: MemoryWarehouse = field(default_factory=MemoryWarehouse)
    broker: MemoryBroker = field(default_factory=lambda: MemoryBroker(groups(), {"frames.v1.dead": 2}))
    vault: MemoryVault = field(default_factory=MemoryVault)
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    drawings: MemoryDrawings = field(default_factory=lambda: MemoryDrawings(estate()))

    def __post_init__(self) -> None:
        accounts = {each.name: (PASSWORD, each) for each in EVERYBODY}
        self.people = MemoryPeople(self.clock, self.objects, accounts)

    def sources(self) -> Sources:
        return Sources(self.warehouse, self.broker, self.vault, self.people, self.objects, rules(), self.drawings)

    def app(self) -> FastAPI:
        return create(estate(), self.sources(), self.clock)

    def keep(self, number: int = 1, store: str = "ginza", camera: str = "shelf") -> None:
        """Keep three pictures of an alert."""
        frames = clip_frames()
        self.people.keep(f"alert-{number}", store, camera, frames, [jpeg(each) for each in range(len(frames))])

    def backdrop(self, alert_id: str, camera: str = "shelf") -> None:
        """Make a backdrop that was asked for."""
        whole = Box(left=0, top=0, right=1, bottom=1)
        frame = EvidenceFrame(utc_time=self.clock.now(), size=len(jpeg(0)), box=whole)
        self.people.keep(alert_id, "ginza", camera, [frame], [jpeg(0)], lives=timedelta(hours=1))


@asynccontextmanager
async def visiting(app: FastAPI, name: str = "head") -> AsyncIterator[AsyncClient]:
    """A browser in which somebody has signed in; nobody, for an empty name."""
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as client:
        if name:
            await sign_in(client, name)
        yield client


async def sign_in(client: AsyncClient, name: str) -> None:
    answer = await client.post("/api/sign-in", json={"name": name, "password": PASSWORD}, headers=OURS)
    assert answer.status_code == 200, answer.text


@asynccontextmanager
async def open_house(house: House, name: str = "head") -> AsyncIterator[AsyncClient]:
    """A console that keeps up, and somebody who visits it."""
    app = house.app()
    async with app.router.lifespan_context(app), visiting(app, name) as client:
        for _ in range(20):  # the feed's two tasks take their first turns
            await asyncio.sleep(0)
        yield client


def furnished() -> House:
    """A house in the afternoon of an ordinary day."""
    house = House()
    now = house.clock.now()
    house.warehouse.flow_rows.extend(flow_rows(now))
    house.warehouse.flow_rows.extend(stay_rows(now))
    house.warehouse.coverage_rows.extend(
        (
            coverage_row("ginza", "door", now - timedelta(minutes=25), 3100, 1280),
            coverage_row("ginza", "shelf", now - timedelta(minutes=25), 2200, 2170),
        )
    )
    house.vault.said = Forgotten(
        keys_destroyed=1284,
        keys_alive=36,
        oldest_readable=now - timedelta(minutes=58, seconds=12),
        next_destruction_at=now + timedelta(minutes=8, seconds=12),
        ttl=timedelta(hours=1),
    )
    house.broker.tell(receipt(1283, now - timedelta(minutes=1, seconds=48)))
    house.broker.tell(device_health("ginza", "door", now - timedelta(seconds=2), frames=41233, stills=90211))
    house.broker.tell(
        device_health("ginza", "shelf", now - timedelta(seconds=4), frames=20177, stills=111200, dropped=14)
    )
    house.broker.tell(device_health("shibuya", "hall", now - timedelta(minutes=6), frames=8021, stills=1100))
    return house
