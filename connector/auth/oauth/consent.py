"""The way to a person's consent and back: the address to open, and what the redirect says. Pure.

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
AGAIN: Final = "Sign in again from the beginning."
_REASONS: Final = {
    "access_denied": ("denied", "Consent was denied.", "Sign in again, and press Allow."),
    "invalid_scope": (
        "scope",
        "The app may not ask for one of these scopes.",
        "Add the scopes to the app in Calendly, or ask for fewer.",
    ),
    "unauthorized_client": (
        "client",
        "The app may not sign people in this way.",
        "Check the app's kind (web or native) in Calendly.",
    ),
}


@dataclass(frozen=True, slots=True)
class Consent:
    """A sign-in that has begun. `url` is what the person opens; the rest is kept until they come back.

    `began` is in seconds of a clock that only goes forward.
    """

    url: str
    redirect_uri: str
    began: float
    state: str = field(repr=False)
    verifier: str = field(repr=False)


def ask(url: str, client_id: str, redirect_uri: str, scopes: Iterable[str], now: float) -> Consent:
    """Begin a sign-in, with PKCE (S256) for every kind of app."""
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
    """Refuse a consent whose verifier is another's: a host that keeps several apart could mix them up."""
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    if _parameters(consent.url).get("code_challenge") != create_s256_code_challenge(consent.verifier):
        raise SignInFailed(
            "The verifier does not belong to this sign-in (PKCE).",
            fix="Keep what a sign-in began with until it ends, and begin it again.",
            reason="verifier",
        )


def read_answer(consent: Consent, answer: str) -> str:
    """Give the code of the address that the person was sent back to, or raise SignInFailed.

    The address has to be the one that was asked for, and its state ours: anything else could come
    from somebody who wants to sign us in as themselves.
    """
    given = _parameters(answer)
    if not is_address(consent, answer):
        raise SignInFailed(
            "This is not the address that Calendly was asked to send back to.",
            fix=f"Paste the whole address that begins with {consent.redirect_uri}.",
            reason="redirect",
        )
    if not hmac.compare_digest(given.get("state", "").encode(), consent.state.encode()):
        raise SignInFailed(
            "The answer does not belong to this sign-in (its state is another).", fix=AGAIN, reason="state"
        )
    if "error" in given:
        known = ("refused", "Calendly did not let the sign-in go on.", AGAIN)
        reason, message, fix = _REASONS.get(given["error"], known)
        raise SignInFailed(message, fix=fix, reason=reason)
    if not given.get("code"):
        raise SignInFailed("The answer holds no code.", fix=AGAIN, reason="redirect")
    return given["code"]


def is_address(consent: Consent, answer: str) -> bool:
    """Whether an address is the redirect's, whatever it says."""
    return _place(answer) == _place(consent.redirect_uri)


def _place(url: str) -> tuple[str, str, str]:
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
    # A parameter that comes twice could mean either: it counts as missing.
    times = Counter(name for name, _ in pairs)
    return {name: value for name, value in pairs if times[name] == 1}
