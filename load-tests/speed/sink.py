"""How fast counts come into the warehouse: rows by `insert()`, and windows through recording, from Kafka to ClickHouse.

Recording is the real process: it reads what lies before it, writes, and commits its position by the stage's protocol.
"""

import asyncio
import base64
import contextlib
import itertools
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiokafka import AIOKafkaProducer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from measured import Measured, Spent
from warehouse import Engine, engine

from pipeline import signing
from pipeline.broker import create_topics
from pipeline.flow.rows import Row, row
from pipeline.local import java, kafka
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.queries import Query
from pipeline.warehouse.users import ERASER, READER, WRITER, User
from schemas.envelope import Module
from schemas.estate import load_estate
from schemas.flow import HEAT_ACROSS, HEAT_DOWN, CoverageWindow, FlowWindow, Metric
from schemas.ids import event_id
from schemas.topics import topics
from schemas.wire import Record, encode

ROOT: Final = Path(__file__).parents[2]
STORES: Final = 50
CAMERAS: Final = 4
WINDOW: Final = timedelta(minutes=15)
NOON: Final = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=60)
EARLIER: Final = NOON - timedelta(days=30)
LIVES: Final = timedelta(days=700)
TOKYO: Final = ZoneInfo("Asia/Tokyo")
BATCH: Final = 10_000
BATCHES: Final = 4
FIRST: Final = 1400
DRAINED_WITHIN: Final = 240.0
_MODULE: Final = Module(name="watching", version="1", model_digest="m", config_digest="c")

_STORE: Final = """
[[stores]]
id = "store-{store}"
regulation = "rules.toml"
[[stores.devices]]
id = "pc-{store}"
public_key = "{key}"
"""
_CAMERA: Final = """
[[stores.cameras]]
id = "camera-{camera}"
device = "pc-{store}"
notice = "front-1"
"""
_REGULATION: Final = """
version = "1"
purposes = ["crime_prevention", "people_flow"]
manager = { name = "Sato" }
deputy = { name = "Suzuki" }
retention = { frames = "1h" }
[[notices]]
id = "front-1"
text_version = "1"
place = "entrance"
languages = ["ja"]
checked_by = "Sato"
checked_on = 2026-01-01
purposes = ["crime_prevention", "people_flow"]
"""

Counted = FlowWindow | CoverageWindow


@dataclass(frozen=True)
class Took:
    """Things that were done, and what of their time and cores client and engine had."""

    count: int
    spent: Spent

    @property
    def rate(self) -> float:
        """Return how many a second when nobody else wants the cores; what is waited for besides counts."""
        return self.count / self.spent.own

    @property
    def by_the_wall(self) -> float:
        return self.count / self.spent.at

    def as_dict(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "per_second": round(self.rate),
            "per_second_by_the_wall": round(self.by_the_wall),
            "cpu_us_each": round(self.spent.cpu / self.count * 1e6, 1),
        }


