"""A spool whose process is killed at any moment: what `put` returned for is there, and what was acknowledged is not."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.edge.outbox import Parcel
from pipeline.edge.spool import Bounds, Spool, open_spool
from schemas.wire import Record
from tests.integration.vault_process import ROOT
from tests.unit.pipeline.edge.building import TOPICS, after

KILLS = 8


def opened(folder: Path) -> Spool:
    return open_spool(folder, TOPICS["frames.v1"], Bounds(1 << 30))


def write(folder: Path, begin: int) -> None:
    """Put for ever, acknowledge every third time, and say what was done, each once it is done."""
    spool, number = opened(folder), begin
    while True:
        record = Record(b"k", bytes(number % 50 * 1000), [("n", str(number).encode())])
        spool.put(Parcel(TOPICS["frames.v1"], record, after(3600)))
        say("put", number)
        number += 1
        if number % 3 == 0 and (head := spool.oldest()) is not None:
            place, parcel = head
            say("sending", number_of(parcel))
            spool.acknowledge(place)
            say("sent", number_of(parcel))


def say(what: str, number: int) -> None:
    sys.stdout.write(f"{what} {number}\n")
    sys.stdout.flush()


def number_of(parcel: Parcel) -> int:
    return int(parcel.record.headers[0][1])


def drained(folder: Path) -> list[int]:
    spool, numbers = opened(folder), []
    while (head := spool.oldest()) is not None:
        place, parcel = head
        assert len(parcel.record.value) == number_of(parcel) % 50 * 1000
        numbers.append(number_of(parcel))
        spool.acknowledge(place)
    assert not spool.lost
    spool.close()
    return numbers


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_write_nothing_that_was_taken_is_lost(tmp_path: Path, seed: int) -> None:
    chance, begin = random.Random(seed), 0
    said: dict[str, list[int]] = {"put": [], "sending": [], "sent": []}
    for _ in range(KILLS):
        log = tmp_path / "said"
        with log.open("wb") as out:
            argv = [sys.executable, "-m", __name__, str(tmp_path / "spool"), str(begin)]
            child = subprocess.Popen(argv, cwd=ROOT, stdout=out)
        while b"put" not in log.read_bytes():
            assert child.poll() is None
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.1))
        child.send_signal(signal.SIGKILL)
        child.wait()
        for line in log.read_text().split("\n")[:-1]:
            what, _, number = line.partition(" ")
            if what in said:
                said[what].append(int(number))
        begin = max(said["put"]) + 2  # The next may have been taken, and the process killed before it said so.
    left = drained(tmp_path / "spool")

    assert left == sorted(set(left))
    assert set(left) >= set(said["put"]) - set(said["sending"]), "what was taken is there"
    assert not set(left) & set(said["sent"]), "what was acknowledged is not"
    assert said["sent"] == sorted(set(said["sent"]))
    assert len(said["sent"]) > KILLS


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
