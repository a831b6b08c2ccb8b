"""Callback addresses, and the random id in each that identifies its subscription. Pure."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from ...errors import InvalidParams, Problem

PARAMETER: Final = "subscription"
ID_BYTES: Final = 16
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

_ID: Final = re.compile(r"[0-9a-f]{32}")
_LETTERS: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_PORTS: Final = {"http": 80, "https": 443}


def parsed(address: str) -> SplitResult:
    """Return the parts of an http(s) address in normal form. Raises InvalidParams."""
    try:
        parts = urlsplit(address if _LETTERS.fullmatch(address) else "")
        host, port = parts.hostname or "", parts.port
    except ValueError:  # an invalid port or IP address
        raise _invalid("isn't a valid URL") from None
    if "://" not in address:
        raise _invalid("must start with https://")
    if parts.scheme not in _PORTS or not host or port == 0:
        raise _invalid(
            "must be an http(s) URL, with non-ASCII characters percent-encoded (punycode in the host)"
        )
    if "@" in parts.netloc:
        raise _invalid("contains a user name or password, which Calendly doesn't send")
    netloc = f"[{host}]" if ":" in host else host
    if port not in {None, _PORTS[parts.scheme]}:
        netloc = f"{netloc}:{port}"
    return parts._replace(netloc=netloc, path=parts.path or "/")


def checked(callback: str) -> str:
    """Return a callback address in normal form. Raises InvalidParams for one that can't work."""
    parts = parsed(callback)
    if problems := list(_problems(callback, parts)):
        raise InvalidParams("callback", problems)
    return parts.geturl()


def with_id(callback: str, subscription_id: str) -> str:
    """Return the address of one subscription."""
    own = f"{PARAMETER}={subscription_id}"
    parts = urlsplit(callback)
    return parts._replace(query=f"{parts.query}&{own}" if parts.query else own).geturl()


def id_in(url: str) -> str:
    """Return the subscription id in a callback address; "" for any other address."""
    try:
        found = [value for name, value in parse_qsl(urlsplit(url).query) if name == PARAMETER]
    except ValueError:
        return ""
    return found[0] if len(found) == 1 and _ID.fullmatch(found[0]) else ""


def base_of(url: str) -> str:
    """Return a callback address without its id; any other address unchanged."""
    try:
        parts = parsed(url)
    except InvalidParams:
        return url
    rest = [pair for pair in parts.query.split("&") if not pair.startswith(f"{PARAMETER}=")]
    return parts._replace(query="&".join(rest)).geturl()


def _problems(callback: str, parts: SplitResult) -> Iterator[Problem]:
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        yield Problem("", "must be https; plain http is only accepted on this machine")
    if "#" in callback:
        yield Problem("", "has a fragment, which isn't sent")
    if PARAMETER in dict(parse_qsl(parts.query, keep_blank_values=True)):
        yield Problem("", f"has a parameter {PARAMETER!r}, which is reserved for the id of the subscription")


def _invalid(reason: str) -> InvalidParams:
    return InvalidParams("callback", [Problem("", reason)])