def measure(place: Path, *, quick: bool) -> Measured:
    """Insert rows, then let recording read windows; fewer of both where it should be quick."""
    with engine(place) as running:
        inserts = asyncio.run(_inserts(running, 3 if quick else 9))
        inserted = sorted(inserts, key=lambda each: each.rate)[len(inserts) // 2]
        recorded, most = _recorded(running, place, 20_000 if quick else 100_000)
    return Measured(
        title="Counts into the warehouse",
        shown=[
            ("rows a second by insert()", f"{inserted.rate:,.0f}; by the wall {inserted.by_the_wall:,.0f}"),
            ("windows a second by recording", f"{recorded.rate:,.0f}; by the wall {recorded.by_the_wall:,.0f}"),
            ("inserts a second and table at most", f"{most:.2f}"),
        ],
        limited={"flow_insert_rows_per_s": inserted.rate, "recording_windows_per_s": recorded.rate},
        details={"insert": inserted.as_dict(), "recording": recorded.as_dict(), "inserts_per_second": round(most, 2)},
        plots=[lambda axes: _plot(axes, inserts, recorded)],
    )


def _plot(axes: Any, inserts: list[Took], recorded: Took) -> None:
    rates = {"insert()": statistics.median(each.rate for each in inserts), "recording": recorded.rate}
    axes.barh(list(rates), list(rates.values()))
    axes.set(title="Counts into the warehouse", xlabel="a second", xscale="log")


def windows(count: int, begin: datetime = NOON) -> Iterator[Counted]:
    """Return windows as cameras tell them: of each a coverage, a line's two counts, a zone's three, and a heat map."""
    for number in itertools.count():
        start = begin + number * WINDOW
        for store, camera in itertools.product(range(STORES), range(CAMERAS)):
            for window in _of_one(f"store-{store}", f"camera-{camera}", start):
                yield window
                count -= 1
                if not count:
                    return


def _of_one(store: str, camera: str, start: datetime) -> Iterator[Counted]:
    people = float(3 + (start.minute + len(store)) % 20)
    common = {
        "store_id": store, "camera_id": camera, "utc_time": start, "expires_at": start + LIVES, "notice_id": "front-1",
        "module": _MODULE, "window_start": start, "window_length": WINDOW, "version": 1,
    }  # fmt: skip
    seen = dict.fromkeys(("frames_expected", "frames_analysed", "stills"), 900)
    missed = dict.fromkeys(("skipped", "erased", "late"), 0)
    yield CoverageWindow.model_validate(
        {**common, **seen, **missed, "people_tracked": 30, "event_id": event_id("coverage", store, camera, start)}
    )
    line, zone = {"line_id": "entrance"}, {"zone_id": "counter"}
    cells = tuple(people * (n % 7 == 0) for n in range(HEAT_ACROSS * HEAT_DOWN))
    for metric, where, values in (
        (Metric.LINE_IN, line, (people,)),
        (Metric.LINE_OUT, line, (people + 1,)),
        (Metric.OCCUPANCY, zone, (people * 0.37,)),
        (Metric.DWELL_HISTOGRAM, zone, (3.0, 4.0, 5.0, people, 7.0, 0.0, 3.0, 0.0)),
        (Metric.DWELL_MEDIAN, zone, (40.5,)),
        (Metric.HEAT, {}, cells),
    ):
        told = {"metric": metric, "values": values, "coverage": 1, "suppressed_below": 3, **where}
        yield FlowWindow.model_validate({**common, **told, "event_id": event_id(metric.value, store, camera, start)})


async def _inserts(running: Engine, times: int) -> list[Took]:
    """Insert some batches, two callers at a time, so that engine and client work beside each other as in service."""
    counts = (each for each in windows(BATCH * (times + 1) * BATCHES * 7 // 6, EARLIER) if isinstance(each, FlowWindow))
    rows: list[Row] = [row(each, TOKYO) for each in counts]
    batches = [rows[begin : begin + BATCH] for begin in range(0, len(rows) - BATCH + 1, BATCH)]
    found = []
    async with Warehouse(running.login(WRITER)) as warehouse:
        for turn in range(times + 1):
            waiting = iter(batches[turn * BATCHES : (turn + 1) * BATCHES])
            before = Spent.of(running.pid, "self")
            await asyncio.gather(*(_insert_all(warehouse, waiting) for _ in range(2)))
            if turn:
                found.append(Took(BATCHES * BATCH, Spent.of(running.pid, "self").since(before)))
    return found


async def _insert_all(warehouse: Warehouse, batches: Iterator[list[Row]]) -> None:
    for each in batches:
        await warehouse.insert(each)


def _recorded(running: Engine, place: Path, count: int) -> tuple[Took, float]:
    """Let recording read windows; return what that took, and how many inserts a second and table there were."""
    home = Path(os.environ.get("MIMAMORI_HOME", ROOT / ".local")).absolute()
    ports = kafka.free_ports(2)
    broker = kafka.Process(kafka.Kafka(place / "kafka", kafka.provision(home), java.provision(home), *ports))
    broker.start()
    try:
        estate = _estate(place)
        wanted = topics(load_estate(estate).lives)
        asyncio.run(create_topics(broker.kafka.bootstrap, wanted.values()))
        # Encoded beforehand: the pile is to be there long before it is read.
        records = [encode(each, wanted["flow.v1"]) for each in windows(FIRST + count)]
        sent = partial(_sent, broker.kafka.bootstrap, "flow.v1")
        with _worker(running, broker.kafka.bootstrap, estate) as worker:
            return asyncio.run(_drained(running, worker, estate, sent, records))
    finally:
        broker.stop()


def _estate(place: Path) -> Path:
    key = base64.b64encode(signing.public_bytes(Ed25519PrivateKey.generate())).decode()
    stores = (
        _STORE.format(store=store, key=key)
        + "".join(_CAMERA.format(store=store, camera=camera) for camera in range(CAMERAS))
        for store in range(STORES)
    )
    (place / "rules.toml").write_text(_REGULATION)
    (place / "estate.toml").write_text('frame_ttl = "1h"\n' + "".join(stores))
    return place / "estate.toml"


async def _sent(bootstrap: str, topic: str, records: Sequence[Record]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=50, max_batch_size=1 << 19)
    await producer.start()
    try:
        sending = [await producer.send(topic, key=each.key, value=each.value, headers=each.headers) for each in records]
        await asyncio.gather(*sending)
    finally:
        await producer.stop()


@contextlib.contextmanager
def _worker(running: Engine, bootstrap: str, estate: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | running.clickhouse.environment(WRITER)
    environment |= {"MIMAMORI_ESTATE": str(estate), "MIMAMORI_KAFKA__BOOTSTRAP": bootstrap}
    argv = [sys.executable, "-m", "pipeline", "worker", "recording"]
    with (estate.parent / "recording.log").open("wb") as log:
        worker = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield worker
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)


async def _drained(
    running: Engine,
    worker: subprocess.Popen[bytes],
    estate: Path,
    sent: Callable[[Sequence[Record]], Awaitable[None]],
    records: Sequence[Record],
) -> tuple[Took, float]:
    begin = await _rows(running)
    # The first fifty of each partition are handled singly, and are not what is measured.
    await sent(records[:FIRST])
    await _until(running, worker, estate, begin + FIRST)
    blocks = await _blocks(running)
    before = Spent.of(running.pid, worker.pid)
    await sent(records[FIRST:])
    last = await _until(running, worker, estate, begin + len(records))
    spent = Spent.of(running.pid, worker.pid).since(before)
    if last != begin + len(records):
        raise RuntimeError(f"{last - begin} rows of {len(records)} windows")
    return Took(len(records) - FIRST, spent), (await _blocks(running) - blocks) / spent.at


async def _until(running: Engine, worker: subprocess.Popen[bytes], estate: Path, rows: int) -> int:
    """Wait until so many rows are there, and return how many there are."""
    until = time.monotonic() + DRAINED_WITHIN
    while (there := await _rows(running)) < rows:
        if worker.poll() is not None or time.monotonic() > until:
            log = (estate.parent / "recording.log").read_text()[-2000:]
            raise RuntimeError(f"recording wrote {there} rows of {rows}: {log}")
        await asyncio.sleep(0.25)
    return there


async def _rows(running: Engine) -> int:
    return await _asked(running, READER, "SELECT (SELECT count() FROM people_flow) + (SELECT count() FROM coverage)")


async def _blocks(running: Engine) -> int:
    """Return how many inserts the table with the most of them has had: each gets the next number of its partition."""
    return await _asked(running, ERASER, "SELECT max(max_block_number) FROM system.parts WHERE table = 'people_flow'")


async def _asked(running: Engine, who: User, sql: str) -> int:
    async with Warehouse(running.login(who)) as warehouse:
        return int((await warehouse.ask(Query("asked", sql, int)))[0])
