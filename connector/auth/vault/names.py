"""Names of stored credentials."""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final
from unicodedata import normalize

from ...errors import UnknownCredential, UsageError
from ...support.redaction import quoted

VAULT_VARIABLE: Final = "CALENDLY_CONNECTOR_VAULT"
SUBSCRIPTION_NAME: Final = re.compile(r"webhook ([0-9a-f]{32})")
_MAX_LENGTH: Final = 100  # characters


def validate_name(name: str) -> str:
    """Return a name trimmed and in Unicode's composed form. Raises UsageError for an invalid one."""
    plain = normalize("NFC", name.strip())
    if not plain or len(plain) > _MAX_LENGTH or not plain.isprintable():
        raise UsageError(
            f"A credential's name must have 1 to {_MAX_LENGTH} printable characters.",
            fix="Choose another name.",
        )
    return plain


def credential_names(names: Iterable[str]) -> list[str]:
    """Return the names of credentials among those in a vault: webhook subscriptions are kept there, too."""
    return [name for name in names if not SUBSCRIPTION_NAME.fullmatch(name)]


def name_hash(name: str) -> str:
    """Return a text that every file system and database accepts and tells apart, 64 hexadecimal digits."""
    return sha256(name.encode()).hexdigest()


def unknown_credential(name: str, place: str) -> UnknownCredential:
    """Return the error for a name that isn't in the vault."""
    return UnknownCredential(
        f"No credential named {quoted(name)} in {place}.",
        fix="Run `calendly-connector vault list` to see the names, or `login` to add one.",
    )
