"""Slot keys in the transit engine of OpenBao or Vault (HashiCorp's): made, used and destroyed there, and never here.

What passes through this process is what they wrap: a bucket's private half, on its way to be wrapped or lent. As text
in an HTTP request or answer it cannot be wiped; the slot key itself is never in our memory, nor on our disks.

What the server keeps is its operator's to know: a deleted key is in the server's snapshots and its storage's log until
those go, under the server's own barrier key. So the mount belongs on a server whose snapshots live shorter than frames
may, or that takes none. Each lease and each new key is a request there: some hundred a second, not thousands.

The token needs, under the mount: create, update and delete on `keys/PREFIX*`, list on `keys`, and **update alone** on
`encrypt/PREFIX*` and `decrypt/PREFIX*`: with create as well, encrypting under a destroyed name would make a new key.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

import httpx

from pipeline.errors import Erased, Misconfigured, Unavailable
from pipeline.vault.ring import Ring, does_not_open
from pipeline.vault.tls import loopback

TIMEOUT: Final = httpx.Timeout(5, connect=2)
_KEY_GONE: Final = ("encryption key not found", "no existing key named", "could not delete key; not found")
_DOES_NOT_OPEN: Final = (
    "unable to decrypt",
    "message authentication failed",
    "invalid ciphertext",
    "missing ciphertext",
    "no prefix",
)
_AT_ONCE: Final = 500
"""So many are wrapped or unwrapped in one request."""


class TransitRing(Ring):
    """Slot keys behind HTTP, by name, in one mount, under a prefix of this vault's own.

    Nobody else may use the prefix: a key under it that the key table does not know is destroyed when the vault starts.
    Nothing here locks: that only one vault uses it, the key table must make sure.
    """

    def __init__(
        self,
        url: str,
        token: Callable[[], str],
        *,
        prefix: str = "mimamori-",
        namespace: str = "",
        client: httpx.Client | None = None,
    ) -> None:
        """`url` ends in the mount, https://bao:8200/transit; `token` is asked again when the last is refused."""
        self._mount = _mount(url)
        self._token = token
        self._prefix = prefix
        self._namespace = {"X-Vault-Namespace": namespace} if namespace else {}
        self._http = client or httpx.Client(timeout=TIMEOUT)
        self._bearer = token()
        self._known: set[str] | None = self._listed()

    def create(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.names():
                self._create(name)

    def wrap(self, name: str, plaintext: bytes | bytearray, bound_to: bytes) -> bytes:
        if name not in self.names():
            # Not asked: a token that may do too much would make a new key of that name.
            raise _erased(name)
        asked = {"plaintext": _text(plaintext), "associated_data": _text(bound_to)}
        ciphertext = self._crypt("encrypt", name, asked, "ciphertext")
        return ciphertext.encode()

    def unwrap(self, name: str, wrapped: bytes, bound_to: bytes) -> bytearray:
        asked = {"ciphertext": _said(wrapped), "associated_data": _text(bound_to)}
        return _content(self._crypt("decrypt", name, asked, "plaintext"))

    def wrap_all(self, name: str, plaintexts: Sequence[tuple[bytearray, bytes]]) -> list[bytes]:
        if name not in self.names():
            raise _erased(name)
        asked = [{"plaintext": _text(each), "associated_data": _text(bound_to)} for each, bound_to in plaintexts]
        found = self._crypt_all("encrypt", name, asked, "ciphertext")
        if None in found:
            raise Unavailable("the transit engine did not wrap all that it was given")
        return [each.encode() for each in found if each is not None]

    def unwrap_all(self, name: str, wrapped: Sequence[tuple[bytes, bytes]]) -> list[bytearray | None]:
        asked = [{"ciphertext": _said(each), "associated_data": _text(bound_to)} for each, bound_to in wrapped]
        try:
            found = self._crypt_all("decrypt", name, asked, "plaintext")
        except Erased:
            return [None] * len(wrapped)
        return [None if each is None else _content(each) for each in found]

    def destroy(self, names: Iterable[str]) -> None:
        # Asked of the engine, whatever is remembered here: a receipt follows.
        for name in names:
            self._destroy(name)
            self._forget(name)

    def names(self) -> frozenset[str]:
        # Asked once: nobody else makes or destroys keys here, and the timer looks every second.
        if self._known is None:
            with _later():
                self._known = self._listed()
        return frozenset(self._known)

    def close(self) -> None:
        self._http.close()

    def _create(self, name: str) -> None:
        # Whether it was made is not known when the answer is lost.
        known, self._known = self._known, None
        _demand(self._ask("POST", f"keys/{self._prefix}{name}", {"type": "aes256-gcm96"}))
        self._known = {*(known or ()), name}

    def _destroy(self, name: str) -> None:
        key = f"keys/{self._prefix}{name}"
        # Allowed only now: until its end, nobody deletes it by mistake.
        allowed = self._ask("POST", f"{key}/config", {"deletion_allowed": True})
        if _gone(allowed):
            return
        _demand(allowed)
        deleted = self._ask("DELETE", key)
        if not _gone(deleted):
            _demand(deleted)

    def _forget(self, name: str) -> None:
        if self._known is not None:
            self._known.discard(name)

    def _listed(self) -> set[str]:
        answer = self._ask("LIST", "keys")
        if answer.status_code == HTTPStatus.NOT_FOUND:
            # That is how an empty list is said; how a wrong mount is said is told apart by its words.
            if _errors(answer):
                raise Misconfigured(f"there is no transit engine at {self._mount}")
            return set()
        found = _data(answer).get("keys")
        if not isinstance(found, list):
            raise Unavailable("the transit engine's answer cannot be read")
        return {name.removeprefix(self._prefix) for name in found if name.startswith(self._prefix)}

    def _crypt(self, what: str, name: str, asked: Mapping[str, str], wanted: str) -> str:
        answer = self._ask("POST", f"{what}/{self._prefix}{name}", asked)
        self._require_key(answer, name)
        if _says(answer, _DOES_NOT_OPEN):
            raise does_not_open(name)
        found = _data(answer).get(wanted)
        if not isinstance(found, str):
            raise Unavailable("the transit engine's answer cannot be read")
        return found

    def _crypt_all(self, what: str, name: str, asked: Sequence[Mapping[str, str]], wanted: str) -> list[str | None]:
        """Ask for all in as few requests as may be; None for what does not open."""
        found: list[str | None] = []
        for start in range(0, len(asked), _AT_ONCE):
            batch = asked[start : start + _AT_ONCE]
            answer = self._ask("POST", f"{what}/{self._prefix}{name}", {"batch_input": batch})
            self._require_key(answer, name)
            found.extend(_results(answer, len(batch), wanted))
        return found

    def _require_key(self, answer: httpx.Response, name: str) -> None:
        if _gone(answer):
            self._forget(name)
            raise _erased(name)

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> httpx.Response:
        answer = self._request(method, path, body)
        if answer.status_code == HTTPStatus.FORBIDDEN and (newer := self._newer()) != self._bearer:
            self._bearer = newer
            answer = self._request(method, path, body)
        return answer

    def _newer(self) -> str:
        with _later():
            return self._token()

    def _request(self, method: str, path: str, body: Mapping[str, object] | None) -> httpx.Response:
        headers = {"X-Vault-Token": self._bearer, "X-Vault-Request": "true", **self._namespace}
        try:
            return self._http.request(method, f"{self._mount}/{path}", json=body, headers=headers)
        except httpx.HTTPError as error:
            # Its kind alone: words and request may hold what was to be wrapped.
            raise Unavailable(f"the transit engine is away: {type(error).__name__}") from None


@contextmanager
def _later() -> Iterator[None]:
    """What is wrong at the start ends it; what goes wrong later is waited for: the timer must not die of it."""
    try:
        yield
    except Misconfigured as error:
        raise Unavailable(str(error)) from None


def _mount(url: str) -> str:
    """Turn https://host:8200/transit into where its API lies."""
    try:
        given = httpx.URL(url)
    except httpx.InvalidURL:
        raise Misconfigured("the key ring's address is none: https://host:8200/transit") from None
    mount = given.path.strip("/").removeprefix("v1/")
    if given.scheme not in {"https", "http"} or not given.host or not mount:
        raise Misconfigured("the key ring's address is none: https://host:8200/transit, ending in the mount")
    if given.scheme == "http" and not loopback(given.host):
        raise Misconfigured("the key ring is reached by https alone, unless it is on this machine")
    return str(given.copy_with(path=f"/v1/{mount}", query=None, fragment=None))


def _text(content: bytes | bytearray) -> str:
    return base64.b64encode(content).decode()


def _said(wrapped: bytes) -> str:
    return wrapped.decode(errors="replace")


def _content(text: str) -> bytearray:
    try:
        return bytearray(binascii.a2b_base64(text, strict_mode=True))
    except ValueError:
        raise Unavailable("the transit engine's answer cannot be read") from None


def _results(answer: httpx.Response, count: int, wanted: str) -> list[str | None]:
    """Read a batch's results. Where some of it does not open, the engine says 400, and which in the results."""
    data = _json(answer).get("data") if answer.status_code == HTTPStatus.BAD_REQUEST else _data(answer)
    results = data.get("batch_results") if isinstance(data, dict) else None
    if not isinstance(results, list) or len(results) != count:
        _demand(answer)
        raise Unavailable("the transit engine's answer cannot be read")
    return [_result(each, wanted) for each in results]


def _result(result: Any, wanted: str) -> str | None:
    found = result.get(wanted) if isinstance(result, dict) else None
    if isinstance(found, str) and not result.get("error"):
        return found
    if isinstance(result, dict) and any(words in str(result.get("error")) for words in _DOES_NOT_OPEN):
        return None
    raise Unavailable("the transit engine's answer cannot be read")


def _erased(name: str) -> Erased:
    return Erased(f"slot key {name} is gone")


def _gone(answer: httpx.Response) -> bool:
    return _says(answer, _KEY_GONE)


def _says(answer: httpx.Response, words: Iterable[str]) -> bool:
    # The engine says 400 for a missing key as for much else: only its words tell them apart.
    if answer.status_code not in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}:
        return False
    return any(each in error for error in _errors(answer) for each in words)


def _errors(answer: httpx.Response) -> list[str]:
    said = _json(answer).get("errors")
    return [each for each in said if isinstance(each, str)] if isinstance(said, list) else []


def _data(answer: httpx.Response) -> Mapping[str, Any]:
    _demand(answer)
    found = _json(answer).get("data")
    return found if isinstance(found, dict) else {}


def _json(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _demand(answer: httpx.Response) -> None:
    if not answer.is_success:
        hint = next((said for status, said in _HINTS.items() if status == answer.status_code), "")
        raise Unavailable(f"the transit engine answers {answer.status_code}{hint}")


_HINTS: Final = {
    HTTPStatus.FORBIDDEN: ": its token has expired, or may not",
    HTTPStatus.TOO_MANY_REQUESTS: ": it is on standby, or its quota is used up",
    HTTPStatus.SERVICE_UNAVAILABLE: ": it is sealed",
    HTTPStatus.TEMPORARY_REDIRECT: ": it is on standby, name the active one",
}
