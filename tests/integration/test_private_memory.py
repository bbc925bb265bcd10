"""Whoever holds keys or pictures leaves no image of its memory behind, whatever it dies of."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.local import kafka
from tests import estates
from tests.integration.vault_process import ROOT

if sys.platform != "linux":
    pytest.skip("reads /proc", allow_module_level=True)

import resource

DEVICE = ("publish", "drawn:1", "--loop", "--store", "kanda", "--camera", "drawn")
WORKERS = [("worker", stage) for stage in ("detecting", "watching", "recording", "cutting", "erasing")]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """An estate whose Kafka and vault are away: everybody waits for them."""
    estates.write(tmp_path, "kanda", "drawn")
    return tmp_path


@pytest.fixture
def process(house: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    broker, vault = kafka.free_ports(2)
    arguments = [str(each).format(house=house, port=vault) for each in request.param]
    environment = {
        "PATH": "", "OMP_NUM_THREADS": "1", "MIMAMORI_ESTATE": str(house / "estate.toml"), "MIMAMORI_HOME": str(house),
        "MIMAMORI_KAFKA__BOOTSTRAP": f"127.0.0.1:{broker}", "MIMAMORI_VAULT__URL": f"http://127.0.0.1:{vault}",
    }  # fmt: skip
    command = [sys.executable, "-m", "pipeline", *arguments]
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
        yield process
        process.kill()


def _core(pid: int) -> str:
    limits = Path(f"/proc/{pid}/limits").read_text()
    return next(line for line in limits.splitlines() if "core file" in line).split()[4]


@pytest.mark.parametrize(
    "process",
    [
        ("vault", "serve", "--port", "{port}", "--dir", "{house}/vault"),
        (*DEVICE, "--key", "{house}/device.key", "--state", "{house}/state"),
        *WORKERS,
    ],
    indirect=True,
    ids=lambda each: " ".join(each[:2]),
)
def test_r20_no_process_dumps_core(process: subprocess.Popen[bytes]) -> None:
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("nothing here may dump core anyway")
    deadline = time.monotonic() + 30
    while _core(process.pid) != "0" and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.1)

    assert _core(process.pid) == "0"
    # Nor may others of this user look into it: what /proc has of it is root's.
    assert Path(f"/proc/{process.pid}/environ").stat().st_uid == 0
