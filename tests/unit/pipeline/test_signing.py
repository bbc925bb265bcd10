"""A signature holds for just these headers and just this value."""

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Misconfigured, Rejected
from pipeline.signing import create, load, load_or_create, public_bytes, sign, signed_bytes, verify

Header = tuple[str, bytes]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HEADERS = [("ce_id", b"e1"), ("ce_source", b"/stores/ginza/cameras/door"), ("ce_sequence", b"7")]
names = st.text(min_size=1, max_size=20).filter(lambda name: name != "ce_signature")
headers = st.dictionaries(names, st.text(max_size=20).map(str.encode), max_size=8)


def signed(headers: Iterable[Header], value: bytes, key: Ed25519PrivateKey = KEY) -> list[Header]:
    headers = list(headers)
    return [*headers, ("ce_signature", sign(key, headers, value).encode())]


@settings(max_examples=100, deadline=None)
@given(headers=headers, value=st.binary(max_size=100))
def test_what_was_signed_verifies_in_any_order_of_headers(headers: dict[str, bytes], value: bytes) -> None:
    verify(public_bytes(KEY), reversed(signed(headers.items(), value)), value)


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        (HEADERS, b"other"),
        (HEADERS[:-1], b"value"),
        ([*HEADERS, ("ce_more", b"")], b"value"),
        ([*HEADERS[:-1], ("ce_sequence", b"8")], b"value"),
    ],
)
def test_anything_changed_does_not_verify(changed: list[Header], value: bytes) -> None:
    signature = signed(HEADERS, b"value")[-1]

    with pytest.raises(Rejected):
        verify(public_bytes(KEY), [*changed, signature], value)


def test_another_device_does_not_verify() -> None:
    with pytest.raises(Rejected):
        verify(public_bytes(KEY), signed(HEADERS, b"value", Ed25519PrivateKey.generate()), b"value")


@pytest.mark.parametrize("signature", [b"", b"short", b"%%%%", b64encode(bytes(64)), b64encode(bytes(65))])
def test_a_signature_of_any_other_bytes_does_not_verify(signature: bytes) -> None:
    with pytest.raises(Rejected):
        verify(public_bytes(KEY), [*HEADERS, ("ce_signature", signature)], b"value")


def test_a_missing_signature_does_not_verify() -> None:
    with pytest.raises(Rejected):
        verify(public_bytes(KEY), HEADERS, b"value")


def test_a_repeated_header_is_refused_on_both_ends() -> None:
    repeated = [*HEADERS, ("ce_id", b"e2")]

    with pytest.raises(Rejected, match="header_repeated: ce_id"):
        sign(KEY, repeated, b"value")
    with pytest.raises(Rejected, match="header_repeated: ce_id"):
        verify(public_bytes(KEY), [*repeated, ("ce_signature", b"")], b"value")


def test_a_header_that_is_no_text_is_refused() -> None:
    with pytest.raises(Rejected, match="header_unreadable"):
        signed_bytes([("ce_id", b"\xff")], b"")


def test_a_device_makes_its_key_once_and_for_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "device.key"
    first = load_or_create(path)

    assert public_bytes(load_or_create(path)) == public_bytes(first)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        create(path)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "device.key"
    create(path)
    path.chmod(0o644)

    with pytest.raises(Misconfigured, match="chmod 600"):
        load(path)
