"""One turn of taking away: every place is looked at, whichever is away."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agents.tidying import Keys, Tidying, every
from pipeline import lateness
from pipeline.clock import ManualClock
from pipeline.errors import MimamoriError, Rejected, Unavailable
from pipeline.leftovers import Leftovers
from pipeline.objects import Folder
from pipeline.warehouse.expiry import Part, Partition
from schemas.frozen import iso
from schemas.ids import KeyId
from schemas.topics import Lives, topics
from tests.examples import HOUR, NOON


class Warehouse:
    """Parts of the table of alerts."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.answer: MimamoriError | None = None

    async def ask(self, query: Any) -> tuple[Any, ...]:
        if self.answer is not None:
            raise self.answer
        return tuple(self.parts) if query.name == "parts" else (0,)

    async def drop(self, partition: Partition) -> None:
        self.parts = [each for each in self.parts if each.partition != partition.id]


class Vault:
    """Nothing lives in it, and it has a receipt of one key."""

    async def objects(self) -> tuple[Any, ...]:
        return ()

    async def receipt(self, key_id: KeyId) -> Any:
        if key_id != "k-receipt":
            raise Rejected("unknown_key", "none")
        return SimpleNamespace(entry={"body": {"destroyed_at": iso(NOON), "expires_at": iso(NOON + HOUR)}})


class House:
    """The places, and who tidies them."""

    def __init__(self, folder: Path, oldest: dict[str, datetime]) -> None:
        self.warehouse, self.folder, self.oldest = Warehouse(), folder, oldest
        self.objects, self.clock = Folder(folder / "objects"), ManualClock(NOON)
        self.tidying = self.started()

    def started(self) -> Tidying:
        """Begin as a fresh process does."""
        any_warehouse: Any = self.warehouse
        return Tidying(
            leftovers=Leftovers(self.objects),
            vault=Vault(),
            warehouse=any_warehouse,
            drop=self.warehouse.drop,
            bootstrap="",
            topics=topics(Lives(HOUR)),
            metrics=self.folder / "metrics",
            clock=self.clock,
        )

    def published(self, name: str, place: str) -> float | None:
        """Return what Prometheus would read."""
        text = (self.folder / "metrics" / "erasing.prom").read_text()
        found = re.search(rf'^mimamori_expired_{name}\{{place="{place}"\}} (\S+)$', text, re.MULTILINE)
        return None if found is None else float(found[1])


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    made = House(tmp_path, {})

    async def oldest_records(*_of: object) -> dict[str, datetime]:
        return made.oldest

    monkeypatch.setattr(lateness, "oldest_records", oldest_records)
    return made


def part(expired: datetime) -> Part:
    span = int(expired.timestamp()) // 21600 * 21600
    return Part("alerts", str(span), active=True, rows=1, first=expired, last=expired)


