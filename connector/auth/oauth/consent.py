"""A person's consent: the URL they open, and the redirect that brings the answer. Pure.

Facts: https://developer.calendly.com/docs/authentication/how-to-access-calendly-data-on-behalf-of-authenticated-users
"""

import hmac
from collections import Counter
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from ...catalog.scopes import covers
from ...contract import SignInRequest
from ...errors import SignInFailed, UsageError
from ...support.redaction import quoted

_CODE_LIFE_S: Final = 600.0
_MOST_PARAMETERS: Final = 100
AGAIN: Final = "Start the sign-in again."
_REASONS: Final = {
    "access_denied": ("denied", "Consent was denied.", "Sign in again and press Allow."),
    "invalid_scope": (
        "scope",
        "The app isn't allowed to request one of these scopes.",
        "Add the scopes to the app in Calendly, or request fewer.",
    ),
    "unauthorized_client": (
        "client",
        "The app isn't allowed to sign people in this way.",
        "Check the app's kind (web or native) in Calendly.",
    ),
}


def begin(url: str, client_id: str, redirect_uri: str, scopes: tuple[str, ...], now: float) -> SignInRequest:
    """Begin a sign-in with PKCE (S256), whatever the kind of app. `now` is in unix seconds."""
    from authlib.common.security import generate_token
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    state, verifier = generate_token(48), generate_token(64)
    url = prepare_grant_uri(
        url,
        client_id=client_id,
        response_type="code",
        redirect_uri=redirect_uri,
        scope=" ".join(scopes) or None,
        state=state,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
    )
    return SignInRequest(
        url=url, redirect_uri=redirect_uri, scopes=scopes, begun_at=now, state=state, verifier=verifier
    )


def split_redirect_uri(redirect_uri: str) -> SplitResult:
    """Return the parts of a redirect URI. Raises UsageError if it isn't one."""
    try:
        parts = urlsplit(redirect_uri)
        known = parts.port is None or parts.port >= 0
    except ValueError:
        known = False
    if not known or not parts.hostname or parts.scheme not in {"http", "https"} or parts.fragment:
        raise UsageError(
            f"Invalid redirect URI {quoted(redirect_uri)}.",
            fix="Pass it exactly as on the app's page in Calendly, with http:// or https://.",
        )
    return parts


def check_age(request: SignInRequest, now: float) -> None:
    """Raise SignInFailed for a sign-in that began too long ago. `now` is in unix seconds."""
    if now - request.begun_at > _CODE_LIFE_S:
        raise SignInFailed(
            "The sign-in took too long: its code is valid for 10 minutes.", fix=AGAIN, reason="expired"
        )


def check_verifier(request: SignInRequest) -> None:
    """Raise SignInFailed for the verifier of another sign-in: a host with several could mix them up."""
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    if _parameters(request.url).get("code_challenge") != create_s256_code_challenge(request.verifier):
        raise SignInFailed(
            "The code verifier belongs to another sign-in (PKCE).",
            fix="Keep the whole SignInRequest until the person returns. Start the sign-in again.",
            reason="verifier",
        )


def check_granted(request: SignInRequest, granted: str) -> None:
    """Raise SignInFailed if the person didn't grant all scopes. `granted` are separated by spaces."""
    missing = [scope for scope in request.scopes if not covers(granted.split(), scope)]
    if missing:
        raise SignInFailed(
            f"Consent was not given for {', '.join(missing)}. The tokens weren't saved.",
            fix="Sign in again and keep these scopes selected, or request fewer scopes.",
            reason="scope",
        )


def read_redirect(request: SignInRequest, redirect: str) -> str:
    """Return the code in the URL that the person was redirected to, or raise SignInFailed.

    The URL must be the requested one and carry our state: anything else could come from an attacker who
    wants to sign us in as themselves.
    """
    given = _parameters(redirect)
    if not is_redirect(request, redirect):
        raise SignInFailed(
            "This isn't the URL that Calendly redirects to.",
            fix=f"Pass the whole URL, which begins with {request.redirect_uri}.",
            reason="redirect",
        )
    if not hmac.compare_digest(given.get("state", "").encode(), request.state.encode()):
        raise SignInFailed(
            "The redirect belongs to another sign-in (its state differs).", fix=AGAIN, reason="state"
        )
    if "error" in given:
        known = ("refused", "Calendly ended the sign-in with an error.", AGAIN)
        reason, message, fix = _REASONS.get(given["error"], known)
        raise SignInFailed(message, fix=fix, reason=reason)
    if not given.get("code"):
        raise SignInFailed("The redirect has no code.", fix=AGAIN, reason="redirect")
    return given["code"]


def is_redirect(request: SignInRequest, url: str) -> bool:
    """Whether a URL is the redirect URI of this sign-in, with any parameters besides its own."""
    own = set(_pairs(request.redirect_uri))
    return _without_query(url) == _without_query(request.redirect_uri) and own <= set(_pairs(url))


def _without_query(url: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ("", "", "")
    return parts.scheme, parts.netloc, parts.path or "/"


def _parameters(url: str) -> Mapping[str, str]:
    pairs = _pairs(url)
    # A repeated parameter is ambiguous, so it counts as missing.
    times = Counter(name for name, _ in pairs)
    return {name: value for name, value in pairs if times[name] == 1}


def _pairs(url: str) -> list[tuple[str, str]]:
    try:
        query = urlsplit(url.strip()).query
        return parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return []
