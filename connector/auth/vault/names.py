"""What the vault and a credential in it are called."""

from hashlib import sha256
from typing import Final
from unicodedata import normalize

from ...errors import UnknownCredential, UsageError
from ...support.redaction import quoted

PLACE_VARIABLE: Final = "CALENDLY_CONNECTOR_VAULT"
_LONGEST: Final = 100  # characters


def checked(name: str) -> str:
    """Give a name in its one spelling, or refuse it."""
    plain = normalize("NFC", name.strip())
    if not plain or len(plain) > _LONGEST or not plain.isprintable():
        raise UsageError(
            f"A credential's name has 1 to {_LONGEST} printable characters.", fix="Choose another name."
        )
    return plain


def hashed(name: str) -> str:
    """Give a text for a name that every file system and database takes and tells apart."""
    return sha256(name.encode()).hexdigest()


def unknown(name: str, place: str) -> UnknownCredential:
    """Word that there is no such credential."""
    return UnknownCredential(
        f"There is no credential {quoted(name)} in {place}.",
        fix="`calendly-connector vault list` shows those that are there, `vault add` adds one.",
    )
