"""A transit engine that answers as OpenBao and Vault do, as far as `TransitRing` asks it.

Its traps are theirs: an empty list is 404 without errors, a missing key is 400 with words, encrypting makes a key that
is not there where the token may create, deleting needs leave, and a sealed server says 503 to everything.
"""

import base64
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_UNSUPPORTED = (405, {"errors": ["unsupported operation"]})
TOKEN = "hvs.token-of-a-test"


@dataclass
class Key:
    cipher: AESGCM = field(default_factory=lambda: AESGCM(AESGCM.generate_key(256)))
    deletion_allowed: bool = False


@dataclass
class FakeTransit:
    """The server's state. Change it as its operator would."""

    mount: str = "transit"
    namespace: str = ""
    token: str = TOKEN
    may_create_by_encrypting: bool = False
    sealed: bool = False
    away: bool = False
    answer_lost: bool = False
    keys: dict[str, Key] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Be a transport of httpx."""
        if self.away:
            raise httpx.ConnectError("connection refused", request=request)
        body = json.loads(request.content or b"{}")
        status, said = self.answer(request.method, request.url.path, request.headers, body)
        if self.answer_lost:
            raise httpx.ReadTimeout("timed out", request=request)
        return httpx.Response(status, json=said) if said is not None else httpx.Response(status)

    def answer(self, method: str, path: str, headers: Any, body: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        self.asked.append(f"{method} {path}")
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if headers.get("X-Vault-Token") != self.token:
            return 403, {"errors": ["permission denied"]}
        prefix = f"/v1/{self.mount}/"
        if not path.startswith(prefix) or headers.get("X-Vault-Namespace", "") != self.namespace:
            return 404, {"errors": [f'no handler for route "{path}". route entry not found.']}
        return self._routed(method, path.removeprefix(prefix).split("/"), body)

    def _routed(self, method: str, path: list[str], body: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        match method, path:
            case "LIST", ["keys"]:
                found: tuple[int, dict[str, Any] | None] = (200, {"data": {"keys": sorted(self.keys)}})
                return found if self.keys else (404, {"errors": []})
            case _, ["keys", name, *rest]:
                return self._keyed(method, name, rest, body)
            case "POST", ["encrypt", name]:
                return self._encrypt(name, body)
            case "POST", ["decrypt", name]:
                return self._decrypt(name, body)
        return _UNSUPPORTED

    def _keyed(
        self, method: str, name: str, rest: list[str], body: dict[str, Any]
    ) -> tuple[int, dict[str, Any] | None]:
        match method, rest:
            case "POST", []:
                self.keys.setdefault(name, Key())
                return 200, self._described(name)
            case "POST", ["config"]:
                return self._config(name, body)
            case "DELETE", []:
                return self._delete(name)
        return _UNSUPPORTED

    def _config(self, name: str, body: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        if name not in self.keys:
            return 400, {"errors": [f"no existing key named {name} could be found"]}
        self.keys[name].deletion_allowed = body["deletion_allowed"]
        return 200, self._described(name)

    def _delete(self, name: str) -> tuple[int, dict[str, Any] | None]:
        if name not in self.keys:
            return 400, {"errors": [f"error deleting policy {name}: could not delete key; not found"]}
        if not self.keys[name].deletion_allowed:
            return 400, {"errors": [f"error deleting policy {name}: deletion is not allowed for this key"]}
        del self.keys[name]
        return 204, None

    def _encrypt(self, name: str, body: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        if name not in self.keys:
            if not self.may_create_by_encrypting:
                return 403, {"errors": ["permission denied"]}
            self.keys[name] = Key()
        return _batched(body, lambda each: self._wrapped(name, each))

    def _wrapped(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        nonce = secrets.token_bytes(12)
        plaintext, bound_to = (base64.b64decode(body[each]) for each in ("plaintext", "associated_data"))
        sealed = nonce + self.keys[name].cipher.encrypt(nonce, plaintext, bound_to)
        return {"ciphertext": f"vault:v1:{base64.b64encode(sealed).decode()}", "key_version": 1}

    def _decrypt(self, name: str, body: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        if name not in self.keys:
            return 400, {"errors": ["encryption key not found"]}
        return _batched(body, lambda each: self._opened(name, each))

    def _opened(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        if not body["ciphertext"].startswith("vault:v1:"):
            return {"error": "invalid ciphertext: no prefix"}
        try:
            sealed = base64.b64decode(body["ciphertext"].removeprefix("vault:v1:"), validate=True)
            plaintext = self.keys[name].cipher.decrypt(
                sealed[:12], sealed[12:], base64.b64decode(body["associated_data"])
            )
        except ValueError:
            return {"error": "invalid ciphertext: could not decode base64"}
        except InvalidTag:
            return {"error": "cipher: message authentication failed"}
        return {"plaintext": base64.b64encode(plaintext).decode()}

    def _described(self, name: str) -> dict[str, Any]:
        described = {"name": name, "type": "aes256-gcm96", "exportable": False, "latest_version": 1}
        return {"data": {**described, "deletion_allowed": self.keys[name].deletion_allowed}}


def _batched(
    body: dict[str, Any], one: Callable[[dict[str, Any]], dict[str, Any]]
) -> tuple[int, dict[str, Any] | None]:
    """A batch is answered whole, and with 400 where anything in it fails."""
    if "batch_input" not in body:
        found = one(body)
        return (400, {"errors": [found["error"]]}) if "error" in found else (200, {"data": found})
    results = [one(each) for each in body["batch_input"]]
    return 400 if any("error" in each for each in results) else 200, {"data": {"batch_results": results}}


@contextmanager
def served(fake: FakeTransit) -> Iterator[str]:
    """Serve it on loopback; give its address, which ends in the mount."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            status, said = fake.answer(self.command, self.path, self.headers, body)
            content = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = do_LIST = _do  # noqa: N815 - the base class calls them so

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/{fake.mount}"
        finally:
            server.shutdown()
            thread.join()
