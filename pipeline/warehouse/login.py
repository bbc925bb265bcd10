"""Who comes to the warehouse, and where it is."""

from datetime import timedelta

from pydantic import SecretStr

from pipeline.settings import Clickhouse
from schemas.frozen import Frozen


class Login(Frozen):
    """One user of one database, and how long they wait."""

    url: str
    database: str
    user: str
    password: SecretStr
    connect_timeout: timedelta = timedelta(seconds=2)
    answer_timeout: timedelta = timedelta(seconds=15)


def owner(clickhouse: Clickhouse) -> Login:
    """Makes the tables; nobody else may."""
    return login(clickhouse, clickhouse.owner, clickhouse.owner_password)


def writer(clickhouse: Clickhouse) -> Login:
    """Adds rows, and can read none."""
    return login(clickhouse, clickhouse.writer, clickhouse.writer_password)


def reader(clickhouse: Clickhouse) -> Login:
    """Reads, and changes nothing."""
    return login(clickhouse, clickhouse.reader, clickhouse.reader_password)


def eraser(clickhouse: Clickhouse) -> Login:
    """Sees which parts lie on the disk and when their rows expire, and no row."""
    return login(clickhouse, clickhouse.eraser, clickhouse.eraser_password)


def dropper(clickhouse: Clickhouse) -> Login:
    """Drops partitions, and does nothing else."""
    return login(clickhouse, clickhouse.dropper, clickhouse.dropper_password)


def login(clickhouse: Clickhouse, user: str, password: SecretStr) -> Login:
    return Login(url=clickhouse.url, database=clickhouse.database, user=user, password=password)
