"""TLS between the vault and those who ask it: version 1.3 alone, and in the clear on loopback alone."""

import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import httpx

from pipeline.errors import Misconfigured


@dataclass(frozen=True)
class Certificate:
    """What the vault shows, with the key that proves it: PEM files, the whole chain in the first."""

    chain: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return what a server needs.

        Raises:
            Misconfigured: The files cannot be used, or the key is open to other users.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            if self.key.stat().st_mode & 0o077:
                raise Misconfigured(f"{self.key} is open to other users: chmod 600 {self.key}")
            context.load_cert_chain(self.chain, self.key, password=_no_password)
        except (OSError, ValueError) as error:
            raise Misconfigured(f"{self.chain} and {self.key} are no certificate and key: {error}") from None
        return context


def certificate(host: str, chain: Path | None, key: Path | None) -> Certificate | None:
    """Decide whether to speak TLS.

    Raises:
        Misconfigured: Half a certificate, or none where others could listen.
    """
    if (chain is None) != (key is None):
        raise Misconfigured("--tls-cert and --tls-key belong together")
    if chain is not None and key is not None:
        return Certificate(chain, key)
    if not loopback(host):
        raise Misconfigured(f"without --tls-cert and --tls-key the vault listens on loopback only, not on {host}")
    return None


def verifying(url: str, ca: Path | None) -> ssl.SSLContext:
    """Return how a client checks who answers: by the authorities in `ca`, or else those that the machine trusts.

    Raises:
        Misconfigured: The file holds no authority, or a token would go out in the clear.
    """
    at = httpx.URL(url)
    if at.scheme != "https":
        if not loopback(at.host):
            raise Misconfigured(f"{at.host} is reached by https alone: the token would go there in the clear")
        # It trusts nobody, and is ready in no time.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context = httpx.create_ssl_context() if ca is None else ssl.create_default_context(cafile=ca)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{ca} holds no certificate authority: {error}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def loopback(host: str) -> bool:
    """Say whether only this machine reaches it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _no_password() -> str:
    # Else the library asks at the terminal, and a service waits there for ever.
    raise ValueError("the key has a password")
