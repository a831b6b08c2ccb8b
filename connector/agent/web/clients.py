"""Which client a request comes from, for the limits on attempts. Pure."""

import ipaddress
from collections.abc import Sequence

from starlette.requests import HTTPConnection

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MOST_HOPS = 20


class Clients:
    """Knows the addresses of clients.

    `X-Forwarded-For` is only believed as far as the trusted proxies wrote it: anyone may send one.
    """

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        """Raise ValueError for something that is neither an address nor a network such as 10.0.0.0/8."""
        self._trusted: tuple[Network, ...] = tuple(ipaddress.ip_network(one) for one in trusted)

    def of(self, request: HTTPConnection) -> str:
        """Return the address of a request's client; "" if it isn't known."""
        peer = request.client.host if request.client else ""
        hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        for hop in reversed([one.strip() for one in hops if one.strip()][-_MOST_HOPS:]):
            if not self._is_trusted(peer) or not _is_address(hop):
                break
            peer = hop
        return peer

    def _is_trusted(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address.version == one.version and address in one for one in self._trusted)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
