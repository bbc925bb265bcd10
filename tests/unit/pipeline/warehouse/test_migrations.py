"""Numbered files, and which are due."""

from pathlib import Path

import pytest

from pipeline.errors import Misconfigured
from pipeline.warehouse.migrations import FOLDER, due, parse, read, statements


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

    assert every
    assert all("IF NOT EXISTS" in statement or "IF EXISTS" in statement for statement in every)


def test_r20_every_table_of_the_project_forgets() -> None:
    every = [statement for migration in read(FOLDER) for statement in migration.statements]
    tables = [statement for statement in every if statement.startswith("CREATE TABLE")]

    assert tables
    assert all("\nTTL " in table for table in tables)
