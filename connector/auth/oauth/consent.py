"""A person's consent: the URL they open, and the redirect that brings the answer. Pure.

Facts: https://developer.calendly.com/docs/authentication/how-to-access-calendly-data-on-behalf-of-authenticated-users
"""

import hmac
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from ...errors import SignInFailed

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


@dataclass(frozen=True, slots=True)
class Consent:
    """A sign-in that has begun. The person opens `url`; keep the rest until they return.

    `began` is in monotonic seconds.
    """

    url: str
    redirect_uri: str
    began: float
    state: str = field(repr=False)
    verifier: str = field(repr=False)


def begin(url: str, client_id: str, redirect_uri: str, scopes: Iterable[str], now: float) -> Consent:
    """Begin a sign-in with PKCE (S256), whatever the kind of app. `now` is in monotonic seconds."""
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
    return Consent(url, redirect_uri, now, state, verifier)


def check_verifier(consent: Consent) -> None:
    """Raise SignInFailed for the verifier of another sign-in: a host with several could mix them up."""
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    if _parameters(consent.url).get("code_challenge") != create_s256_code_challenge(consent.verifier):
        raise SignInFailed(
            "The code verifier belongs to another sign-in (PKCE).",
            fix="Keep the Consent object of a sign-in until it ends. Start the sign-in again.",
            reason="verifier",
        )


def read_redirect(consent: Consent, redirect: str) -> str:
    """Return the code in the URL that the person was redirected to, or raise SignInFailed.

    The URL must be the requested one and carry our state: anything else could come from an attacker who
    wants to sign us in as themselves.
    """
    given = _parameters(redirect)
    if not is_redirect(consent, redirect):
        raise SignInFailed(
            "This isn't the URL that Calendly redirects to.",
            fix=f"Paste the whole URL that begins with {consent.redirect_uri}.",
            reason="redirect",
        )
    if not hmac.compare_digest(given.get("state", "").encode(), consent.state.encode()):
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


def is_redirect(consent: Consent, url: str) -> bool:
    """Whether a URL is the redirect URI of this sign-in, whatever its query."""
    return _without_query(url) == _without_query(consent.redirect_uri)


def _without_query(url: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ("", "", "")
    return parts.scheme, parts.netloc, parts.path or "/"


def _parameters(url: str) -> Mapping[str, str]:
    try:
        query = urlsplit(url.strip()).query
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return {}
    # A repeated parameter is ambiguous, so it counts as missing.
    times = Counter(name for name, _ in pairs)
    return {name: value for name, value in pairs if times[name] == 1}