async def test_r20_a_turn_drops_partitions_and_removes_objects(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    house.warehouse.parts = [part(NOON - 12 * HOUR)]
    await house.objects.put("evidence/ginza/door/k-1", b"sealed")
    house.tidying.leftovers.destroyed({"k-1": NOON})

    found = await house.tidying.turn()

    assert house.warehouse.parts == []
    assert await house.objects.names("evidence/") == []
    assert not any(each.by for each in found)
    said = capsys.readouterr().out
    assert "partition dropped" in said
    assert "object removed" in said


async def test_r20_that_a_partition_has_left_the_disk_is_told_only_then(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    over = part(NOON - 12 * HOUR)
    house.warehouse.parts = [over._replace(active=False)]
    await house.tidying.turn()
    await house.tidying.turn()
    still = capsys.readouterr().out
    house.warehouse.parts = []

    await house.tidying.turn()

    assert "partition gone from the disk" not in still
    assert capsys.readouterr().out.count("partition gone from the disk") == 1


async def test_r21_what_is_late_is_logged_and_published(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    # Nobody knows its partition, so nobody drops it.
    house.warehouse.parts = [part(NOON - 30 * HOUR)._replace(partition="all")]
    house.oldest = {"frames.v1": NOON - 5 * HOUR}

    found = await house.tidying.turn()

    assert {each.place for each in found if each.late} == {"clickhouse/alerts", "kafka/frames.v1"}
    published = (house.folder / "metrics" / "erasing.prom").read_text()
    assert 'place="clickhouse/alerts"} 108000' in published
    assert 'place="kafka/frames.v1"} 14400' in published
    assert capsys.readouterr().out.count("expired data is late") == 2


async def test_the_vaults_receipts_say_which_keys_are_gone() -> None:
    keys = Keys(Vault())

    assert await keys.gone_since("k-receipt") == NOON
    assert await keys.gone_since("k-1") is None
    assert await keys.living() == frozenset()


async def test_a_place_that_is_away_does_not_keep_the_others_waiting(house: House) -> None:
    house.warehouse.answer = Unavailable("ClickHouse is away")
    await house.objects.put("evidence/ginza/door/k-1", b"sealed")
    house.tidying.leftovers.destroyed({"k-1": NOON})

    found = await house.tidying.turn()

    assert await house.objects.names("evidence/") == []
    assert any(each.place == "kafka/frames.v1" for each in found)


ON_DISK, STAMP = "on_disk_seconds", "measured_timestamp_seconds"


async def test_r21_a_place_that_refuses_keeps_its_figure_and_its_stamp_grows_old(house: House) -> None:
    house.warehouse.parts = [part(NOON - 30 * HOUR)._replace(partition="all")]
    await house.tidying.turn()
    house.warehouse.answer = Unavailable("ClickHouse does not allow it")
    house.clock.advance(HOUR)
    await house.tidying.turn()
    # A worker that dies of it, or is started anew to mend it, looks no better.
    house.clock.advance(HOUR)
    await house.started().turn()
    old = house.published(STAMP, "clickhouse/alerts")
    house.warehouse.answer = None
    await house.tidying.turn()

    assert old == round(NOON.timestamp())
    assert house.published(STAMP, "clickhouse/alerts") == round((NOON + 2 * HOUR).timestamp())
    assert house.published(STAMP, "kafka/frames.v1") == round((NOON + 2 * HOUR).timestamp())
    assert house.published(ON_DISK, "clickhouse/alerts") == 32 * 3600


async def test_r21_a_place_that_was_never_looked_at_has_a_stamp(house: House) -> None:
    house.warehouse.answer = Unavailable("ClickHouse does not allow it")
    await house.tidying.turn()
    house.clock.advance(HOUR)
    await house.tidying.turn()

    assert house.published(STAMP, "clickhouse/coverage") == round(NOON.timestamp())
    assert house.published(ON_DISK, "clickhouse/coverage") is None


async def test_r21_objects_that_nobody_can_read_are_not_looked_at(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreadable(_name: str) -> bytes | None:
        raise Unavailable("Input/output error")

    await house.objects.put("evidence/ginza/door/k-1", b"sealed")
    monkeypatch.setattr(house.objects, "get", unreadable)
    for _turn in range(3):
        await house.tidying.turn()
        house.clock.advance(HOUR)

    assert house.published(STAMP, "objects/evidence") == round(NOON.timestamp())
    assert house.published(ON_DISK, "objects/evidence") == 2 * 3600


@pytest.mark.parametrize(
    ("ttl", "often"),
    [(timedelta(hours=72), 60), (timedelta(hours=1), 60), (timedelta(seconds=60), 15), (timedelta(seconds=4), 5)],
)
def test_it_is_done_each_minute_and_oftener_where_frames_live_for_seconds(ttl: timedelta, often: int) -> None:
    assert every(ttl) == timedelta(seconds=often)


def test_the_partitions_of_the_tests_are_like_the_engines() -> None:
    assert datetime.fromtimestamp(int(part(NOON).partition), UTC) <= NOON
