"""The vault: named credentials, sealed, in one file or in a database.

    vault = open_vault()
    vault.put("work", {"kind": "personal_access_token", "token": "…"})
    vault.get("work")

What is sealed how, and where its key is: `docs/credentials.md`.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from ...errors import UsageError
from .names import PLACE_VARIABLE

_LIBRARIES = ("cryptography", "filelock", "keyring", "platformdirs")


class Vault(Protocol):
    """Credentials by name. `place` says where they are, for messages; it holds no secret.

    A name is 1 to 100 printable characters. `names` needs no key. `get` and `delete` raise
    UnknownCredential, all of them VaultError. `put` replaces. `lock` is held by one thread of one
    process at a time and ends with its process; only its holder may refresh the credential. It does
    not keep `put` and `get` from working. `rekey` seals everything anew and gives how many.
    """

    @property
    def place(self) -> str: ...
    def names(self) -> list[str]: ...
    def get(self, name: str) -> dict[str, str]: ...
    def put(self, name: str, credential: Mapping[str, str]) -> None: ...
    def delete(self, name: str) -> None: ...
    def lock(self, name: str, *, timeout_s: float = 60.0) -> AbstractContextManager[None]: ...
    def rekey(self) -> int: ...


def is_installed() -> bool:
    """Whether what the vault needs is there."""
    return all(find_spec(library) is not None for library in _LIBRARIES)


def open_vault(environment: Mapping[str, str] = os.environ) -> Vault:
    """Give the vault at the path or database address in CALENDLY_CONNECTOR_VAULT, or the user's own."""
    for library in _LIBRARIES:
        if find_spec(library) is None:
            raise UsageError(f"The vault needs {library}.", fix="pip install 'calendly-connector[vault]'")
    from . import keys

    where = environment.get(PLACE_VARIABLE)
    if where and "://" in where:
        from .database import DatabaseVault

        return DatabaseVault(where, keys.given(environment))
    from .file import FileVault

    path = Path(where).expanduser() if where else _own_path()
    return FileVault(path, keys.find(path, environment))


def _own_path() -> Path:
    import platformdirs

    return platformdirs.user_data_path("calendly-connector", appauthor=False) / "vault.json"
