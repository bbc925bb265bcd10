"""Who comes to ClickHouse, what each may do there, and the limits that hold for them."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

DATABASE: Final = "mimamori"

# A table of fields within fields; a tuple repeats its tag.
Fields = Mapping[str, "str | Fields | tuple[str, ...]"]


class User(NamedTuple):
    """Somebody who logs in with a password, what they may do, and the limits that hold for them."""

    name: str
    profile: str
    grants: tuple[str, ...]


OWNER: Final = User(
    "owner",
    "owner",
    (f"GRANT ALL ON {DATABASE}.*", "GRANT TABLE ENGINE ON *", "GRANT SELECT ON system.view_refreshes"),
)
WRITER: Final = User(
    "writer",
    "writer",
    tuple(f"GRANT INSERT, SHOW COLUMNS ON {DATABASE}.{table}" for table in ("people_flow", "alerts", "coverage")),
)
READER: Final = User("reader", "reader", (f"GRANT SELECT ON {DATABASE}.*",))
# Whoever draws charts for many: views of what may be told to anyone who asks anything (0008), and no setting at all.
SHOWN: Final = ("dashboard_flow_hourly", "dashboard_flow_daily", "dashboard_store_hourly", "dashboard_store_daily")
DASHBOARD: Final = User("dashboard", "dashboard", tuple(f"GRANT SELECT ON {DATABASE}.{view}" for view in SHOWN))
FORGETTING: Final = (
    "alerts",
    "alert_arrivals",
    "people_flow",
    "people_flow_hourly",
    "people_flow_daily",
    "store_hourly",
    "store_daily",
    "coverage",
)
ERASER: Final = User(
    "eraser",
    "reader",
    (
        "GRANT SELECT ON system.parts",
        "GRANT SELECT ON system.detached_parts",
        "GRANT SELECT ON system.view_refreshes",
        f"GRANT SHOW TABLES ON {DATABASE}.*",
    ),
)
# ClickHouse knows no right to drop a partition but that to delete. The profile leaves of it what needs no predicate:
# none that names anything is as shallow as DROP PARTITION ID, and lightweight deletes are off.
DROPPER: Final = User("dropper", "dropper", tuple(f"GRANT ALTER DELETE ON {DATABASE}.{table}" for table in FORGETTING))
USERS: Final = (OWNER, WRITER, READER, DASHBOARD, ERASER, DROPPER)

PROFILES: Final[Fields] = {
    # Also where a server keeps a log of queries: their text is none of its business.
    "default": {"log_queries": "0"},
    "owner": {"max_memory_usage": "500000000"},
    # Small batches that must be on disk when they are acknowledged: waiting for others only makes them late.
    "writer": {"async_insert": "0", "max_memory_usage": "500000000", "max_execution_time": "30"},
    "reader": {"readonly": "2", "max_memory_usage": "500000000", "max_execution_time": "10"},
    "dashboard": {"readonly": "1", "max_memory_usage": "500000000", "max_execution_time": "10"},
    "dropper": {
        "max_ast_depth": "5",
        "enable_lightweight_delete": "0",
        "max_memory_usage": "100000000",
        "max_execution_time": "30",
        "constraints": {name: {"const": ""} for name in ("max_ast_depth", "enable_lightweight_delete")},
    },
}

# On a cluster a row counts as written when most replicas have it.
_QUORUM: Final = {"insert_quorum": "'auto'"}


def users(hashes: Mapping[str, str], *, replicated: bool) -> Iterator[str]:
    """Return the statements that make users and profiles on a server that keeps them in SQL.

    Args:
        hashes: By user the SHA-256 of the password, in hexadecimal; who has none cannot log in.
        replicated: Whether it is a cluster.
    """
    for user in USERS:
        name = f"{DATABASE}_{user.profile}"
        limits = {"log_queries": "0", **_limits(user.profile), **(_QUORUM if replicated and user is WRITER else {})}
        said = ", ".join(f"{setting} = {limit}" for setting, limit in limits.items())
        yield f"CREATE SETTINGS PROFILE IF NOT EXISTS {name}"
        yield f"ALTER SETTINGS PROFILE {name} SETTINGS {said}"
        told = hashes.get(user.name)
        way_in = f"IDENTIFIED WITH sha256_hash BY '{told}' HOST ANY" if told else "NOT IDENTIFIED HOST NONE"
        yield f"CREATE USER IF NOT EXISTS {user.name} {way_in} SETTINGS PROFILE '{name}'"
        yield f"ALTER USER {user.name} {way_in} SETTINGS PROFILE '{name}'"
        yield from (f"{grant} TO {user.name}" for grant in user.grants)


def _limits(profile: str) -> dict[str, str]:
    """Return the settings of a profile; those with a constraint nobody can change."""
    fields = PROFILES[profile]
    assert isinstance(fields, Mapping)
    constraints = fields.get("constraints", {})
    return {
        name: f"{value} CONST" if name in constraints else str(value)
        for name, value in fields.items()
        if name != "constraints"
    }
