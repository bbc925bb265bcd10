"""The bus alone: reads records of one topic with bare aiokafka, and writes a small one to another for each of them.

A process of its own. It prints a line when it reads, and at SIGTERM one JSON object: how many records, and its time.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

_BYTES = 1000
"""As detections of a few people have."""


async def _run(bootstrap: str, source: str, sink: str | None) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    consumer = AIOKafkaConsumer(
        source, bootstrap_servers=bootstrap, group_id=f"bare-{source}", max_partition_fetch_bytes=4 << 20,
        auto_offset_reset="earliest",
    )  # fmt: skip
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await consumer.start()
    await producer.start()
    counted = 0

    async def read() -> None:
        nonlocal counted
        async for record in consumer:
            counted += 1
            if sink is not None:
                await producer.send(sink, value=record.value[:_BYTES], key=record.key, headers=list(record.headers))

    reading = asyncio.create_task(read())
    print("reading", flush=True)
    await stopped.wait()
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading
    print(json.dumps({"records": counted, "cpu_s": time.process_time()}), flush=True)
    await producer.stop()
    await consumer.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--sink")
    options = parser.parse_args()
    asyncio.run(_run(options.bootstrap, options.source, options.sink))
    sys.exit(0)
