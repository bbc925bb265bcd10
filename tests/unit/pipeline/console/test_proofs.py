"""What is downloaded is what the verifier reads: it says that all holds."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from httpx import AsyncClient

from pipeline.console import proofs
from pipeline.vault import verify
from pipeline.vault.ledger import Entry, Fact, Kind
from tests.unit.pipeline.console.house import NOON, House, furnished, open_house

VERIFIER = Path(verify.__file__).read_bytes()
FILES = ("checkpoints.jsonl", "ledger.jsonl", "ledger.pub", "verify.py")


@pytest.fixture
def house() -> House:
    return furnished()


@pytest.fixture
async def client(house: House) -> AsyncIterator[AsyncClient]:
    async with open_house(house, "mori") as client:
        yield client


async def test_r18_the_files_pass_the_verifier_offline(
    client: AsyncClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in FILES:
        answer = await client.get(f"/api/proofs/{name}")
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["cache-control"] == "no-store"
        (tmp_path / name).write_bytes(answer.content)
    status = verify.main([str(tmp_path / "ledger.jsonl"), "--public-key", str(tmp_path / "ledger.pub")])

    assert status == 0, capsys.readouterr().out


async def test_r18_the_command_judges_as_of_the_download_with_the_file_that_was_given(
    client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes((await client.get(f"/api/proofs/{name}")).content)
    said = (await client.get("/api/proofs/command")).json()["text"]
    monkeypatch.chdir(tmp_path)

    assert said.startswith("python verify.py ledger.jsonl --public-key ledger.pub --checkpoints checkpoints.jsonl")
    assert said.endswith("--now 2026-11-23T05:40:00Z")
    assert (tmp_path / "verify.py").read_bytes() == VERIFIER
    assert verify.main(said.split()[2:]) == 0


async def test_a_receipt_is_offered_once_it_is_there(client: AsyncClient, house: House) -> None:
    before = (await client.get("/api/proofs/receipts/key-1/there")).json()
    house.people.told.append([Fact(Kind.KEY_DESTROYED, {"key_id": "key-1"})], NOON)
    after = (await client.get("/api/proofs/receipts/key-1/there")).json()

    assert (before, after) == ({"there": False}, {"there": True})


async def test_r18_a_ledger_of_many_pages_comes_whole_and_in_order(client: AsyncClient, house: House) -> None:
    house.people.told.append([Fact(Kind.REFUSED, {"person": str(number)}) for number in range(2500)], NOON)
    lines = (await client.get("/api/proofs/ledger.jsonl")).text.splitlines()

    assert [Entry.model_validate_json(line).index for line in lines] == list(range(len(house.people.told)))


async def test_a_key_without_a_receipt_is_told_politely(client: AsyncClient) -> None:
    answer = await client.get("/api/proofs/receipts/none", params={"lang": "en"})

    assert (answer.status_code, "There is no receipt" in answer.json()["detail"]) == (404, True)
    assert (await client.get("/api/proofs/receipts/a%0d%0ab")).status_code == 422


@pytest.mark.parametrize("name", ["tanaka", "abe"])
async def test_r17_the_ledger_is_for_who_may_read_it(house: House, name: str) -> None:
    async with open_house(house, name) as client:
        paths = [f"/api/proofs/{each}" for each in (*FILES, "receipts/a", "receipts/a/there", "command")]

        assert {(await client.get(path)).status_code for path in paths} == {403}


def test_every_file_has_its_route() -> None:
    paths = {getattr(route, "path", "") for route in proofs.router.routes}

    assert {f"/api/proofs/{name}" for name in FILES} <= paths
