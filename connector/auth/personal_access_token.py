"""A personal access token: read it as people paste it, or say what is wrong with it."""

import re
from dataclasses import dataclass, field

from ..errors import InvalidCredential

_PREFIX = re.compile(r"(?i)^(?:-H\s+)?[\"']?(?:authorization\s*[:=]\s*)?(?:bearer(?:\s+|$))?")
_PASTE_AGAIN = "Copy the whole token from Calendly once more, or make a new one there."


@dataclass(frozen=True, slots=True)
class PersonalAccessToken:
    """A usable token, and what was mended in the text it came from."""

    value: str = field(repr=False)
    mended: tuple[str, ...] = ()

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self.value}"


def read_token(text: str | None, place: str = "the credential") -> PersonalAccessToken:
    """Read a token as it was pasted: with spaces, quotes, line breaks or the whole header around it.

    `place` is where it is kept, and where a person puts one that is missing.
    """
    given = text or ""
    mended: list[str] = []
    token = given.strip().strip("\"'").strip()
    if token != given:
        mended.append("spaces or quotes around the token were removed")
    bare = _PREFIX.sub("", token).strip().strip("\"'")
    if bare != token:
        mended.append("the header's words in front of the token were removed")
    joined = "".join(line.strip(" \t") for line in re.split(r"[\r\n]", bare))
    if joined != bare:
        mended.append("line breaks inside the token were removed")
    if not joined:
        raise InvalidCredential(
            "There is no token.",
            fix=f"Create one in Calendly (Integrations & apps, API and Webhooks) and put it in {place}.",
            outcome="missing_token",
        )
    if not joined.isascii() or not joined.isprintable():
        raise InvalidCredential("The token holds characters that no token has.", fix=_PASTE_AGAIN)
    if " " in joined:
        raise InvalidCredential(
            "The token has a space inside: it is two texts, or cut in two.", fix=_PASTE_AGAIN
        )
    return PersonalAccessToken(joined, tuple(mended))
