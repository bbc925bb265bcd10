"""What the vault's process holds in memory: no private key that it lent or destroyed, and nothing that is swapped."""

import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.clock import SystemClock
from pipeline.sealing import SealSuite
from pipeline.vault.client import Leases, connected
from pipeline.vault.hardening import may_lock
from tests.integration.vault_process import DOOR, Process, free_port, running

if sys.platform != "linux":
    pytest.skip("reads /proc", allow_module_level=True)

KEYS = 100
AHEAD = timedelta(seconds=2 * KEYS)


def _memory(pid: int) -> list[bytes]:
    """Every readable piece of a process's memory."""
    found = []
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            start, end = (int(each, 16) for each in span.split("-"))
            # The kernel's own pages, and those above what a file can be read at, are not the process's.
            if rights.startswith("r") and end < 1 << 63 and "[v" not in line:
                memory.seek(start)
                try:
                    found.append(memory.read(end - start))
                except OSError:
                    continue
    return found


def _held(memory: list[bytes], needles: list[bytes]) -> int:
    return sum(any(needle in piece for piece in memory) for needle in needles)


@pytest.mark.skipif(os.getuid() != 0, reason="only root may look into the vault's memory, as it should be")
@pytest.mark.parametrize("suite", list(SealSuite))
async def test_r20_no_private_key_stays_in_the_vaults_memory(tmp_path: Path, suite: SealSuite) -> None:
    with running(Process(tmp_path, free_port(), options=("--suite", suite.value))) as vault:
        async with (
            connected(vault.url, vault.token("device-ginza-pc")) as device,
            connected(vault.url, vault.token("detecting")) as detecting,
        ):
            now = SystemClock().now()
            keys = await device.public_keys(DOOR, now, now + AHEAD)
            leases = Leases(detecting)
            private = [bytes(await leases.private_key(key.key_id, DOOR.purpose)) for key in keys[-KEYS:]]

        memory = _memory(vault.running[0].pid)
        halves = [each[start : start + 32] for each in private for start in range(0, len(each), 32)]
        assert len(private) >= KEYS - 5
        assert _held(memory, [key.key_id.encode() for key in keys[-KEYS:]]) > KEYS / 2, "the scan does not see"
        assert _held(memory, halves) == 0


def test_r20_the_vaults_memory_is_not_swapped(tmp_path: Path) -> None:
    with running(Process(tmp_path, free_port())) as vault:
        status = Path(f"/proc/{vault.running[0].pid}/status").read_text()
        if not may_lock(status, most=0):
            pytest.skip("this user may lock no memory")

        locked = next(line for line in status.splitlines() if line.startswith("VmLck:"))
        assert int(locked.split()[1]) > 10_000
