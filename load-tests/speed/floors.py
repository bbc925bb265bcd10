"""What no pipeline can be cheaper than: decoding once and one run of the network (physics), and Kafka alone."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pictures
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from measured import Measured

from models.finders import open_finder
from models.session import Processor
from models.tasks import Mode
from pipeline.local import java, kafka

HERE: Final = Path(__file__).parent
RATE: Final = 50.0
"""Frames a second: ten cameras."""
BYTES: Final = 150_000
"""Of a frame, as those of pictures.py are."""
_SIZE: Final = (256, 416)
_TICK: Final = os.sysconf("SC_CLK_TCK")
_TIMES: Final = 40


@dataclass(frozen=True)
class Bus:
    """CPU-milliseconds for one frame on its way through a broker and two bare clients."""

    broker: float
    first: float
    second: float

    @property
    def ms(self) -> float:
        return self.broker + self.first + self.second


def measure(place: Path, *, quick: bool) -> Measured:
    """Measure both; the first seconds of the broker are not counted: it compiles itself."""
    seconds = 4.0 if quick else 20.0
    found = bus(place, warm=4.0 if quick else 20.0, seconds=seconds)
    decode, network = physics()
    shown = [
        ("bus: Kafka and two bare aiokafka clients, a frame", f"{found.ms:.2f} ms, the broker {found.broker:.2f}"),
        ("physics: decode and NanoDet int8 at 416×256, a frame", f"{decode:.2f} + {network:.2f} ms"),
    ]
    details = {
        "bus_ms_a_frame": round(found.ms, 3),
        "bus_broker_ms": round(found.broker, 3),
        "bus_clients_ms": [round(found.first, 3), round(found.second, 3)],
        "decode_ms": round(decode, 3),
        "network_ms": round(network, 3),
    }
    return Measured("Floors", shown, {}, details)


def physics() -> tuple[float, float]:
    """Return the CPU-milliseconds of decoding a picture to half its size, and of one run of the network."""
    cv2.setNumThreads(1)
    picture = pictures.drawn_clip(1, 1, since=30.0).pictures[0]
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    home = Path(os.environ.get("MIMAMORI_HOME", HERE.parents[1] / ".local"))
    network = open_finder(home / "models", "nanodet-g-416-int8", Mode.CONVENTIONAL, Processor.CPU).finder
    canvas = np.zeros((*_SIZE, 3), np.uint8)
    return (
        _median(lambda: cv2.imdecode(jpeg, cv2.IMREAD_REDUCED_COLOR_2)),
        _median(lambda: network.find([canvas], at_least=0.9)),
    )


def _median(work: Any) -> float:
    times = []
    for _ in range(_TIMES):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return float(np.median(times)) * 1e3


def bus(place: Path, *, warm: float, seconds: float) -> Bus:
    """Send frames to who answers each by a small record, and who reads that."""
    home = Path(os.environ.get("MIMAMORI_HOME", HERE.parents[1] / ".local")).absolute()
    port, controller = kafka.free_ports(2)
    where = kafka.Kafka(place / "kafka", home / "kafka" / "libs", java.provision(home), port, controller)
    broker = kafka.Process(where)
    broker.start()
    readers: list[subprocess.Popen[str]] = []
    try:
        asyncio.run(_topics(where.bootstrap))
        readers = [_reader(where.bootstrap, "frames", "detections"), _reader(where.bootstrap, "detections")]
        asyncio.run(_publish(where.bootstrap, warm))
        before = [_cpu(pid) for pid in (broker.pid, *(each.pid for each in readers))]
        asyncio.run(_publish(where.bootstrap, seconds))
        after = [_cpu(pid) for pid in (broker.pid, *(each.pid for each in readers))]
    finally:
        for each in readers:
            each.send_signal(signal.SIGTERM)
            each.wait(10)
        broker.stop()
    used = [(late - early) / (seconds * RATE) * 1e3 for late, early in zip(after, before, strict=True)]
    return Bus(*used)


async def _topics(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    settings = {"message.timestamp.type": "LogAppendTime"}
    await admin.create_topics([NewTopic(name, 4, 1, topic_configs=settings) for name in ("frames", "detections")])
    await admin.close()


def _reader(bootstrap: str, source: str, sink: str | None = None) -> subprocess.Popen[str]:
    argv = [sys.executable, str(HERE / "bare.py"), "--bootstrap", bootstrap, "--source", source]
    argv += ["--sink", sink] if sink else []
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline() != "reading\n":
        raise RuntimeError("a bare client did not start")
    return process


async def _publish(bootstrap: str, seconds: float) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    began, value = time.monotonic(), os.urandom(BYTES)
    headers = [(f"ce_attribute{number}", b"x" * 30) for number in range(16)]
    for number in range(round(seconds * RATE)):
        await asyncio.sleep(max(0, number / RATE - (time.monotonic() - began)))
        key = f"store/camera-{number % 10}".encode()
        await producer.send("frames", value=value, key=key, headers=headers)
    await producer.stop()


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK
