"""Tokens: each principal's own, kept by the vault as hashes only."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.errors import Misconfigured, Unavailable
from pipeline.vault import tokens
from pipeline.vault.access import Principal, Role
from pipeline.vault.ledger import Fact, Kind, MemoryLedger
from pipeline.vault.receipts import messages_of
from schemas.audit import AccessRecord
from schemas.ids import DeviceId, StoreId
from tests.examples import NOON
from tests.unit.pipeline.test_opening import ESTATE

DETECTING = Principal(name="detecting", role=Role.DETECTING)
DEVICE = Principal(name="device-ginza-pc", role=Role.DEVICE, store=StoreId("ginza"))


def _own(folder: Path, principal: Principal) -> str:
    return (folder / "tokens" / principal.name).read_text()


def test_a_token_names_its_principal(tmp_path: Path) -> None:
    tokens.issue(tmp_path, [DETECTING, DEVICE])

    known = tokens.load(tmp_path)

    assert known.principal(_own(tmp_path, DEVICE)) == DEVICE
    assert known.principal(_own(tmp_path, DETECTING)) == DETECTING
    assert known.principal("guessed") is None


def test_a_device_with_the_longest_name_has_a_token_and_its_refusals_are_published(tmp_path: Path) -> None:
    gateway = ESTATE.stores[0].devices[0].model_copy(update={"id": DeviceId("d" * 63)})
    store = ESTATE.stores[0].model_copy(update={"devices": (gateway,)})

    principals = tokens.principals_of(ESTATE.model_copy(update={"stores": (store,)}))

    known = tokens.issue(tmp_path, principals)
    assert known.principal(_own(tmp_path, principals[-1])) == principals[-1]
    ledger = MemoryLedger(Ed25519PrivateKey.generate())
    body = {"principal": principals[-1].name, "action": "lease", "reason": "no"}
    ledger.append([Fact(Kind.REFUSED, body)], NOON)
    (record,) = messages_of(ledger.entries(0, 1))
    assert isinstance(record, AccessRecord)
    assert record.principal == f"device-{'d' * 63}"


def test_issuing_again_changes_no_token(tmp_path: Path) -> None:
    tokens.issue(tmp_path, [DETECTING])
    before = _own(tmp_path, DETECTING)

    known = tokens.issue(tmp_path, [DETECTING, DEVICE])

    assert known.principal(before) == DETECTING


def test_a_principal_that_is_gone_has_no_token(tmp_path: Path) -> None:
    tokens.issue(tmp_path, [DETECTING, DEVICE])

    known = tokens.issue(tmp_path, [DETECTING])

    assert known.principal(_own(tmp_path, DEVICE)) is None


def test_a_lost_token_is_replaced(tmp_path: Path) -> None:
    tokens.issue(tmp_path, [DETECTING])
    lost = _own(tmp_path, DETECTING)
    (tmp_path / "tokens" / "detecting").unlink()

    known = tokens.issue(tmp_path, [DETECTING])

    assert known.principal(lost) is None
    assert known.principal(_own(tmp_path, DETECTING)) == DETECTING


def test_tokens_are_their_owners_alone_and_the_vault_keeps_hashes(tmp_path: Path) -> None:
    tokens.issue(tmp_path, [DETECTING])

    assert (tmp_path / "tokens" / "detecting").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "tokens.json").stat().st_mode & 0o777 == 0o600
    assert _own(tmp_path, DETECTING) not in (tmp_path / "tokens.json").read_text()


def test_an_open_or_broken_token_file_is_refused(tmp_path: Path) -> None:
    tokens.issue(tmp_path, [DETECTING])
    (tmp_path / "tokens.json").chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod 600"):
        tokens.load(tmp_path)

    (tmp_path / "tokens.json").chmod(0o600)
    (tmp_path / "tokens.json").write_text("{")
    with pytest.raises(Misconfigured, match="no token file"):
        tokens.load(tmp_path)


def test_a_renewed_token_holds_at_once_and_the_old_one_no_more(tmp_path: Path) -> None:
    running = tokens.issue(tmp_path, [DETECTING, DEVICE])
    old, others = _own(tmp_path, DETECTING), _own(tmp_path, DEVICE)
    assert running.principal(old) == DETECTING

    tokens.renew(tmp_path, "detecting")

    assert running.principal(old) is None
    assert running.principal(_own(tmp_path, DETECTING)) == DETECTING
    assert running.principal(others) == DEVICE


def test_a_token_file_that_breaks_meanwhile_makes_nobody_known(tmp_path: Path) -> None:
    running = tokens.issue(tmp_path, [DETECTING])
    (tmp_path / "tokens.json").write_text("{")

    with pytest.raises(Unavailable, match="no token file"):
        running.principal(_own(tmp_path, DETECTING))


def test_nobody_elses_token_is_renewed(tmp_path: Path) -> None:
    tokens.issue(tmp_path, [DETECTING])

    with pytest.raises(Misconfigured, match="nobody called recording has a token here: detecting"):
        tokens.renew(tmp_path, "recording")


def test_every_stage_that_asks_the_vault_has_a_token_and_no_other() -> None:
    stages = {each.name for each in tokens.principals_of(ESTATE) if each.role is not Role.DEVICE}

    assert stages == {"detecting", "cutting", "erasing", "console"}
