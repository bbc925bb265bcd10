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


def test_a_wrong_setting_is_named_and_its_value_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_VAULT__AHEAD", "hunter2")
    settings.cache_clear()

    with pytest.raises(Misconfigured, match="MIMAMORI_VAULT__AHEAD") as wrong:
        settings()
    assert "hunter2" not in str(wrong.value)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_VAULT__TOKEN", "hunter2")

    assert "hunter2" not in repr(Settings())
