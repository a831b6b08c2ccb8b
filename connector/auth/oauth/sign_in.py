"""Sign-in by OAuth, for hosts and for `calendly-connector login`.

See docs/decisions/login-asks-for-users-read.md.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from ...catalog.required_scopes import required_scopes
from ...catalog.scopes import minimal
from ...contract import OAuth, SignInRequest
from ...errors import ConnectorError, InvalidCredential, UsageError
from ...http.api_errors import CredentialLocation
from ...support.clock import Timing
from ..credentials import valid
from . import consent, grant
from .server import AuthorizationServer, InvalidGrant, server_for
from .tokens import SIGNED_OUT, refresh, sign_in_required, signed_in, signed_out

_OWNER_SCOPE: Final = "users:read"  # without it, the owner of the tokens can't be identified
_WITH_CALLER: Final = CredentialLocation(place="this credential", oauth=True, in_host=True)


class OAuthSignIn(OAuth):
    """The sign-in that hosts use, as `contract.OAuth` describes it."""

    def __init__(self, kind: str, timing: Timing | None = None) -> None:
        self._kind = kind
        self._timing = timing or Timing()

    def required_scopes(self, uses: Iterable[str]) -> tuple[str, ...]:
        return minimal({_OWNER_SCOPE, *(scope for name in uses for scope in required_scopes(name))})

    def authorize(
        self,
        credential: Mapping[str, str],
        *,
        uses: Iterable[str] = (),
        scopes: Iterable[str] = (),
        redirect_uri: str = "",
    ) -> SignInRequest:
        app, server = self._open(credential)
        back_to = redirect_uri or app.get("redirect_uri", "")
        if not back_to:
            raise UsageError(
                "The sign-in needs a redirect URI.",
                fix="Pass redirect_uri, or add it to the credential, as on the app's page in Calendly.",
            )
        consent.split_redirect_uri(back_to)
        return server.begin(back_to, minimal({*self.required_scopes(uses), *scopes}))

    def exchange(
        self, credential: Mapping[str, str], request: SignInRequest, redirected_to: str
    ) -> dict[str, str]:
        app, server = self._open(credential)
        tokens = server.exchange(request, redirected_to)
        try:
            consent.check_granted(request, tokens.scope)
        except BaseException:
            with suppress(ConnectorError):  # revoke tokens that nobody keeps
                server.revoke_grant(tokens)
            raise
        return signed_in(app, tokens)

    def refresh(self, credential: Mapping[str, str]) -> dict[str, str]:
        app, server = self._open(credential)
        current = grant.from_credential(app)
        if current is None:
            raise sign_in_required(app.get(SIGNED_OUT, "never"), _WITH_CALLER)
        try:
            return signed_in(app, refresh(server, current))
        except InvalidGrant:
            raise sign_in_required("used", _WITH_CALLER) from None

    def revoke(self, credential: Mapping[str, str]) -> dict[str, str]:
        app, server = self._open(credential)
        if current := grant.from_credential(app):
            server.revoke_grant(current)
        return signed_out(app, "logout")

    def _open(self, credential: Mapping[str, str]) -> tuple[dict[str, str], AuthorizationServer]:
        """Return a valid credential and its authorization server. Raises InvalidCredential."""
        app = valid({"kind": self._kind, **credential})
        if app["kind"] != self._kind:
            raise InvalidCredential(
                f"This credential's kind is {app['kind']}, not {self._kind}.",
                fix=f"Pass the fields of the form for {self._kind}.",
            )
        if not app.get("client_id"):
            raise InvalidCredential(
                "The credential has no client ID.", fix="Copy it from the app's page in Calendly."
            )
        return app, server_for(app, self._timing)
