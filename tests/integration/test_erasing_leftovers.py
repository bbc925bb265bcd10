"""What is noise is taken away by the running system: the object of an alert erased early, and expired rows."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.objects import Folder
from pipeline.settings import Clickhouse
from pipeline.vault.api import ErasureRequest, ObjectKey, ObjectRequest, Stored
from pipeline.warehouse.client import Warehouse
from pipeline.warehouse.login import writer
from pipeline.warehouse.users import WRITER
from schemas.envelope import Purpose
from schemas.ids import AlertId, CameraId, StoreId
from tests.integration.clickhouse_disk import found
from tests.integration.house import House, house
from tests.integration.warehouse_rows import alert

CANARY = "canary-of-an-expired-alert-0b7d4e"
SEALED = b"sealed clip, of which this test needs to open nothing" * 20


async def evidence(running: House, name: str) -> ObjectKey:
    """Put what passes for a sealed clip, as cutting does."""
    now = datetime.now(UTC)
    asked = ObjectRequest(
        alert_id=AlertId(name), store_id=StoreId("ginza"), camera_id=CameraId("entrance"),
        purpose=Purpose.CRIME_PREVENTION, start=now - timedelta(seconds=5), end=now,
    )  # fmt: skip
    async with running.vault("cutting") as client:
        key = await client.object_key(asked)
        await objects(running).put(named(key), SEALED)
        await client.object_stored(key.key_id, Stored(sha256=hashlib.sha256(SEALED).hexdigest(), size=len(SEALED)))
    return key


def named(key: ObjectKey) -> str:
    return f"evidence/{key.store_id}/{key.camera_id}/{key.key_id}"


def objects(running: House) -> Folder:
    return Folder((running.demo.run / "objects").absolute())


async def erase(running: House, alert_id: AlertId) -> None:
    """Decide it, as the store's manager."""
    async with running.vault("console") as client:
        session = (await client.sign_in("manager", running.demo.accounts["manager"])).token
        await client.erase(
            ErasureRequest(alert_id=alert_id, reason="the person asked for it, and rightly"), session=session
        )


async def test_r23_the_object_of_an_alert_erased_early_and_expired_rows_leave_the_disk(tmp_path: Path) -> None:
    async with house(tmp_path) as running:
        erased, lives = await evidence(running, "alert-1"), await evidence(running, "alert-2")
        passwords = running.demo.clickhouse.passwords()
        login = writer(Clickhouse(url=running.demo.clickhouse.url, writer_password=passwords[WRITER.name]))
        async with Warehouse(login) as warehouse:
            await warehouse.insert([alert(CANARY, datetime.now(UTC) - timedelta(days=30, hours=7))])

        async def is_gone() -> bool:
            return named(erased) not in await objects(running).names("evidence/")

        assert not await is_gone()
        await erase(running, AlertId("alert-1"))
        seconds = await running.until(is_gone, "the object of a destroyed key is taken away")
        left = await objects(running).names("evidence/")

        async def is_off_the_disk() -> bool:
            return not found(running.demo.run / "clickhouse", CANARY.encode())

        await running.until(is_off_the_disk, "an expired row leaves the disk", 180)
        log = (running.demo.logs / "erasing.log").read_text()

    assert seconds < 60
    assert left == [named(lives)]
    assert "object removed" in log
    assert erased.key_id in log
    assert "expired data is late" not in log
