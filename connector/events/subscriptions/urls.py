"""Callback addresses: which can work, and the random id that makes each one subscription's own. Pure."""

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
    """Give the parts of an http(s) address in their one spelling; InvalidParams for what is none."""
    try:
        parts = urlsplit(address if _LETTERS.fullmatch(address) else "")
        host, port = parts.hostname or "", parts.port
    except ValueError:  # a port or an address of a machine that is none
        raise _refused("is no address") from None
    if parts.scheme not in _PORTS or not host or port == 0:
        raise _refused(
            "is no http(s) address, with anything but ASCII percent-encoded (in its host: punycode)"
        )
    if "@" in parts.netloc:
        raise _refused("holds a user's name or password, which nobody sends there")
    netloc = f"[{host}]" if ":" in host else host
    if port not in {None, _PORTS[parts.scheme]}:
        netloc = f"{netloc}:{port}"
    return parts._replace(netloc=netloc, path=parts.path or "/")


def checked(callback: str) -> str:
    """Give a callback address in its one spelling; InvalidParams for one that cannot work."""
    parts = parsed(callback)
    if problems := list(_problems(callback, parts)):
        raise InvalidParams("callback", problems)
    return parts.geturl()


def with_id(callback: str, subscription_id: str) -> str:
    """Make the address of one subscription."""
    own = f"{PARAMETER}={subscription_id}"
    parts = urlsplit(callback)
    return parts._replace(query=f"{parts.query}&{own}" if parts.query else own).geturl()


def id_in(url: str) -> str:
    """Give the id that an address of ours holds; "" for any other address."""
    try:
        found = [value for name, value in parse_qsl(urlsplit(url).query) if name == PARAMETER]
    except ValueError:
        return ""
    return found[0] if len(found) == 1 and _ID.fullmatch(found[0]) else ""


def base_of(url: str) -> str:
    """Give an address of ours as it was before its id; any other as it is."""
    try:
        parts = parsed(url)
    except InvalidParams:
        return url
    rest = [pair for pair in parts.query.split("&") if not pair.startswith(f"{PARAMETER}=")]
    return parts._replace(query="&".join(rest)).geturl()


def _problems(callback: str, parts: SplitResult) -> Iterator[Problem]:
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        yield Problem("", "must be https: plain http is taken on this machine alone")
    if "#" in callback:
        yield Problem("", "has a fragment, which is not sent")
    if PARAMETER in dict(parse_qsl(parts.query, keep_blank_values=True)):
        yield Problem("", f"has a parameter {PARAMETER!r}: each subscription gets one of its own")


def _refused(why: str) -> InvalidParams:
    return InvalidParams("callback", [Problem("", why)])
