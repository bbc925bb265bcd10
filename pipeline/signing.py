"""Signing: who sent these headers with this value. Ed25519, one key a device, enrolled in the estate.

The signature covers a domain tag, the RFC 8785 JSON of all headers but `ce_signature`, and the SHA-256 of the value.
"""

import binascii
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pipeline.canonical import canonical
from pipeline.errors import Misconfigured, Rejected
from schemas.wire import SIGNATURE, header

Headers = Iterable[tuple[str, bytes]]

_TAG = b"mimamori/message/1\x00"


def sign(key: Ed25519PrivateKey, headers: Headers, value: bytes) -> str:
    """Sign these headers (a signature among them is left out) and this value: the text of `ce_signature`."""
    return b64encode(key.sign(signed_bytes(headers, value))).decode()


def verify(public: bytes, headers: Headers, value: bytes) -> None:
    """Raise Rejected unless the holder of the key behind `public` (32 raw bytes) signed just this in `ce_signature`."""
    headers = list(headers)
    signed = signed_bytes(headers, value)
    try:
        signature = b64decode(dict(headers).get(SIGNATURE, b""), validate=True)
        _public(public).verify(signature, signed)
    except (binascii.Error, InvalidSignature):
        raise Rejected("bad_signature") from None


def signed_bytes(headers: Headers, value: bytes) -> bytes:
    """What a signature is made over. Raises Rejected on a repeated header: two readers could pick different ones."""
    plain: dict[str, str] = {}
    for name, content in headers:
        if name in plain:
            raise Rejected("header_repeated", header(name))
        plain[name] = _text(name, content)
    plain.pop(SIGNATURE, None)
    # Of names in ASCII, which all of ours are, the standard library writes the same in a fifth of the time.
    written = canonical(plain) if "".join(plain).isascii() else rfc8785.dumps(plain)
    return _TAG + written + sha256(value).digest()


def load_or_create(path: Path) -> Ed25519PrivateKey:
    """Read the device's key, or make one at first start, readable by its owner only."""
    try:
        return load(path)
    except FileNotFoundError:
        return create(path)


def load(path: Path) -> Ed25519PrivateKey:
    if path.stat().st_mode & 0o077:
        raise Misconfigured(f"{path} is open to other users: chmod 600 {path}")
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())


def create(path: Path) -> Ed25519PrivateKey:
    """Write a new key; an existing one is never overwritten (FileExistsError)."""
    key = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.private_bytes_raw())
    return key


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """Give the 32 raw bytes that the estate enrols."""
    return key.public_key().public_bytes_raw()


@lru_cache(maxsize=1024)
def _public(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Rejected("header_unreadable", header(name)) from None
