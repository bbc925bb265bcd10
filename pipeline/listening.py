"""A socket to listen at, bound before anything else is opened: a port that is taken is said plainly, and at once."""

import socket
from ipaddress import ip_address

from pipeline.errors import Misconfigured


def bound(host: str, port: int) -> socket.socket:
    """Bind an address, for a server to listen at.

    Args:
        host: A name or an address.
        port: 0 takes a free one.

    Raises:
        Misconfigured: It is taken, or none of this machine's.
    """
    own = socket.socket(_family(host), socket.SOCK_STREAM)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        own.bind((host, port))
    except OSError as error:
        own.close()
        raise Misconfigured(f"cannot listen at {host}:{port}: {error.strerror or error}; say another --port") from None
    own.set_inheritable(False)
    return own


def _family(host: str) -> socket.AddressFamily:
    try:
        return socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        return socket.AF_INET
