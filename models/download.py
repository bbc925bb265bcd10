"""Bytes from an address into a file, going on where it broke off."""

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import httpx

from models.errors import CannotFetch

BREAKS = 5
"""A transfer that breaks more often than this without a byte of progress is given up."""

Progress = Callable[[int, int | None], None]
"""Called with the bytes there so far, and with how many there will be where that is known."""


def download(address: str, to: Path, progress: Progress) -> None:
    """Bring `to` to the whole of what lies at `address`; what it holds already is not fetched again.

    Raises CannotFetch without the address in it. What was fetched before stays for the next time.
    """
    if urlsplit(address).scheme == "file":
        to.write_bytes(Path(url2pathname(urlsplit(address).path)).read_bytes())
        return
    with httpx.Client(follow_redirects=True, timeout=30, verify=_certificates()) as client:
        breaks = 0
        while breaks < BREAKS:
            before = _size(to)
            try:
                _rest(client, address, to, progress)
            except httpx.TransportError:
                breaks = breaks + 1 if _size(to) == before else 0
            except httpx.RequestError as error:
                raise CannotFetch(f"the transfer failed: {type(error).__name__}") from None
            else:
                return
    raise CannotFetch("the transfer kept breaking off")


def _rest(client: httpx.Client, address: str, to: Path, progress: Progress) -> None:
    start = _size(to)
    # Compressed on the way, bytes could not be counted.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with client.stream("GET", address, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # All there; the digest will tell.
        if response.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            raise CannotFetch(f"the registry answered {response.status_code}")
        goes_on = response.status_code == httpx.codes.PARTIAL_CONTENT
        done = start if goes_on else 0
        total = done + int(response.headers["Content-Length"]) if "Content-Length" in response.headers else None
        with to.open("ab" if goes_on else "wb") as file:
            # As they come: gathered into larger pieces, those of a broken transfer would be lost.
            for chunk in response.iter_raw():
                file.write(chunk)
                done += len(chunk)
                progress(done, total)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _certificates() -> ssl.SSLContext:
    """Trust what the system trusts, what pip is told to trust, and the usual authorities."""
    context = httpx.create_ssl_context()
    context.load_default_certs()
    if told := os.environ.get("PIP_CERT"):
        context.load_verify_locations(told)
    return context
