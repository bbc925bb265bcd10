"""What the console refuses, and what it tells browsers to refuse."""

from collections.abc import MutableMapping
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS: Final = ("127.0.0.1", "localhost", "[::1]")
"""The console listens on loopback; another name in an address is somebody's attempt to reach it through a browser."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
}


_NOT_OURS: Final = JSONResponse({"detail": "only the console's own pages may do this"}, 403)

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing here."""


class Guarded:
    """Headers on every answer; data is never stored, neither by the browser nor by anything between.

    Whatever changes something is taken from our own pages only.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(message, scope["path"])
            await send(message)

        if scope["method"] not in READING and not same_origin(Headers(scope=scope)):
            await _NOT_OURS(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)


def _add(message: MutableMapping[str, Any], path: str) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in HEADERS.items():
        headers[name] = value
    headers["Cache-Control"] = "no-cache" if path.startswith("/static/") else "no-store"


def same_origin(headers: Headers) -> bool:
    """Say whether a request that changes something comes from our own page, and not from another site's.

    Browsers state it in Sec-Fetch-Site, which no page can set; the older ones in Origin. A request with neither comes
    from no browser, and carries nobody's rights.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
