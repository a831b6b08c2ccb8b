"""The apps that are registered here: what each is called, may ask for and is sent back to. Pure."""

import re
from dataclasses import dataclass
from hmac import compare_digest
from typing import Literal
from urllib.parse import urlsplit

from ..api.tokens import SCOPES
from ..loopback import is_loopback_host

Kind = Literal["web", "native"]

_VISIBLE_ASCII = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class App:
    """A registered app.

    Attributes:
        kind: a web app has a secret; a native one has none and proves itself by PKCE.
        scopes: it may ask for these and no others.
        webhook_key: signs the messages of all webhook subscriptions made with its tokens.
        legacy: from before scopes were introduced: without any asked for, it is given all, as `default`.
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
        """Whether a secret is this app's; a native app's is none."""
        if self.secret is None or secret is None:
            return self.secret is secret
        return compare_digest(self.secret.encode(), secret.encode())

    def may_redirect_to(self, uri: str) -> bool:
        """Whether a URI is registered: to the letter, save for the port of a native app on this machine."""
        if uri in self.redirect_uris:
            return True
        portless = _on_any_port(uri) if self.kind == "native" else None
        return portless is not None and portless in map(_on_any_port, self.redirect_uris)


def is_redirect_uri(uri: str) -> bool:
    """Whether a URI can be registered: https, or http on this machine; no fragment."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
        known_port = parts.port != 0
    except ValueError:
        return False
    reachable = parts.scheme == "https" or (parts.scheme == "http" and is_loopback_host(host))
    return bool(_VISIBLE_ASCII.fullmatch(uri)) and "#" not in uri and bool(host) and known_port and reachable


def _on_any_port(uri: str) -> tuple[str, str, str] | None:
    """Give what is left of an http URI on this machine without its port; None for any other."""
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
    secret="sandbox-web-secret",  # noqa: S106 - opens this sandbox and nothing else
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
        """Put in an app; ValueError where its id is taken."""
        if app.client_id in self._apps:
            raise ValueError("client_id is taken")
        self._apps[app.client_id] = app

    def find(self, client_id: str) -> App | None:
        """Give the app with this id."""
        return self._apps.get(client_id)

    def all(self) -> list[App]:
        """Give every app."""
        return list(self._apps.values())
