"""What lies on this machine: the sandbox listens nowhere else and posts nowhere else. Pure."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback_host(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Whether a URL points at this machine."""
    return is_loopback_host(urlsplit(url).hostname or "")
