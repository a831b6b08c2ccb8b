"""Signing people in at an OpenID provider: authorization code, PKCE, state and nonce, with Authlib.

The provider's address is the operator's, from the agent's environment. What it says about a person is only
believed from an ID token that it signed for this agent.
"""

import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ...errors import NoAnswer, SignInFailed, UsageError
from ...support.clock import Timing

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import OAuth2Client

_SCOPE: Final = "openid email"
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
_TIMEOUT_S: Final = 10.0
_LEEWAY_S: Final = 60
_METADATA_S: Final = 3600.0
_KEYS_AT_MOST_EVERY_S: Final = 10.0
_LONGEST_EMAIL: Final = 200
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """The provider, this agent's registration there, and who may sign in: email addresses or domains."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    allowed: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raise UsageError if nobody could sign in like this."""
        if not _is_safe(self.issuer):
            raise UsageError("The OpenID issuer isn't an https URL.", fix="Set CALENDLY_AGENT_OIDC_ISSUER.")
        if not self.client_id:
            raise UsageError(
                "The agent has no client id at the OpenID provider.",
                fix="Set CALENDLY_AGENT_OIDC_CLIENT_ID.",
            )
        if not self.allowed or not all(
            re.fullmatch(r"([^@\s]+@)?[^@\s]+\.[^@\s]+", one) for one in self.allowed
        ):
            raise UsageError(
                "Nobody may sign in with OpenID Connect.",
                fix="Pass --oidc-allowed with an email address such as ada@acme.example, or a domain such "
                "as acme.example, once for each.",
            )

    def allows(self, email: str) -> bool:
        """Whether a person may sign in. A domain doesn't include the domains below it."""
        folded, domain = email.casefold(), email.casefold().rpartition("@")[2]
        return any(one.casefold() in {folded, domain} for one in self.allowed)


