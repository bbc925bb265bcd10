"""Who may do what in ClickHouse, as SQL for a server of one's own."""

import re
from hashlib import sha256

import pytest
from typer.testing import CliRunner

from pipeline.settings import settings
from pipeline.warehouse.cli import app
from pipeline.warehouse.users import DASHBOARD, DATABASE, PROFILES, SHOWN, USERS, users

HASHES = {user.name: sha256(user.name.encode()).hexdigest() for user in USERS}


def test_every_user_gets_a_profile_a_way_in_and_what_they_may_do() -> None:
    made = list(users(HASHES, replicated=False))

    for user in USERS:
        assert f"ALTER USER {user.name} IDENTIFIED WITH sha256_hash BY '{HASHES[user.name]}' HOST ANY " in "\n".join(
            made
        )
        assert all(f"{grant} TO {user.name}" in made for grant in user.grants)
        assert f"CREATE SETTINGS PROFILE IF NOT EXISTS {DATABASE}_{user.profile}" in made


def test_who_has_no_password_cannot_log_in() -> None:
    made = [each for each in users({}, replicated=False) if " USER " in each]

    assert len(made) == 2 * len(USERS)
    assert all("NOT IDENTIFIED HOST NONE" in each for each in made)


def test_r52_a_dashboard_sees_views_of_what_may_be_told_and_changes_no_setting() -> None:
    assert DASHBOARD.grants == tuple(f"GRANT SELECT ON {DATABASE}.{view}" for view in SHOWN)
    assert all(view.startswith("dashboard_") for view in SHOWN)
    assert PROFILES[DASHBOARD.profile]["readonly"] == "1"  # type: ignore[index,call-overload]  # fields within fields


def test_what_a_profile_keeps_to_its_value_nobody_changes() -> None:
    (dropper,) = (
        each for each in users(HASHES, replicated=False) if each.startswith("ALTER SETTINGS PROFILE mimamori_dropper")
    )

    assert "max_ast_depth = 5 CONST" in dropper
    assert "enable_lightweight_delete = 0 CONST" in dropper


def test_on_a_cluster_most_replicas_have_what_counts_as_written() -> None:
    alone, many = (list(users(HASHES, replicated=cluster)) for cluster in (False, True))

    differing = [each for each in many if each not in alone]
    assert [re.sub(r".* (\w+) SETTINGS .*(insert_quorum.*)", r"\1 \2", each) for each in differing] == [
        "mimamori_writer insert_quorum = 'auto'"
    ]


def test_the_command_prints_hashes_and_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_CLICKHOUSE__WRITER_PASSWORD", "hunter2")
    settings.cache_clear()
    done = CliRunner().invoke(app, ["users"])
    settings.cache_clear()

    assert done.exit_code == 0, done.output
    assert "hunter2" not in done.output
    assert sha256(b"hunter2").hexdigest() in done.output
    assert done.output.count("HOST NONE") == 2 * (len(USERS) - 1)
    assert done.output.endswith(";\n")
