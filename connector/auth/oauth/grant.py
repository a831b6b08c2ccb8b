"""What a sign-in grants: a pair of tokens with their expiry, scopes and owner. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ...errors import UnexpectedAnswer

_REFRESH_BEFORE_S: Final = 300.0  # clocks differ, and a call takes time
_LONGEST_LIFE_S: Final = 1e9  # about 30 years: anything longer, or not a number, is a mistake


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What is known about an access token. `expires_at` is in unix seconds; `note` says what is uncertain.

    `scopes` is None if they aren't known; `owner` and `organization` are URIs, or empty.
    """

    scopes: frozenset[str] | None
    expires_at: float
    owner: str
    organization: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """A pair of tokens. `expires_at` is in unix seconds; `owner` and `organization` are URIs."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float
    scope: str
    owner: str
    organization: str

    def fields(self) -> dict[str, str]:
        """Return the fields of a credential that hold this grant."""
        return {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "expires_at": f"{self.expires_at:.0f}",
            "scope": self.scope,
            "owner": self.owner,
            "organization": self.organization,
        }

    @property
    def header(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self.access_token}"

    def usable(self, now: float) -> bool:
        """Whether the access token can be used and doesn't need a refresh yet. `now` is unix seconds."""
        return now < self.expires_at - _REFRESH_BEFORE_S


def from_credential(credential: Mapping[str, str]) -> Grant | None:
    """Return the grant that a credential holds; None if it isn't signed in."""
    access, refresh = credential.get("access_token"), credential.get("refresh_token")
    if not access or not refresh:
        return None
    try:
        expires_at = float(credential.get("expires_at", ""))
    except ValueError:
        expires_at = 0.0  # refreshed before its first use
    rest = (credential.get(name, "") for name in ("scope", "owner", "organization"))
    return Grant(access, refresh, expires_at, *rest)


def from_reply(reply: Mapping[str, Any], received: float) -> Grant:
    """Read a token reply that came at `received` (unix seconds of our own clock). Raises UnexpectedAnswer."""
    tokens = [reply.get(name) for name in ("access_token", "refresh_token")]
    life_s = reply.get("expires_in")
    whole = all(isinstance(text, str) and text.isascii() and text.isprintable() and text for text in tokens)
    # JSON as Python reads it has infinities, and True is a number.
    timed = isinstance(life_s, int | float) and not isinstance(life_s, bool) and abs(life_s) < _LONGEST_LIFE_S
    if not (whole and timed):
        raise UnexpectedAnswer(
            "The authorization server's reply has no pair of tokens.",
            fix="Check that CALENDLY_AUTH_URL is Calendly's authorization server.",
        )
    rest = (str(reply.get(name) or "") for name in ("scope", "owner", "organization"))
    return Grant(str(tokens[0]), str(tokens[1]), received + float(life_s or 0), *rest)
