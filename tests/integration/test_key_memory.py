"""The memory of a process that made, lent and destroyed keys is scanned for every one of them."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.integration.key_memory_worker import MASK

if sys.platform != "linux":
    pytest.skip("reads /proc", allow_module_level=True)

ROOT: Final = Path(__file__).resolve().parents[2]
LENGTH: Final = 96
KEYS: Final = 13
PIECE: Final = 32


def _memory(pid: int) -> bytes:
    found = []
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            start, end = (int(each, 16) for each in place.split("-"))
            memory.seek(start)
            try:
                found.append(memory.read(end - start))
            except OSError:
                continue
    return b"".join(found)


def _left(how: str) -> tuple[int, int]:
    """Run the worker; say of how many keys it told, and of how many any third was found in its memory."""
    command = [sys.executable, "-m", "tests.integration.key_memory_worker", how]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        told = worker.stdout.read(KEYS * LENGTH + 1)
        try:
            memory = _memory(worker.pid)
        except PermissionError:
            pytest.skip("this user may not read another process's memory")
        finally:
            worker.communicate(b"x")
    assert told.endswith(b"\n")
    keys = [bytes(each ^ MASK for each in told[at : at + LENGTH]) for at in range(0, KEYS * LENGTH, LENGTH)]
    pieces = [[key[at : at + PIECE] for at in range(0, LENGTH, PIECE)] for key in keys]
    return len(keys), sum(any(piece in memory for piece in each) for each in pieces)


def test_r20_no_key_stays_in_the_memory_of_who_made_lent_and_destroyed_it() -> None:
    assert _left("wiped") == (KEYS, 0)


def test_the_scan_sees_keys_that_are_there() -> None:
    assert _left("kept") == (KEYS, KEYS)
