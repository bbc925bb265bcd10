"""Settings from the environment, and what is said when they are wrong."""

from datetime import timedelta

import pytest

from pipeline.errors import Misconfigured
from pipeline.settings import Settings, settings


def test_branches_are_set_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_KAFKA__BOOTSTRAP", "broker:1")
    monkeypatch.setenv("MIMAMORI_VAULT__AHEAD", "5min")

    assert Settings().kafka.bootstrap == "broker:1"
    assert Settings().vault.ahead == timedelta(minutes=5)


def test_bytes_may_be_written_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_SPOOL__BYTES", "500 MiB")

    assert Settings().spool.bytes == 500 << 20
    assert Settings().spool.keep_free == 1 << 30


def test_a_wrong_setting_is_named_and_its_value_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_VAULT__AHEAD", "hunter2")
    settings.cache_clear()

    with pytest.raises(Misconfigured, match="MIMAMORI_VAULT__AHEAD") as wrong:
        settings()
    assert "hunter2" not in str(wrong.value)


@pytest.mark.parametrize("level", ["debug", "Debug", "DEBUG"])
def test_a_log_level_may_be_written_in_any_case(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    monkeypatch.setenv("MIMAMORI_LOGS__LEVEL", level)

    assert Settings().logs.level == "DEBUG"


def test_a_log_level_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_LOGS__LEVEL", "loud")
    settings.cache_clear()

    with pytest.raises(Misconfigured, match=r"MIMAMORI_LOGS__LEVEL: .*'DEBUG'"):
        settings()


@pytest.mark.parametrize("token", [None, "", " \n"])
def test_who_needs_a_token_and_has_none_is_told_the_variable(
    monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    if token is None:
        monkeypatch.delenv("MIMAMORI_VAULT__TOKEN", raising=False)
    else:
        monkeypatch.setenv("MIMAMORI_VAULT__TOKEN", token)

    with pytest.raises(Misconfigured, match="MIMAMORI_VAULT__TOKEN"):
        Settings().vault.bearer()


def test_a_tokens_last_line_break_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_VAULT__TOKEN", "hunter2\n")

    assert Settings().vault.bearer() == "hunter2"


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_VAULT__TOKEN", "hunter2")

    assert "hunter2" not in repr(Settings())
