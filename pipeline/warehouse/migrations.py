"""The warehouse's tables as numbered files, and which of them are still due."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

from pipeline.errors import Misconfigured
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.login import Login
from pipeline.warehouse.queries import Query

FOLDER: Final = Path(__file__).parents[2] / "infra" / "clickhouse"

_COPYING: Final = timedelta(hours=1)
"""A statement may copy a table."""

_ENGINE: Final = re.compile(r"\bENGINE = (\w*MergeTree)\b")

RECORD: Final = """
CREATE TABLE IF NOT EXISTS migrations
(
    number     UInt32,
    name       String,
    digest     String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY number
COMMENT 'items: which files made these tables | scope: on-call | purpose: operation | responsible: on-call engineer'
"""


class Migration(NamedTuple):
    """A file of statements, each of which may run twice."""

    number: int
    name: str
    digest: str
    statements: tuple[str, ...]


class Applied(NamedTuple):
    number: int
    digest: str


async def migrate(login: Login, folder: Path = FOLDER, *, replicated: bool = False) -> tuple[Migration, ...]:
    """Make the database and its tables, as their owner, and return what was applied. Safe to run again at any time.

    A migration is recorded after its last statement: one that was cut off runs again from its first.

    Args:
        login: The owner's.
        folder: Of numbered files.
        replicated: On a cluster: every replica has every row. Run it against one of them.
    """
    async with Warehouse(login.model_copy(update={"database": "default"})) as server:
        await server.run(database(login.database, replicated=replicated))
    as_wanted = of_cluster if replicated else str
    async with Warehouse(login) as warehouse:
        await warehouse.run(as_wanted(RECORD))
        applied = await warehouse.ask(Query("applied", "SELECT number, digest FROM migrations FINAL", Applied))
        wanted = due(read(folder), dict(applied))
    async with Warehouse(login.model_copy(update={"answer_timeout": _COPYING})) as warehouse:
        for migration in wanted:
            await apply(warehouse, migration._replace(statements=tuple(map(as_wanted, migration.statements))))
    return wanted


def database(name: str, *, replicated: bool) -> str:
    """Return the statement that makes the database. A replicated one passes on to each replica what is done to one."""
    made = f"CREATE DATABASE IF NOT EXISTS {name}"
    return (
        f"{made} ENGINE = Replicated('/clickhouse/databases/{name}', '{{shard}}', '{{replica}}')" * replicated or made
    )


def of_cluster(statement: str) -> str:
    """Return a statement as a cluster needs it: its tables' rows are on every replica.

    The database sees to the rest: it gives each table its path, and runs each statement on every replica.
    """
    return _ENGINE.sub(r"ENGINE = Replicated\1", statement)


async def apply(warehouse: Warehouse, migration: Migration) -> None:
    for statement in migration.statements:
        await warehouse.run(statement)
    number, name, digest, _ = migration
    await warehouse.run(f"INSERT INTO migrations (number, name, digest) VALUES ({number}, '{name}', '{digest}')")  # noqa: S608 - our own file names, checked by `read`


def due(migrations: Sequence[Migration], applied: Mapping[int, str]) -> tuple[Migration, ...]:
    """Return what is not applied yet.

    Raises:
        Misconfigured: A file was changed after it was applied, or is gone.
    """
    known = {migration.number: migration.digest for migration in migrations}
    for number, digest in applied.items():
        if known.get(number) != digest:
            raise Misconfigured(f"migration {number:04} is not what was applied: add a new file, never change one")
    return tuple(migration for migration in migrations if migration.number not in applied)


def read(folder: Path) -> tuple[Migration, ...]:
    """Read `NNNN_name.sql` in order.

    Raises:
        Misconfigured: There is none, or the numbers do not run 1, 2, 3 …
    """
    migrations = tuple(parse(path.name, path.read_text()) for path in sorted(folder.glob("*.sql")))
    if not migrations or [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise Misconfigured(f"the migrations in {folder} do not run 0001, 0002, 0003 …")
    return migrations


def parse(file: str, text: str) -> Migration:
    match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", file)
    if match is None:
        raise Misconfigured(f"{file} is no name for a migration: NNNN_name.sql")
    return Migration(int(match[1]), match[2], hashlib.sha256(text.encode()).hexdigest(), statements(text))


def statements(text: str) -> tuple[str, ...]:
    """Split at each line that ends in a semicolon; comments that take a whole line are left out."""
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return tuple(part.strip() for part in re.split(r";\s*(?:\n|$)", code) if part.strip())
