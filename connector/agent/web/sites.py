"""The addresses at which people reach the agent, and what its pages may load. Pure."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_PORTS: Final = {"http": 80, "https": 443}

# NiceGUI writes styles into elements, so they can't have a nonce. Scripts do: text of a stranger that became
# markup by mistake would still not run. 'unsafe-eval' is for NiceGUI's own scripts, which evaluate what the
# server sends them over the WebSocket.
_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; img-src 'self' data:; manifest-src 'self'; style-src 'self' 'unsafe-inline'; "
)


@dataclass(frozen=True, slots=True)
class Site:
    """The origins at which pages are served: `https://agent.acme.example`, or those of this machine."""

    origins: frozenset[str]

    @classmethod
    def on_loopback(cls, port: int) -> "Site":
        """Return the site of an agent that only people on this machine reach."""
        return cls(frozenset(f"http://{host}:{port}" for host in LOOPBACK))

    @classmethod
    def at(cls, url: str) -> "Site":
        """Return the site of an agent behind a proxy, by the address that people type in."""
        parts = urlsplit(url)
        default = _PORTS.get(parts.scheme)
        netloc = parts.hostname or ""
        netloc = f"[{netloc}]" if ":" in netloc else netloc
        if parts.port not in {None, default}:
            netloc = f"{netloc}:{parts.port}"
        return cls(frozenset({f"{parts.scheme}://{netloc}"}))

    @property
    def is_secure(self) -> bool:
        """Whether all its addresses have TLS."""
        return all(origin.startswith("https:") for origin in self.origins)

    def has_host(self, host: str) -> bool:
        """Whether a request's `Host` is one of its own; another one may be a name that was rebound."""
        return host.lower() in {origin.partition("://")[2] for origin in self.origins}

    def origin_at(self, host: str) -> str:
        """Return the origin at which a request with this `Host` reached the agent."""
        return next(
            (origin for origin in self.origins if origin.partition("://")[2] == host.lower()),
            min(self.origins),
        )

    def has_origin(self, origin: str) -> bool:
        """Whether a request's `Origin` is one of its own."""
        return origin.lower() in self.origins

    def policy(self, nonce: str) -> str:
        """Return the Content-Security-Policy of a reply whose scripts have this nonce; "" for no scripts."""
        scripts = f"'self' 'unsafe-eval' 'nonce-{nonce}'" if nonce else "'none'"
        return f"{_POLICY}script-src {scripts}"
