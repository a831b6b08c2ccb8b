"""The vault: named credentials, encrypted, in a file or in a database.

    vault = open_vault()
    vault.put("work", {"kind": "personal_access_token", "token": "…"})
    vault.get("work")

How they are encrypted, and where the key is: `docs/how-to/credentials.md`.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Protocol

from .names import VAULT_VARIABLE


class Vault(Protocol):
    """Credentials by name. `place` is a path or an address without password, for messages.

    A name has 1 to 100 printable characters. `names` and `delete` need no key. `get` and `delete` raise
    UnknownCredential, all methods VaultError. `put` adds or replaces. `lock` is held by one thread of one
    process at a time and ends with its process; only its holder may refresh the credential. It doesn't
    block `get` and `put`. `rekey` encrypts everything with a new key and returns how many credentials.
    """

    @property
    def place(self) -> str: ...
    def names(self) -> list[str]: ...
    def get(self, name: str) -> dict[str, str]: ...
    def put(self, name: str, credential: Mapping[str, str]) -> None: ...
    def delete(self, name: str) -> None: ...
    def lock(self, name: str, *, timeout_s: float = 60.0) -> AbstractContextManager[None]: ...
    def rekey(self) -> int: ...


def open_vault(environment: Mapping[str, str] = os.environ) -> Vault:
    """Return the vault in CALENDLY_CONNECTOR_VAULT (a path or database URL), by default the user's own.

    Raises UsageError if a database's library or key is missing.
    """
    from . import keys

    place = environment.get(VAULT_VARIABLE)
    if place and "://" in place:
        from .database import DatabaseVault

        return DatabaseVault(place, keys.environment_keys(environment))
    from .file import FileVault

    if place:
        path = Path(place).expanduser()
    else:
        import platformdirs

        path = platformdirs.user_data_path("calendly-connector", appauthor=False) / "vault.json"
    if environment.get(keys.KEY_VARIABLE):  # reported now if it isn't valid
        found = keys.find_keys(path, environment)
        return FileVault(path, lambda: found)
    return FileVault(path, partial(keys.find_keys, path, environment))
