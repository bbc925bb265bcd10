"""What a real run of the whole system leaves behind lies in registered places, all of it (R11)."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from pipeline.broker import admin
from pipeline.datamap.entry import Entry, Kind, unregistered
from pipeline.datamap.registry import registry
from pipeline.warehouse.users import OWNER
from tests.integration.house import House, house

ALWAYS = {
    "vault/keys", "vault/ring", "vault/ledger", "vault/accounts", "vault/credentials", "vault/clock", "device/spool",
    "device/state", "device/key", "objects/evidence", "logs", "metrics", "estate", "kafka/own", "clickhouse/own",
    "kafka/frames.v1", "kafka/watching-state.v1", "kafka/alerts.v1.dead", "clickhouse/alerts",
}  # fmt: skip
"""Places in which a run leaves files: that their patterns find any is a control of this test."""

LOOKED_AT = ("clickhouse/alerts", "objects/evidence", "kafka/frames.v1")


async def test_r11_every_topic_table_and_file_of_a_real_run_is_in_the_data_map(tmp_path: Path) -> None:
    async with house(tmp_path, devices=True) as running:
        entries = registry(running.estate.lives)

        async def has_done_everything() -> bool:
            evidence = any("/objects/evidence/" in each.as_posix() for each in running.files())
            return evidence and len(await running.records("erasures.v1")) > 0

        await running.until(has_done_everything, "evidence and receipts", 200)
        await running.until(lambda: measured(running), "the measure of what is late")
        topics, tables = await topics_of(running), tables_of(running)
        databases = {name: sqlite_tables(running.demo.run / "vault" / name) for name in ("keys.db", "accounts.db")}
        files = [each.relative_to(tmp_path).as_posix() for each in running.files()]
        late = (running.folder / "metrics" / "erasing.prom").read_text()

    assert unregistered([*files, "run/demo/vault/copy-of-keys"], entries) == ["run/demo/vault/copy-of-keys"]
    assert {each.place for each in entries if any(map(each.holds, files))} >= ALWAYS
    assert {f"kafka/{name}" for name in topics} == places(entries, Kind.TOPIC)
    assert {f"clickhouse/{name}" for name in tables} == places(entries, Kind.TABLE)
    assert databases == {
        "keys.db": set(the(entries, "vault/keys").tables),
        "accounts.db": set(the(entries, "vault/accounts").tables),
    }
    assert 'mimamori_expired_on_disk_seconds{place="clickhouse/alerts"} 0\n' in late
    assert 'mimamori_expired_on_disk_seconds{place="objects/evidence"} 0\n' in late
    assert 'mimamori_expired_on_disk_seconds{place="kafka/frames.v1"}' in late


async def measured(running: House) -> bool:
    """Say whether every kind of place was looked at: one that was still starting is looked at a turn later."""
    file = running.folder / "metrics" / "erasing.prom"
    text = file.read_text() if file.exists() else ""
    return all(f'on_disk_seconds{{place="{each}"}}' in text for each in LOOKED_AT)


async def topics_of(running: House) -> set[str]:
    """Ask the broker for its topics, but its own."""
    async with admin(running.demo.bootstrap) as client:
        return {name for name in await client.list_topics() if not name.startswith("__")}


def tables_of(running: House) -> set[str]:
    """Ask ClickHouse for its tables that hold rows."""
    ask = "SELECT name FROM system.tables WHERE database = 'mimamori' AND engine NOT LIKE '%View' FORMAT TSV"
    return set(running.demo.clickhouse.ask(OWNER, ask, 10).split())


def sqlite_tables(file: Path) -> set[str]:
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    database.close()
    return {name for (name,) in rows if not name.startswith("sqlite_")}


def places(entries: Iterable[Entry], kind: Kind) -> set[str]:
    return {each.place for each in entries if each.kind is kind}


def the(entries: Iterable[Entry], place: str) -> Entry:
    return next(each for each in entries if each.place == place)
