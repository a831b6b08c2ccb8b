"""Which addresses of the network a flow may reach. Pure, except for `connect`.

A name is looked up once, and the connection goes to an address of that answer, so a name that changes its
mind between check and use (DNS rebinding) gains nothing.
"""

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any, Final

from ....errors import NoAnswer, UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_LAST_IS_IPV4: Final = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96")))
_THIS_MACHINE: Final = ipaddress.IPv6Address("::1")
_METADATA: Final = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "fd00:ec2::254")))  # of clouds
_HERE: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "127.0.0.0/8",
            "::1/128",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "fc00::/7",
        ),
    )
)


def is_allowed(text: str, *, private: bool) -> bool:
    """Return whether an address is public or, if `private`, on this machine or in a private network.

    Link-local addresses, among them the metadata services of clouds, and multicast never are. An IPv6 address
    that contains an IPv4 address is only allowed if both are.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return all(_is_allowed(one, private=private) for one in _within(address))


def _is_allowed(address: Address, *, private: bool) -> bool:
    if address in _METADATA or address.is_multicast or address.is_unspecified:
        return False
    if any(address in network for network in _HERE if network.version == address.version):
        return private
    return address.is_global and (address.version == 4 or address in _GLOBAL_UNICAST)  # noqa: PLR2004 - IPv4


def _within(address: Address) -> Iterator[Address]:
    """Yield the addresses that packets to this one may go to: itself, or the IPv4 addresses inside it."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    elif address != _THIS_MACHINE and any(address in network for network in _LAST_IS_IPV4):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    else:
        yield address
        if address.sixtofour:
            yield address.sixtofour
        if address.teredo:
            yield from address.teredo


def connect(host: str, port: int, *, private: bool, timeout_s: float | None, options: Any) -> socket.socket:
    """Return a connection to a host. Raises UsageError if one of its addresses isn't allowed, or NoAnswer.

    `options` are those of the socket.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NoAnswer(
            f"Could not resolve the host name {host} (DNS).",
            fix="Check the network connection and the address in the credential.",
            reason="dns",
        ) from None
    for *_, place in found:
        if not is_allowed(str(place[0]), private=private):
            raise UsageError(
                f"{host} has the address {place[0]}, which flows may not reach.",
                fix="If it is in your own network, set private_network in the credential, or name it in "
                "CALENDLY_AGENT_PRIVATE_HOSTS.",
            )
    failure: OSError = ConnectionRefusedError()
    for family, kind, protocol, _, place in found:
        connection = socket.socket(family, kind, protocol)
        try:
            for option in options or ():
                connection.setsockopt(*option)
            connection.settimeout(timeout_s)
            connection.connect(place)
        except OSError as error:
            failure = error
            connection.close()
        else:
            return connection
    raise _not_connected(host, failure)


def _not_connected(host: str, failure: OSError) -> NoAnswer:
    if isinstance(failure, TimeoutError):
        return NoAnswer(
            f"Could not connect to {host} in time.",
            fix="Check the network and firewall, then try again.",
            reason="timeout",
        )
    return NoAnswer(
        f"{host} refused the connection.",
        fix="Check that the address is correct and that a server is running there.",
        reason="refused",
    )