@dataclass(frozen=True, slots=True)
class Started:
    """A sign-in that has begun. Send the person to `url`, and keep the rest, which is secret."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class Provider:
    """An OpenID provider. Its metadata and keys are read when they are needed first, and again later."""

    def __init__(self, settings: OidcSettings, timing: Timing) -> None:
        self._settings = settings
        self._timing = timing
        self._lock = threading.Lock()
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, Any] | None = None

    def start(self) -> Started:
        """Begin a sign-in. Raises NoAnswer or SignInFailed if the provider can't be used."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        endpoint = self._endpoint("authorization_endpoint")
        with self._client() as client:
            url, _ = client.create_authorization_url(
                endpoint, state=state, code_verifier=verifier, nonce=nonce
            )
        return Started(str(url), state, nonce, verifier)

    def finish(self, reply: Mapping[str, str], nonce: str, verifier: str) -> str:
        """Return the email address of the person whom the provider sent back. Raises SignInFailed.

        `reply` is the query of the redirect, whose state has been checked.
        """
        if reply.get("iss", self._settings.issuer) != self._settings.issuer:
            raise _failed("issuer", "The reply is from another provider.")
        if reply.get("error") or not reply.get("code"):
            raise _failed("denied", "The provider didn't sign you in.")
        token = self._exchange(reply["code"], verifier)
        claims = self._claims(token.get("id_token"), nonce)
        if "email" not in claims:
            claims = {**self._user_info(token, claims["sub"]), "sub": claims["sub"]}
        email = claims.get("email")
        if not isinstance(email, str) or len(email) > _LONGEST_EMAIL or not _EMAIL.fullmatch(email):
            raise _failed("email", "The provider didn't say your email address.")
        if claims.get("email_verified") not in {True, "true"}:
            raise _failed("unverified", "Your email address isn't verified at the provider.")
        if not self._settings.allows(email):
            raise _failed("not_allowed", f"{email} may not use this agent.")
        return email.casefold()

    def _exchange(self, code: str, verifier: str) -> dict[str, Any]:
        from authlib.integrations.base_client import OAuthError

        endpoint = self._endpoint("token_endpoint")
        try:
            with self._client() as client:
                return dict(client.fetch_token(endpoint, code=code, code_verifier=verifier))
        except OAuthError:
            raise _failed("code", "The provider didn't accept the sign-in.") from None

    def _claims(self, token: Any, nonce: str) -> dict[str, Any]:
        """Return the claims of an ID token that the provider signed, for us, just now."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import BadSignatureError, ClaimError, InvalidKeyIdError, JoseError

        if not isinstance(token, str):
            raise _failed("token", "The provider sent no ID token.")
        asked_at = self._timing.monotonic()
        try:
            try:
                decoded = jwt.decode(token, self._key_set(), algorithms=list(_ALGORITHMS))
            except (InvalidKeyIdError, BadSignatureError):  # the provider may have changed its keys
                decoded = jwt.decode(token, self._key_set(newer_than=asked_at), algorithms=list(_ALGORITHMS))
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "value": self._settings.issuer},
                    "aud": {"essential": True, "value": self._settings.client_id},
                },
                params={"nonce": nonce, "client_id": self._settings.client_id},
            )
            claims.validate(now=int(self._timing.clock()), leeway=_LEEWAY_S)
        except ClaimError as error:
            raise _failed(str(error.claim), f"The ID token isn't valid: {error.claim}.") from None
        except (JoseError, ValueError, TypeError):
            raise _failed("token", "The ID token isn't valid.") from None
        if not isinstance(claims.get("sub"), str):
            raise _failed("token", "The ID token isn't valid.")
        return dict(claims)

    def _user_info(self, token: Mapping[str, Any], subject: str) -> dict[str, Any]:
        """Return what the provider's own page says about the person, if it has one: some tokens are short."""
        if "userinfo_endpoint" not in self._provider():
            return {}
        endpoint = self._endpoint("userinfo_endpoint")
        found = self._json(endpoint, {"Authorization": f"Bearer {token.get('access_token')}"})
        return found if found.get("sub") == subject else {}

    def _key_set(self, *, newer_than: float | None = None) -> Any:
        """Return the provider's keys. `newer_than` reads them again, at most every few seconds."""
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        with self._lock:
            known, now = self._keys, self._timing.monotonic()
        if known and (newer_than is None or now - known[0] < _KEYS_AT_MOST_EVERY_S):
            return known[1]
        found = self._json(self._endpoint("jwks_uri"))
        try:
            keys = KeySet.import_key_set({"keys": found.get("keys", [])})
        except (JoseError, ValueError, TypeError, KeyError):
            raise _failed("provider", "The provider's keys can't be read.") from None
        with self._lock:
            self._keys = (now, keys)
        return keys

    def _provider(self) -> dict[str, Any]:
        """Return the provider's description of itself."""
        with self._lock:
            known, now = self._metadata, self._timing.monotonic()
        if known and now - known[0] < _METADATA_S:
            return known[1]
        found = self._json(f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._settings.issuer:
            raise _failed("issuer", "The provider says that it is another issuer.")
        with self._lock:
            self._metadata = (now, found)
        return found

    def _endpoint(self, name: str) -> str:
        found = self._provider().get(name)
        if not isinstance(found, str) or not _is_safe(found):
            raise _failed("provider", f"The provider has no {name} with https.")
        return found

    def _json(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        with self._client() as client:
            reply = client.request("GET", url, headers=dict(headers or {}), withhold_token=True)
        try:
            found = reply.json() if reply.is_success else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise _failed("provider", "The provider's reply can't be read.")
        return found

    @contextmanager
    def _client(self) -> "Iterator[OAuth2Client]":
        import httpx
        from authlib.integrations.httpx_client import OAuth2Client

        own = self._settings
        try:
            with OAuth2Client(
                own.client_id,
                own.client_secret or None,
                token_endpoint_auth_method="client_secret_basic" if own.client_secret else "none",
                scope=_SCOPE,
                redirect_uri=own.redirect_uri,
                code_challenge_method="S256",
                timeout=_TIMEOUT_S,
            ) as client:
                yield client
        except httpx.HTTPError:
            raise NoAnswer(
                "The OpenID provider can't be reached.", fix="Try again in a moment.", reason="broken"
            ) from None
        except ValueError:
            raise _failed("provider", "The provider's reply can't be read.") from None


def _failed(reason: str, message: str) -> SignInFailed:
    return SignInFailed(message, fix="Sign in again.", reason=reason)


def _is_safe(url: str) -> bool:
    """Whether a URL has TLS, or is one of this machine."""
    try:
        parts = urlsplit(url)
        return (parts.scheme == "https" and bool(parts.hostname)) or (
            parts.scheme == "http" and parts.hostname in _LOOPBACK
        )
    except ValueError:
        return False
