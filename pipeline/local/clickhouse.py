"""ClickHouse for one machine: its configuration, its users, how it is started, and whether it is up."""

import base64
import hashlib
import json
import os
import secrets
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from pipeline.warehouse.users import DATABASE, PROFILES, USERS, WRITER, Fields, User

# The engine logs itself in as `default` without a password, and so could anyone on loopback: it may do nothing else.
ANONYMOUS: Final = ("GRANT SYSTEM LISTEN ON *.*",)

# Ends the statement that keeps the listener up, and so stops the engine in good order.
STOPPER: Final = User("stopper", "owner", ("GRANT KILL QUERY ON *.*", "GRANT SELECT ON system.processes"))
LOCAL: Final = (*USERS, STOPPER)


@dataclass(frozen=True)
class Clickhouse:
    """A ClickHouse engine in a process of its own, its files below `home`, listening on a loopback port.

    Call `write_config` once before each start, start `argv` with a pipe as its standard input, and wait for `ready`.
    It stops by itself when that pipe closes, and on SIGTERM; SIGKILL loses nothing that was acknowledged.
    """

    home: Path
    port: int
    memory: int = 1_500_000_000

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def argv(self) -> list[str]:
        return [sys.executable, "-m", "pipeline.local.clickhouse_listener", str(self.home.absolute()), str(self.port)]

    def write_config(self) -> None:
        """Write the configuration, and passwords where there are none yet: all for the owner of the files only."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        passwords = {user.name: secrets.token_urlsafe(24) for user in LOCAL} | self.passwords()
        private(self.home / "passwords.json", json.dumps(passwords))
        private(self.home / "users.xml", xml(users(passwords)))
        private(self.home / "config.xml", xml(config(self.port, self.memory)))

    def passwords(self) -> dict[str, str]:
        path = self.home / "passwords.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def environment(self, *them: User) -> dict[str, str]:
        """What a process needs in its environment to reach the warehouse as these users, and no others."""
        passwords = self.passwords()
        return {
            "MIMAMORI_CLICKHOUSE__URL": self.url,
            "MIMAMORI_CLICKHOUSE__DATABASE": DATABASE,
            **{f"MIMAMORI_CLICKHOUSE__{user.name.upper()}_PASSWORD": passwords[user.name] for user in them},
        }

    def ready(self) -> bool:
        """Whether it answers, and lets the writer in. Never raises; waits a second at most."""
        try:
            return self.ask(WRITER, "SELECT 1") == "1\n"
        except (OSError, HTTPException, KeyError):
            return False

    def ask(self, user: User, statement: str, timeout: float = 1.0) -> str:
        """Run one statement over plain HTTP.

        Raises:
            OSError: It is away, or refuses (urllib's subclasses).
            HTTPException: It went amid its answer.
        """
        login = base64.b64encode(f"{user.name}:{self.passwords()[user.name]}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 - the address is our own, http on loopback
            self.url, statement.encode(), {"Authorization": f"Basic {login}"}
        )
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310 - as above
            return str(answer.read().decode())


def config(port: int, memory: int) -> Fields:
    return {
        "listen_host": "127.0.0.1",
        "http_port": str(port),
        "timezone": "UTC",
        "users_config": "users.xml",
        "user_directories": {"users_xml": {"path": "users.xml"}},
        "max_server_memory_usage": str(memory),
        "mark_cache_size": "67108864",
        "index_mark_cache_size": "16777216",
        "uncompressed_cache_size": "0",
        "max_concurrent_queries": "64",
    }


def users(passwords: Mapping[str, str]) -> Fields:
    anonymous: Fields = {"password": "", **reach("default", ANONYMOUS)}
    named: Fields = {
        user.name: {"password_sha256_hex": digest(passwords[user.name]), **reach(user.profile, user.grants)}
        for user in LOCAL
    }
    return {"profiles": PROFILES, "quotas": {"default": {}}, "users": {"default": anonymous, **named}}


def reach(profile: str, grants: tuple[str, ...]) -> Fields:
    return {"networks": {"ip": "127.0.0.1"}, "profile": profile, "quota": "default", "grants": {"query": grants}}


def digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def xml(fields: Fields) -> str:
    root = ET.Element("clickhouse")
    fill(root, fields)
    return ET.tostring(root, encoding="unicode")


def fill(parent: ET.Element, fields: Fields) -> None:
    for tag, value in fields.items():
        if isinstance(value, Mapping):
            fill(ET.SubElement(parent, tag), value)
            continue
        for text in (value,) if isinstance(value, str) else value:
            ET.SubElement(parent, tag).text = text


def private(path: Path, text: str) -> None:
    """Write a file whole or not at all, of mode 0600 from its first byte."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123 - a descriptor
        file.write(text)
    draft.replace(path)
