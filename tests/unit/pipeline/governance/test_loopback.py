"""The demo profile is refused where anything is on another machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.cli import app as worker
from pipeline.console.cli import app as console
from pipeline.edge.cli import app as publish
from pipeline.errors import Misconfigured
from pipeline.governance.loopback import addresses, require_loopback
from pipeline.settings import Settings, settings
from schemas.estate import Estate, FlowSettings
from tests.unit.pipeline.edge.test_start import house

__all__ = ["house"]

PUBLISHED = Estate.model_validate({"frame_ttl": "1h", "stores": [{"id": "ginza", "regulation": "r.toml"}]})
DEMO = PUBLISHED.model_copy(update={"demo": True, "flow": FlowSettings(profile="demo")})
HERE = ["127.0.0.1:9092", "localhost:9092,127.0.0.2:9093", "[::1]:9092", "http://127.0.0.1:8123", "http://[::1]:8200/"]
AWAY = [
    "kafka:9092", "127.0.0.1:9092,10.0.0.7:9092", "http://0.0.0.0:8123", "https://vault.example", "", "http://",
    "http://127.0.0.1.example:8123", "http://127.0.0.1@example:8123",
]  # fmt: skip
START: list[tuple[Any, list[str]]] = [
    (worker, ["watching"]),
    (worker, ["recording"]),
    (publish, ["drawn:1", "--store", "ginza", "--camera", "door"]),
    (console, ["serve", "--port", "0"]),
]


@pytest.mark.parametrize("address", HERE)
def test_r51_the_demo_profile_may_be_used_on_loopback(address: str) -> None:
    require_loopback(DEMO, {"SETTING": address})


@pytest.mark.parametrize("address", AWAY)
def test_r51_the_demo_profile_is_refused_off_loopback_with_the_mend(address: str) -> None:
    with pytest.raises(Misconfigured, match=r"SETTING is .*127\.0\.0\.1.*profile"):
        require_loopback(DEMO, {"OTHER": "127.0.0.1:1", "SETTING": address})


@pytest.mark.parametrize("address", AWAY)
def test_what_is_published_may_be_anywhere(address: str) -> None:
    require_loopback(PUBLISHED, {"SETTING": address})


def test_r51_the_settings_own_addresses_are_on_loopback() -> None:
    require_loopback(DEMO, addresses(Settings()))


@pytest.fixture
def demo(house: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A demo estate, and ClickHouse elsewhere."""
    estate = house / "estate.toml"
    estate.write_text(f'demo = true\nflow = {{ profile = "demo" }}\n{estate.read_text()}')
    monkeypatch.setenv("MIMAMORI_ESTATE", str(estate))
    monkeypatch.setenv("MIMAMORI_CLICKHOUSE__URL", "http://clickhouse:8123")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(("app", "arguments"), START, ids=lambda each: str(each[0]) if isinstance(each, list) else "")
def test_r51_nothing_starts_with_the_demo_profile_off_loopback(app: Any, arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)

    assert isinstance(result.exception, Misconfigured)
    assert "MIMAMORI_CLICKHOUSE__URL is http://clickhouse:8123" in str(result.exception)


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("option", ["--clickhouse", "--vault", "--bootstrap"])
def test_r51_the_consoles_own_options_are_judged_too(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_CLICKHOUSE__URL", "http://127.0.0.1:8123")
    settings.cache_clear()
    result = CliRunner().invoke(console, ["serve", "--port", "0", option, "http://10.0.0.7:1"])

    assert isinstance(result.exception, Misconfigured)
    assert "http://10.0.0.7:1" in str(result.exception)
