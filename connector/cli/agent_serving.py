"""How an agent is served: on this machine for one person, or behind a proxy."""

import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ..errors import InvalidParams, UsageError

if TYPE_CHECKING:
    from ..agent.engine.database import Database
    from ..agent.web.sign_in import SignIn
    from ..agent.web.sign_in_oidc import OidcSignIn
    from ..agent.web.sites import Site
    from ..support.clock import Timing

TOKEN_VARIABLE: Final = "CALENDLY_AGENT_ACCESS_TOKEN"  # noqa: S105 - a name
ISSUER_VARIABLE: Final = "CALENDLY_AGENT_OIDC_ISSUER"
CLIENT_ID_VARIABLE: Final = "CALENDLY_AGENT_OIDC_CLIENT_ID"
CLIENT_SECRET_VARIABLE: Final = "CALENDLY_AGENT_OIDC_CLIENT_SECRET"  # noqa: S105 - a name
_SHORTEST_TOKEN: Final = 16


@dataclass(frozen=True, slots=True)
class Serving:
    """The options, checked: `url` is where people reach the pages, "" on this machine only.

    `token` is the access token, "" for none, and `issuer` the OpenID provider, if there is one. Raises
    UsageError for options that don't fit together.
    """

    host: str
    url: str = ""
    public_url: str = ""
    has_pages: bool = True
    webhook_port: int | None = None
    webhook_host: str = ""
    oidc_allowed: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def __post_init__(self) -> None:
        """Check them."""
        if not self.has_pages:
            if self.url or self.webhook_port is not None:
                raise UsageError(
                    "--no-pages serves webhooks only, on --port.", fix="Leave out --url and --webhook-port."
                )
            return
        if self.url:
            _check_url(self.url)
        elif not _is_loopback(self.host):
            raise UsageError(
                f"Without --url, the pages are only served on this machine, not on {self.host}.",
                fix="Put a proxy with TLS before the agent, and pass its address as --url. Or pass "
                "--no-pages to only run flows and receive webhooks.",
            )
        if self.webhook_host and self.webhook_port is None:
            raise UsageError("--webhook-host needs --webhook-port.", fix="Pass both.")
        self._check_sign_in()
        for one in self.trusted_proxies:
            try:
                ipaddress.ip_network(one)
            except ValueError:
                raise UsageError(
                    f"--trusted-proxy {one!r} isn't an address.",
                    fix="Pass one such as 10.0.0.5, or a network such as 10.0.0.0/8.",
                ) from None

    def _check_sign_in(self) -> None:
        if self.token and len(self.token) < _SHORTEST_TOKEN:
            raise UsageError(
                f"{TOKEN_VARIABLE} has fewer than {_SHORTEST_TOKEN} characters.",
                fix="Choose a long random one, such as: openssl rand -base64 24",
            )
        if self.issuer and not self.url:
            raise UsageError(
                f"{ISSUER_VARIABLE} is set, but people sign in at a provider only with --url.",
                fix="Pass the address at which people reach the pages.",
            )
        if self.oidc_allowed and not self.issuer:
            raise UsageError("--oidc-allowed needs an OpenID provider.", fix=f"Set {ISSUER_VARIABLE}.")
        if self.url and not self.token and not self.issuer:
            raise UsageError(
                "Nobody could sign in.",
                fix=f"Set {ISSUER_VARIABLE}, or an access token in {TOKEN_VARIABLE}.",
            )

    @property
    def token(self) -> str:
        """The access token that the operator chose."""
        return self.environment.get(TOKEN_VARIABLE, "")

    @property
    def issuer(self) -> str:
        """The OpenID provider."""
        return self.environment.get(ISSUER_VARIABLE, "")

    @property
    def base_url(self) -> str:
        """Where Process Flow URLs begin; "" if that is the address it listens on."""
        if self.public_url:
            return _public(self.public_url)
        return self.url.rstrip("/") if self.webhook_port is None else ""

    def site(self, port: int) -> "Site":
        """Return the addresses at which the pages are served."""
        from ..agent.web.sites import Site

        return Site.at(self.url) if self.url else Site.on_loopback(port)

    def people(self, database: "Database", timing: "Timing", port: int) -> "tuple[SignIn, str]":
        """Return who may come in, and the access token that is shown in the terminal; "" for none.

        On this machine, a token is made up unless the operator chose one.
        """
        from ..agent.web.clients import Clients
        from ..agent.web.sessions import Sessions
        from ..agent.web.sign_in import SignIn

        token = self.token or ("" if self.url else secrets.token_urlsafe(24))
        is_secure = self.site(port).is_secure
        cookie = "__Host-agent" if is_secure else f"agent-{port}"
        signing_in = SignIn(
            token or None,
            Sessions(database, timing),
            timing,
            cookie=cookie,
            is_secure=is_secure,
            clients=Clients(self.trusted_proxies),
            oidc=self._oidc(database, timing, f"{cookie}-sign-in") if self.issuer else None,
        )
        return signing_in, "" if self.url else token

    def _oidc(self, database: "Database", timing: "Timing", cookie: str) -> "OidcSignIn":
        from ..agent.web.oidc import OidcSettings, Provider
        from ..agent.web.pending import PendingSignIns
        from ..agent.web.sign_in_oidc import CALLBACK, OidcSignIn

        settings = OidcSettings(
            self.issuer,
            self.environment.get(CLIENT_ID_VARIABLE, ""),
            self.environment.get(CLIENT_SECRET_VARIABLE, ""),
            self.url.rstrip("/") + CALLBACK,
            self.oidc_allowed,
        )
        return OidcSignIn(
            settings, Provider(settings, timing), PendingSignIns(database, timing), cookie=cookie
        )


def _check_url(url: str) -> None:
    from ..events.subscriptions.urls import parsed

    try:
        parts = parsed(url)
    except InvalidParams as error:
        raise UsageError(f"--url {error.problems[0].message}.") from None
    if parts.path != "/" or parts.query or parts.fragment:
        raise UsageError(
            "--url has a path: the pages are served at the root of a host.",
            fix="Give the agent a host name of its own, such as https://agent.acme.example.",
        )
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise UsageError(
            "--url has no TLS: whoever is on the way could sign in.",
            fix="Put a proxy with TLS before the agent, and pass its https address.",
        )


def _public(url: str) -> str:
    from ..events.subscriptions.urls import checked

    try:
        return checked(url).rstrip("/")
    except InvalidParams as error:
        raise UsageError(f"--public-url {error.problems[0].message}.") from None


def is_local(base_url: str) -> bool:
    """Whether Process Flow URLs begin with an address of this machine, or aren't known."""
    return not base_url or _is_loopback(urlsplit(base_url).hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
