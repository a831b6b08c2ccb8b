"""The registered OAuth apps: names, scopes and redirect URIs. Pure."""

import re
from dataclasses import dataclass
from hmac import compare_digest
from typing import Literal
from urllib.parse import urlsplit

from ..loopback import is_loopback_host
from ..operations.routes import SCOPES

Kind = Literal["web", "native"]

_VISIBLE_ASCII = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class App:
    """A registered app.

    Attributes:
        kind: a web app has a secret; a native app has none and uses PKCE.
        scopes: the scopes that it may request.
        webhook_key: signs the messages of all webhook subscriptions created with its tokens.
        legacy: registered before scopes existed; a request without scopes gets full access, as `default`.
    """

    client_id: str
    name: str
    kind: Kind
    secret: str | None
    redirect_uris: tuple[str, ...]
    scopes: frozenset[str]
    webhook_key: str
    legacy: bool = False

    def authenticates(self, secret: str | None) -> bool:
        """Check an app's secret; for a native app it must be None."""
        if self.secret is None or secret is None:
            return self.secret is secret
        return compare_digest(self.secret.encode(), secret.encode())

    def may_redirect_to(self, uri: str) -> bool:
        """Check whether a URI is registered; a native app may use any port of a loopback URI."""
        if uri in self.redirect_uris:
            return True
        portless = _without_port(uri) if self.kind == "native" else None
        return portless is not None and portless in map(_without_port, self.redirect_uris)


def is_redirect_uri(uri: str) -> bool:
    """Check whether a URI may be registered: https, or http on loopback; no fragment."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
        is_valid_port = parts.port != 0
    except ValueError:
        return False
    is_secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback_host(host))
    is_plain = bool(_VISIBLE_ASCII.fullmatch(uri)) and "#" not in uri
    return is_plain and bool(host) and is_valid_port and is_secure


def _without_port(uri: str) -> tuple[str, str, str] | None:
    """Return host, path and query of a loopback http URI; None for any other URI."""
    if not is_redirect_uri(uri):
        return None
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if parts.scheme != "http" or "@" in parts.netloc:
        return None
    return host, parts.path, parts.query


WEB = App(
    client_id="sandbox-web",
    name="Sandbox web app",
    kind="web",
    secret="sandbox-web-secret",  # noqa: S106 - valid for the sandbox only
    redirect_uris=("http://localhost:8710/callback", "https://app.acme.example/oauth/callback"),
    scopes=SCOPES,
    webhook_key="sandbox-web-webhook-key",
)
NATIVE = App(
    client_id="sandbox-native",
    name="Sandbox native app",
    kind="native",
    secret=None,
    redirect_uris=("http://127.0.0.1/callback", "http://localhost/callback", "http://[::1]/callback"),
    scopes=SCOPES,
    webhook_key="sandbox-native-webhook-key",
)


class AppRegistry:
    """All registered apps."""

    def __init__(self) -> None:
        self._apps = {app.client_id: app for app in (WEB, NATIVE)}

    def register(self, app: App) -> None:
        """Add an app; raise ValueError if its client_id exists."""
        if app.client_id in self._apps:
            raise ValueError(f"client_id {app.client_id} is already registered")
        self._apps[app.client_id] = app

    def find(self, client_id: str) -> App | None:
        """Return the app with this client_id, None if unknown."""
        return self._apps.get(client_id)

    def all(self) -> list[App]:
        """Return all apps."""
        return list(self._apps.values())
