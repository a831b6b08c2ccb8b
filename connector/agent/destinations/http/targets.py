"""Where a request goes: to the origin of the credential's address, whatever a flow's values say. Pure.

See docs/decisions/one-api-per-credential.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode, urlsplit

_KEPT: Final = "/?:@!$&'()*+,;=-._~%"  # of a path and query; anything else is encoded
_PORTS: Final = {"http": 80, "https": 443}
_ABSOLUTE: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?[/\\]{2}")


@dataclass(frozen=True, slots=True)
class Target:
    """The scheme, host and port of an address, and the path that relative URLs are below."""

    scheme: str
    host: str
    port: int
    path: str
    query: str = ""

    @property
    def origin(self) -> str:
        """The address without path and query, such as `https://api.acme.example`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    def address(self) -> str:
        """Return the address itself."""
        return self.origin + _encoded(self.path or "/") + (f"?{_encoded(self.query)}" if self.query else "")

    def below(self, url: str, query: Mapping[str, Any]) -> str:
        """Return the address of a URL that is relative to this one, or on the same origin.

        Raises ValueError for another origin. The result is put together from this origin and an encoded path,
        so no other reading of the URL can lead to another host.
        """
        if not url:
            path = self.path or "/"
        elif _ABSOLUTE.match(url):
            path = self._own_path(url)
        elif url.startswith(("/", "?")):
            path = url if url.startswith("/") else (self.path or "/") + url
        else:
            path = f"{self.path.rstrip('/')}/{url}"
        path = _encoded(path.partition("#")[0])
        if ".." in unquote(path.partition("?")[0]).split("/"):
            raise ValueError("has .. in its path")
        added = urlencode({name: _texts(value) for name, value in query.items()}, doseq=True)
        joined = f"{path}{'&' if '?' in path else '?'}{added}" if added else path
        return self.origin + joined

    def _own_path(self, url: str) -> str:
        other = parse(url)
        if (other.scheme, other.host, other.port) != (self.scheme, self.host, self.port):
            raise ValueError("is on another host than the credential's address")
        return (other.path or "/") + (f"?{other.query}" if other.query else "")


def parse(url: str) -> Target:
    """Return the parts of an http or https URL. Raises ValueError."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme not in _PORTS or not host or "@" in parts.netloc or "\\" in url or not host.isascii():
        raise ValueError("isn't a URL such as https://api.acme.example/v1")
    return Target(scheme, host, parts.port or _PORTS[scheme], parts.path, parts.query)


def _encoded(path: str) -> str:
    return quote(path.replace("\\", "%5C"), safe=_KEPT)


def _texts(value: Any) -> Any:
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else value
