"""Recognize loopback addresses: the sandbox listens on and posts to these only. Pure."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback_host(host: str) -> bool:
    """Check whether a host name or address is loopback."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Check whether a URL points to loopback."""
    return is_loopback_host(urlsplit(url).hostname or "")
