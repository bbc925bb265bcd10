"""Who comes to ClickHouse, what each may do there, and the limits that hold for them."""

from collections.abc import Mapping
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
