"""The demo profile tells of single people (R51): nothing of it may leave the machine."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from pipeline.errors import Misconfigured
from pipeline.settings import Settings
from schemas.estate import Estate


def addresses(own: Settings) -> dict[str, str]:
    """Return where everything is, by the setting that says so."""
    return {
        "MIMAMORI_KAFKA__BOOTSTRAP": own.kafka.bootstrap,
        "MIMAMORI_CLICKHOUSE__URL": own.clickhouse.url,
        "MIMAMORI_VAULT__URL": own.vault.url,
    }


def require_loopback(estate: Estate, where: Mapping[str, str]) -> None:
    """Refuse the demo profile where anything is on another machine.

    Args:
        estate: Says which profile its flow has.
        where: Addresses by what people set them with: URLs, or hosts with ports and commas between.

    Raises:
        Misconfigured: Naming every such address, and the mend.
    """
    away = [f"{name} is {address}" for name, address in where.items() if not _all_here(address)]
    if estate.flow.profile == "demo" and away:
        raise Misconfigured(
            f"the demo profile is for loopback only (R51), but {'; '.join(away)}: "
            'use 127.0.0.1 there, or set profile = "published" under [flow] in the estate'
        )


def _all_here(address: str) -> bool:
    return all(_is_loopback(urlsplit(each if "//" in each else f"//{each}").hostname) for each in address.split(","))


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
