"""Numbered files, and which are due."""

import re
from pathlib import Path

import pytest

from pipeline.errors import Misconfigured
from pipeline.warehouse.expiry import SPANS
from pipeline.warehouse.migrations import FOLDER, RECORD, database, due, of_cluster, parse, read, statements
from pipeline.warehouse.users import FORGETTING


def test_statements_end_with_a_line_that_ends_in_a_semicolon() -> None:
    text = "-- why; because\nCREATE TABLE a (x String COMMENT 'a; b');\n\n  -- and\nCREATE TABLE b\n(x UInt8);\n"

    assert statements(text) == ("CREATE TABLE a (x String COMMENT 'a; b')", "CREATE TABLE b\n(x UInt8)")


def test_what_was_applied_is_not_due() -> None:
    first, second = parse("0001_a.sql", "SELECT 1;"), parse("0002_b.sql", "SELECT 2;")

    assert due((first, second), {}) == (first, second)
    assert due((first, second), {1: first.digest}) == (second,)


@pytest.mark.parametrize("applied", [{1: "another digest"}, {7: "of a file that is gone"}])
def test_a_migration_that_changed_after_it_was_applied_is_refused(applied: dict[int, str]) -> None:
    with pytest.raises(Misconfigured, match="add a new file"):
        due((parse("0001_a.sql", "SELECT 1;"),), applied)


@pytest.mark.parametrize("files", [[], ["0002_b.sql"], ["0001_a.sql", "0003_c.sql"], ["0001_a.sql", "0001_b.sql"]])
def test_migrations_run_from_one_without_a_gap(tmp_path: Path, files: list[str]) -> None:
    for file in files:
        (tmp_path / file).write_text("SELECT 1;")

    with pytest.raises(Misconfigured, match="0001"):
        read(tmp_path)


def test_a_file_that_is_no_migration_is_named(tmp_path: Path) -> None:
    (tmp_path / "users.sql").write_text("SELECT 1;")

    with pytest.raises(Misconfigured, match=r"users\.sql"):
        read(tmp_path)


def test_every_statement_of_the_project_may_run_twice() -> None:
    every = [statement for migration in read(FOLDER) for statement in migration.statements]
    copies = [each for each in every if each.startswith(("INSERT INTO", "EXCHANGE TABLES"))]

    assert every
    assert all("IF NOT EXISTS" in each or "IF EXISTS" in each for each in every if each not in copies)
    # What an earlier run left is copied back; a copy begins with an empty table, takes the place of the old one at
    # once, and then gets what was written meanwhile.
    for number, each in enumerate(every):
        if each.startswith("EXCHANGE"):
            name = each.split(" AND ")[1]
            steps = every[number - 5 : number + 3]
            assert [step.split()[0] for step in steps] == [
                "CREATE", "INSERT", "DROP", "CREATE", "INSERT", "EXCHANGE", "INSERT", "DROP"
            ]  # fmt: skip
            assert all(name in step for step in steps)
            assert all("max_partitions_per_insert_block = 0" in step for step in steps if step.startswith("INSERT"))


def test_r20_every_table_of_the_project_forgets_by_partition_and_by_ttl() -> None:
    every = [statement for migration in read(FOLDER) for statement in migration.statements]
    last = {
        re.sub(r"_\d{4}$", "", statement.split()[5]): statement
        for statement in every
        if statement.startswith("CREATE TABLE")
    }

    assert last.keys() == SPANS.keys() == set(FORGETTING)
    for table in last.values():
        assert re.search(r"\nPARTITION BY \w+\(expires_at\b", table)
        assert re.search(r"\nTTL (toDateTime\()?expires_at\)? DELETE\n", table)
        assert "old_parts_lifetime = 30," in table


def test_r23_no_statement_of_the_project_deletes_by_name() -> None:
    ours = [*FOLDER.glob("*.sql"), *(FOLDER.parents[1] / "pipeline").rglob("*.py")]
    text = "\n".join(each.read_text() for each in ours if each.name != "clickhouse.py")

    assert not re.search(r"ALTER TABLE \S+ (DELETE|UPDATE)\b", text)
    assert not re.search(r"\bDELETE FROM (people_flow|alerts|alert_arrivals|coverage)\b", text)


def test_on_a_cluster_every_table_is_replicated_and_nothing_else_is_another() -> None:
    every = [RECORD, *(statement for migration in read(FOLDER) for statement in migration.statements)]

    for statement in every:
        wanted = of_cluster(statement)
        engines = re.findall(r"ENGINE = (\w+)", wanted)
        assert all(re.fullmatch(r"Replicated(Replacing|Aggregating)MergeTree", engine) for engine in engines)
        assert wanted.replace("ENGINE = Replicated", "ENGINE = ") == statement
        # The database gives each table its path: one of our own could be that of another.
        assert "/clickhouse/tables" not in wanted
        assert len(engines) == statement.count("MergeTree")


def test_the_database_of_a_cluster_passes_on_what_is_done_to_it() -> None:
    assert database("mimamori", replicated=False) == "CREATE DATABASE IF NOT EXISTS mimamori"
    assert database("mimamori", replicated=True) == (
        "CREATE DATABASE IF NOT EXISTS mimamori "
        "ENGINE = Replicated('/clickhouse/databases/mimamori', '{shard}', '{replica}')"
    )
