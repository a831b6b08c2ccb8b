"""Personal access tokens, as people paste them. Pure."""

import re
from dataclasses import dataclass, field

from ..errors import InvalidCredential

_PREFIX = re.compile(r"(?i)^(?:-H\s+)?[\"']?(?:authorization\s*[:=]\s*)?(?:bearer(?:\s+|$))?")
_COPY_AGAIN = "Copy the whole token from Calendly again, or create a new one there."


@dataclass(frozen=True, slots=True)
class PersonalAccessToken:
    """A token that a person created in Calendly. It stays the same, and its scopes can't be read."""

    value: str = field(repr=False)
    normalizations: tuple[str, ...] = ()

    def authorization(self, refused: str | None = None) -> str:  # noqa: ARG002 - there is only this one
        """Return the Authorization header's value."""
        return f"Bearer {self.value}"

    def token_info(self) -> None:
        """Return None: Calendly doesn't describe personal access tokens."""

    def granted_scopes(self) -> None:
        """Return None: they aren't known."""


def read_token(text: str | None, place: str = "the credential") -> PersonalAccessToken:
    """Read a token as people paste it: with spaces, quotes, line breaks or the whole header around it.

    `place` says where to put a missing one. Raises InvalidCredential.
    """
    given = text or ""
    normalizations: list[str] = []
    token = given.strip().strip("\"'").strip()
    if token != given:
        normalizations.append("removed spaces or quotes around the token")
    bare = _PREFIX.sub("", token).strip().strip("\"'")
    if bare != token:
        normalizations.append("removed the header name or 'Bearer' before the token")
    joined = "".join(line.strip(" \t") for line in re.split(r"[\r\n]", bare))
    if joined != bare:
        normalizations.append("removed line breaks inside the token")
    if not joined:
        raise InvalidCredential(
            "No token found.",
            fix=f"Create one in Calendly (Integrations & apps, API and Webhooks) and put it in {place}.",
            outcome="missing_token",
        )
    if not joined.isascii() or not joined.isprintable():
        raise InvalidCredential("The token contains characters that tokens never have.", fix=_COPY_AGAIN)
    if " " in joined:
        raise InvalidCredential(
            "The token contains a space: it is incomplete, or two texts were pasted.", fix=_COPY_AGAIN
        )
    return PersonalAccessToken(joined, tuple(normalizations))
