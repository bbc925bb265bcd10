"""The vault speaks TLS 1.3 with whom it should, and in the clear with this machine alone."""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline.clock import SystemClock
from pipeline.errors import Misconfigured, Unavailable
from pipeline.vault.client import VaultClient
from pipeline.vault.tls import Certificate, certificate, loopback, verifying


@dataclass
class Authority:
    """A certificate authority of the test's own."""

    folder: Path

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test")])
        made = self._certificate(self.name, self.key).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        self.file = self.folder / "ca.pem"
        self.file.write_bytes(_pem(made.add_extension(usage, True).sign(self.key, hashes.SHA256())))

    def issue(self, name: str) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(IPv4Address("127.0.0.1"))])
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        made = self._certificate(subject, key).add_extension(names, False).add_extension(authority, False)
        chain, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        chain.write_bytes(_pem(made.sign(self.key, hashes.SHA256())))
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        private.touch(mode=0o600)
        private.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
        return Certificate(chain, private)

    def _certificate(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = SystemClock().now()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        )


def _pem(made: x509.Certificate) -> bytes:
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def _shakes_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str = "localhost") -> str | None:
    """Connect the two over loopback; return the version of TLS that they agree upon."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name)
        spoken: ssl.SSLObject = writer.get_extra_info("ssl_object")
        version = spoken.version()
        writer.close()
        return version


def _client(ca: Path | None) -> ssl.SSLContext:
    return verifying("https://localhost:8200", ca)


async def test_a_client_that_knows_the_authority_speaks_1_3(authority: Authority) -> None:
    server = authority.issue("localhost").context()

    assert await _shakes_hands(server, _client(authority.file)) == "TLSv1.3"


async def test_older_versions_are_refused_on_both_sides(authority: Authority) -> None:
    old = ssl.create_default_context(cafile=authority.file)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await _shakes_hands(authority.issue("localhost").context(), old)

    server = authority.issue("localhost").context()
    server.minimum_version = ssl.TLSVersion.TLSv1_2
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await _shakes_hands(server, _client(authority.file))


async def test_a_certificate_of_another_authority_or_name_is_not_believed(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")

    with pytest.raises(ssl.SSLCertVerificationError):
        await _shakes_hands(other.issue("localhost").context(), _client(authority.file))
    with pytest.raises(ssl.SSLCertVerificationError):
        await _shakes_hands(other.issue("localhost").context(), _client(None))
    with pytest.raises(ssl.SSLCertVerificationError):
        await _shakes_hands(authority.issue("elsewhere").context(), _client(authority.file))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "vault.example"])
def test_without_tls_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(Misconfigured, match="loopback only"):
        certificate(host, None, None)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_loopback_it_needs_none(host: str) -> None:
    assert loopback(host)
    assert certificate(host, None, None) is None


def test_half_a_certificate_is_refused(tmp_path: Path) -> None:
    for chain, key in ((tmp_path / "a", None), (None, tmp_path / "a")):
        with pytest.raises(Misconfigured, match="belong together"):
            certificate("127.0.0.1", chain, key)


def test_a_key_that_others_may_read_is_refused(authority: Authority) -> None:
    shown = authority.issue("localhost")
    shown.key.chmod(0o640)

    with pytest.raises(Misconfigured, match="chmod 600"):
        shown.context()


def test_files_that_are_none_are_named(authority: Authority, tmp_path: Path) -> None:
    shown, another = authority.issue("localhost"), authority.issue("another")
    for chain, key in ((tmp_path / "never", shown.key), (shown.chain, tmp_path / "never"), (shown.chain, another.key)):
        with pytest.raises(Misconfigured, match="no certificate and key"):
            Certificate(chain, key).context()


def test_a_key_with_a_password_asks_nobody(authority: Authority) -> None:
    shown = authority.issue("localhost")
    key = serialization.load_pem_private_key(shown.key.read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    shown.key.write_bytes(locked)

    with pytest.raises(Misconfigured, match="password"):
        shown.context()


def test_a_token_never_leaves_the_machine_in_the_clear() -> None:
    with pytest.raises(Misconfigured, match="https alone"):
        VaultClient("http://vault.example:8200", "token")


def test_an_authority_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")

    for path in (tmp_path / "ca.pem", tmp_path / "never"):
        with pytest.raises(Misconfigured, match="no certificate authority"):
            verifying("https://vault.example", path)


async def test_a_client_tells_that_it_does_not_believe_the_vault(authority: Authority) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=authority.issue("localhost").context())
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        client = VaultClient(f"https://127.0.0.1:{port}", "token")
        with pytest.raises(Unavailable, match="ConnectError"):
            await client.status()
        await client.close()
