"""One worker of the kill harness: a real stage on real Kafka whose step is the hash chain."""

import sys
import time
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2])]

import chain

from agents.app import App, create_app, work
from agents.stage import Stage
from pipeline.logs import configure
from pipeline.received import Received
from pipeline.settings import Kafka, Logs


def create(bootstrap: str, session_timeout: float, milliseconds: float, seat: str, *, compacting: bool) -> App:
    """Make the worker's app; its step takes so many milliseconds a message."""
    app = create_app("chain", Kafka(bootstrap=bootstrap, seat=seat), session_timeout=session_timeout)
    stage = Stage(
        app, "chain", topics=chain.topics(compacting=compacting), sources=[chain.SOURCE], outputs=[chain.SINK]
    )

    def slowly(state: chain.Chain | None, received: Received[Any]) -> Any:
        time.sleep(milliseconds / 1000)
        return chain.follow(state, received)

    @app.agent(stage.channel, concurrency=1)
    async def follow(stream: Any) -> None:
        await stage.run(stream, step=slowly, state=chain.CODEC)

    return app


if __name__ == "__main__":
    address, timeout, slow, kind, its_seat = sys.argv[1:6]
    configure(Logs(level="INFO"), "chain")
    work(create(address, float(timeout), float(slow), its_seat, compacting=kind == "compacting"))
