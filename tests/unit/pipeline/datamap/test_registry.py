"""The registry holds what the code makes, and refuses what nobody registered."""

import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.datamap.entry import Kind
from pipeline.datamap.places import FILE, places
from pipeline.datamap.registry import of_tables, registry
from pipeline.datamap.tables import comments
from pipeline.errors import Misconfigured
from pipeline.flow.rows import AlertRow, CoverageRow, FlowRow
from pipeline.governance.accounts import _META as ACCOUNTS
from pipeline.vault.store import SqliteKeyTable
from pipeline.warehouse.client import TABLES
from pipeline.warehouse.expiry import SPANS
from pipeline.warehouse.migrations import FOLDER
from schemas.envelope import DataClass
from schemas.topics import STAGES, Lives, topics

LIVES = Lives(timedelta(hours=1))
ENTRIES = registry(LIVES)
COMMENT = "items: some | scope: console | purpose: operation | responsible: store manager"


def test_r11_every_topic_is_in_the_data_map_with_its_own_numbers() -> None:
    found = {each.place: each for each in ENTRIES if each.kind is Kind.TOPIC}

    assert found.keys() == {f"kafka/{name}" for name in topics(LIVES)}
    assert found["kafka/frames.v1"].bound == topics(LIVES)["frames.v1"].gone_within
    assert found["kafka/frames.v1"].data_class is DataClass.IDENTIFYING
    assert {f"kafka/{stage}-state.v1" for stage in STAGES} < found.keys()


def test_r20_the_data_map_says_how_long_alerts_reviews_and_counts_live_on_kafka() -> None:
    week, quarter = timedelta(days=7), timedelta(days=90)
    found = {each.place: each for each in registry(Lives(timedelta(hours=1), week, quarter))}

    assert found["kafka/alerts.v1"].lives == found["kafka/reviews.v1"].lives == week
    assert found["kafka/flow.v1"].lives == quarter
    assert found["kafka/alerts.v1"].bound == week + timedelta(minutes=20, seconds=1)


def test_r11_every_table_of_the_warehouse_is_in_the_data_map() -> None:
    found = {each.tables[0] for each in ENTRIES if each.kind is Kind.TABLE}

    rollups = {f"{what}_{span}" for what in ("people_flow", "store") for span in ("hourly", "daily")}
    assert found == {*SPANS, "migrations"} == {*TABLES.values(), *rollups, "alert_arrivals", "migrations"}


def test_r11_every_place_is_there_once() -> None:
    places = [each.place for each in ENTRIES]

    assert len(places) == len(set(places))


def test_r11_the_accounts_tables_are_registered() -> None:
    (accounts,) = [each for each in ENTRIES if each.place == "vault/accounts"]

    assert set(accounts.tables) == set(ACCOUNTS.tables)


def test_r11_a_place_that_does_not_say_all_is_refused() -> None:
    whole = FILE.read_text()

    with pytest.raises(Misconfigured, match=r"vault/keys.*responsible"):
        places(whole.replace('responsible = "store manager"\n', "", 1))


def test_r11_the_key_tables_tables_are_registered(tmp_path: Path) -> None:
    SqliteKeyTable(tmp_path / "keys.db")
    with closing(sqlite3.connect(tmp_path / "keys.db")) as database:
        made = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    (keys,) = [each for each in ENTRIES if each.place == "vault/keys"]

    assert set(keys.tables) == made


def test_r20_what_identifies_somebody_lives_shortly_or_says_why_not() -> None:
    for each in ENTRIES:
        if each.data_class is DataClass.IDENTIFYING and isinstance(each.lives, timedelta):
            assert each.lives <= timedelta(hours=72), each.place


def migrated(folder: Path, sql: str) -> Path:
    (folder / "0001_some.sql").write_text(sql)
    return folder


def test_r11_a_table_that_nobody_registered_is_refused(tmp_path: Path) -> None:
    for file in FOLDER.glob("*.sql"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "0999_more.sql").unlink(missing_ok=True)
    number = len(list(tmp_path.glob("*.sql"))) + 1
    more = tmp_path / f"{number:04}_more.sql"
    more.write_text(f"CREATE TABLE IF NOT EXISTS visits\n(\n    x UInt8\n)\nENGINE = Memory\nCOMMENT '{COMMENT}';\n")

    with pytest.raises(Misconfigured, match=r"visits \(R11\)"):
        registry(LIVES, tmp_path)


def test_r11_a_table_without_a_comment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="alerts has no comment"):
        comments(migrated(tmp_path, "CREATE TABLE IF NOT EXISTS alerts\n(\n    x UInt8\n)\nENGINE = Memory;\n"))


def test_r11_a_table_whose_comment_does_not_say_all_is_refused(tmp_path: Path) -> None:
    tables = "".join(
        f"CREATE TABLE IF NOT EXISTS {table}\n(\n    x UInt8\n)\nENGINE = Memory\nCOMMENT '{comment}';\n"
        for table, comment in dict.fromkeys(SPANS, COMMENT).items() | {("alerts", COMMENT.replace("purpose", "reason"))}
        if (table, comment) != ("alerts", COMMENT)
    )
    with pytest.raises(Misconfigured, match=r"clickhouse/alerts.*purpose"):
        of_tables(migrated(tmp_path, tables))


def test_r23_no_column_of_an_alert_can_find_a_person_or_a_picture() -> None:
    may_be = {
        "alert_id", "store_id", "camera_id", "utc_time", "start", "end", "expires_at", "category", "observation",
        "zone_id", "line_id", "numbers", "rarity_one_in", "rarity_n", "usefulness_share", "usefulness_low",
        "usefulness_high", "usefulness_n", "score", "threshold", "assertion_level", "explanations", "notice_id",
        "model_digest", "config_digest", "inserted_at", "arrived_at",
    }  # fmt: skip

    assert set(AlertRow._fields) <= may_be
    assert columns("alerts") <= may_be
    assert columns("alert_arrivals") <= may_be
    assert columns("people_flow") == {*FlowRow._fields, "inserted_at"}
    assert columns("coverage") == set(CoverageRow._fields)


def columns(table: str) -> set[str]:
    """Return a table's columns as its last migration makes them."""
    text = "".join(path.read_text() for path in sorted(FOLDER.glob("*.sql")))
    made = re.findall(rf"CREATE TABLE IF NOT EXISTS {table}(?:_\d{{4}})?\n\(\n(.*?)\n\)\n", text, re.DOTALL)[-1]
    added = re.findall(rf"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS (\w+)", text)
    return {*added, *(line.split()[0] for line in made.splitlines() if line.split()[0] != "INDEX")}
