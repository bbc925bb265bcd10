"""What the local ClickHouse is told before it starts."""

import hashlib
import json
import stat
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pipeline.local.clickhouse import LOCAL, Clickhouse, users
from pipeline.warehouse.users import ERASER, FORGETTING, OWNER, READER, WRITER


@pytest.fixture
def clickhouse(tmp_path: Path) -> Clickhouse:
    made = Clickhouse(tmp_path / "clickhouse", 18123)
    made.write_config()
    return made


def tree(clickhouse: Clickhouse, file: str) -> ET.Element:
    return ET.fromstring((clickhouse.home / file).read_text())


def test_every_file_is_for_its_owner_alone(clickhouse: Clickhouse) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in clickhouse.home.iterdir()}

    assert modes == dict.fromkeys(("config.xml", "users.xml", "passwords.json"), 0o600)


def test_it_listens_on_loopback_alone_and_within_its_memory(clickhouse: Clickhouse) -> None:
    config = tree(clickhouse, "config.xml")

    assert [each.text for each in config.iter("listen_host")] == ["127.0.0.1"]
    assert config.findtext("http_port") == "18123"
    assert int(config.findtext("max_server_memory_usage", "0")) <= 2_000_000_000


def test_passwords_are_random_and_stay_for_the_next_start(clickhouse: Clickhouse, tmp_path: Path) -> None:
    first = clickhouse.passwords()
    clickhouse.write_config()
    other = Clickhouse(tmp_path / "other", 18124)
    other.write_config()

    assert clickhouse.passwords() == first
    assert set(first) == {user.name for user in LOCAL}
    assert len({*first.values(), *other.passwords().values()}) == 2 * len(LOCAL)


def test_the_engine_is_told_hashes_and_no_passwords(clickhouse: Clickhouse) -> None:
    text = (clickhouse.home / "users.xml").read_text()

    for password in clickhouse.passwords().values():
        assert password not in text
        assert hashlib.sha256(password.encode()).hexdigest() in text


def test_the_user_without_a_password_may_do_nothing_but_open_the_listener(clickhouse: Clickhouse) -> None:
    default = tree(clickhouse, "users.xml").find("users/default")

    assert default is not None
    assert [grant.text for grant in default.iter("query")] == ["GRANT SYSTEM LISTEN ON *.*"]


def test_nobody_is_granted_files_or_other_sources() -> None:
    text = repr(users(dict.fromkeys((user.name for user in LOCAL), "")))

    assert "READ ON" not in text
    assert "SOURCES" not in text
    assert "GRANT ALL ON *.*" not in text


def test_the_writer_adds_and_the_reader_reads() -> None:
    assert all(grant.startswith("GRANT INSERT, SHOW COLUMNS ON mimamori.") for grant in WRITER.grants)
    assert READER.grants == ("GRANT SELECT ON mimamori.*",)


def test_r17_who_drops_partitions_can_delete_by_no_name(clickhouse: Clickhouse) -> None:
    tree_of_users = tree(clickhouse, "users.xml")
    profile, dropper = tree_of_users.find("profiles/dropper"), tree_of_users.find("users/dropper")

    assert profile is not None
    assert dropper is not None
    assert (profile.findtext("max_ast_depth"), profile.findtext("enable_lightweight_delete")) == ("5", "0")
    assert {each.tag for each in profile.find("constraints") or ()} == {"max_ast_depth", "enable_lightweight_delete"}
    assert dropper.findtext("profile") == "dropper"
    assert {grant.text for grant in dropper.iter("query")} == {
        f"GRANT ALTER DELETE ON mimamori.{table}" for table in FORGETTING
    }


def test_r17_who_looks_when_parts_expire_reads_no_row() -> None:
    assert all("SELECT ON system." in grant or grant.startswith("GRANT SHOW TABLES") for grant in ERASER.grants)


def test_passwords_of_users_who_came_later_are_made_and_the_others_stay(clickhouse: Clickhouse) -> None:
    kept = clickhouse.passwords()
    (clickhouse.home / "passwords.json").write_text(json.dumps({name: kept[name] for name in ("owner", "reader")}))
    clickhouse.write_config()

    now = clickhouse.passwords()
    assert now.keys() == kept.keys()
    assert (now["owner"], now["reader"]) == (kept["owner"], kept["reader"])
    assert now["dropper"] != kept["dropper"]


def test_a_process_gets_the_passwords_of_its_users_and_no_others(clickhouse: Clickhouse) -> None:
    environment = clickhouse.environment(READER)

    assert environment["MIMAMORI_CLICKHOUSE__URL"] == "http://127.0.0.1:18123"
    assert environment["MIMAMORI_CLICKHOUSE__READER_PASSWORD"] == clickhouse.passwords()["reader"]
    assert not any("WRITER" in name or "OWNER" in name for name in environment)
    assert set(clickhouse.environment(OWNER, WRITER)) > {
        "MIMAMORI_CLICKHOUSE__OWNER_PASSWORD",
        "MIMAMORI_CLICKHOUSE__WRITER_PASSWORD",
    }


def test_what_does_not_answer_is_not_ready(clickhouse: Clickhouse) -> None:
    # Port 9 on loopback: discard, which nobody runs.
    assert not Clickhouse(clickhouse.home, 9).ready()


def test_what_was_never_configured_is_not_ready(tmp_path: Path) -> None:
    assert not Clickhouse(tmp_path, 9).ready()
