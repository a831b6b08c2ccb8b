"""What a sign-in gave: a pair of tokens with their time, scopes and owner, as texts in a credential. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ...errors import UnexpectedAnswer

_RENEW_BEFORE_S: Final = 300.0  # clocks differ, and a call takes its time
_LONGEST_LIFE_S: Final = 1e9  # about 30 years: what is longer, or no number, was not meant


@dataclass(frozen=True, slots=True)
class Grant:
    """`expires_at` is unix seconds of our own clock; `owner` and `organization` are URIs."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float
    scope: str
    owner: str
    organization: str

    def fields(self) -> dict[str, str]:
        """Give the texts that a credential keeps."""
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
        """Whether the access token may still be used, and need not be renewed yet."""
        return now < self.expires_at - _RENEW_BEFORE_S


def from_credential(credential: Mapping[str, str]) -> Grant | None:
    """Read what a credential keeps; None where nobody has signed in with it, or must do so anew."""
    access, refresh = credential.get("access_token"), credential.get("refresh_token")
    if not access or not refresh:
        return None
    try:
        expires_at = float(credential.get("expires_at", ""))
    except ValueError:
        expires_at = 0.0  # then it is renewed
    rest = (credential.get(name, "") for name in ("scope", "owner", "organization"))
    return Grant(access, refresh, expires_at, *rest)


def from_reply(reply: Mapping[str, Any], received: float) -> Grant:
    """Read a token reply. Its life counts from our own clock, which is the one it is compared with."""
    texts = [reply.get(name) for name in ("access_token", "refresh_token")]
    life_s = reply.get("expires_in")
    whole = all(isinstance(text, str) and text.isascii() and text.isprintable() and text for text in texts)
    # JSON as Python reads it has infinities, and True is a number.
    timed = isinstance(life_s, int | float) and not isinstance(life_s, bool) and abs(life_s) < _LONGEST_LIFE_S
    if not (whole and timed):
        raise UnexpectedAnswer(
            "The authorization server gave no pair of tokens.",
            fix="Check that CALENDLY_AUTH_URL is Calendly's authorization server.",
        )
    rest = (str(reply.get(name) or "") for name in ("scope", "owner", "organization"))
    return Grant(str(texts[0]), str(texts[1]), received + float(life_s or 0), *rest)
