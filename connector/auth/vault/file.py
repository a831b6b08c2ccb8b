"""A vault in one JSON file, with an encrypted text for each name.

Readers take no lock: they read the keys before and after the file, since `rekey` writes keys first.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

from ...errors import VaultError
from . import files
from .encryption import CredentialCipher, EncryptedCredential
from .files import file_lock
from .keys import Keys
from .names import name_hash, unknown_credential, validate_name

_FORMAT = 1
_WRITE_TIMEOUT_S = 60.0


class FileVault:
    """Credentials in one file, encrypted with the first of the keys.

    `find_keys` is called when they are first needed: names need none, and looking for a keyring takes time.
    """

    def __init__(self, path: Path, find_keys: Callable[[], Keys]) -> None:
        self._path = path
        self._find_keys = find_keys

    @property
    def place(self) -> str:
        """The path of the file."""
        return str(self._path)

    def names(self) -> list[str]:
        """Return all names, sorted; needs no key."""
        return sorted(self._read())

    def get(self, name: str) -> dict[str, str]:
        """Return a credential. Raises UnknownCredential."""
        name = validate_name(name)
        keys = self._keys.read()
        while True:
            entries = self._read()
            before, keys = keys, self._keys.read()
            if keys == before:
                break
        if name not in entries:
            raise unknown_credential(name, self.place)
        return CredentialCipher(keys, self.place, self._keys.place).decrypt(name, entries[name])

    def put(self, name: str, credential: Mapping[str, str]) -> None:
        """Add or replace a credential. A vault that was encrypted with other keys isn't changed."""
        name = validate_name(name)
        with self._write_lock():
            entries = self._read()
            keys = self._keys.read()
            if not keys and not entries:
                keys = self._keys.rotate()
            cipher = CredentialCipher(keys, self.place, self._keys.place)
            cipher.require_keys(entry.key_id for entry in entries.values())
            self._write({**entries, name: cipher.encrypt(name, credential)})

    def delete(self, name: str) -> None:
        """Remove a credential; needs no key. Raises UnknownCredential."""
        name = validate_name(name)
        if name not in self._read():
            raise unknown_credential(name, self.place)
        with self._write_lock():
            entries = self._read()
            if entries.pop(name, None) is None:
                raise unknown_credential(name, self.place)
            self._write(entries)

    def lock(self, name: str, *, timeout_s: float = 60.0) -> AbstractContextManager[None]:
        """Hold a credential's lock: the operating system's, on a file in a folder beside the vault."""
        name = validate_name(name)
        path = self._path.with_name(f"{self._path.name}.locks") / f"{name_hash(name)}.lock"
        return file_lock(path, timeout_s, f"The credential {name!r}")

    def rekey(self) -> int:
        """Encrypt everything with a new key, or with the first of the given ones, and drop the old keys.

        The stored keys can decrypt every entry at any moment, so an interrupted rekey can be run again.
        """
        with self._write_lock():
            entries = self._read()
            old = CredentialCipher(self._keys.read(), self.place, self._keys.place)
            old.require_keys(entry.key_id for entry in entries.values())
            credentials = {name: old.decrypt(name, entry) for name, entry in entries.items()}
            new = CredentialCipher(self._keys.rotate(), self.place, self._keys.place)
            self._write({name: new.encrypt(name, credential) for name, credential in credentials.items()})
            self._keys.drop_old()
        return len(credentials)

    @cached_property
    def _keys(self) -> Keys:
        return self._find_keys()

    def _write_lock(self) -> AbstractContextManager[None]:
        lock = self._path.with_name(f"{self._path.name}.lock")
        return file_lock(lock, _WRITE_TIMEOUT_S, f"The vault {self.place}")

    def _read(self) -> dict[str, EncryptedCredential]:
        content = files.read(self._path, secret=False)
        if content is None:
            return {}
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            raise self._damaged() from None
        if not isinstance(document, dict) or not isinstance(document.get("format"), int):
            raise self._damaged()
        if document["format"] != _FORMAT:
            raise VaultError(
                f"The vault {self.place} was written by a newer version.",
                fix="Update calendly-connector. Nothing was changed.",
                reason="newer",
            )
        entries = document.get("credentials")
        if not isinstance(entries, dict) or not all(
            isinstance(entry, dict) and isinstance(entry.get(part), str)
            for entry in entries.values()
            for part in ("key", "sealed")
        ):
            raise self._damaged()
        return {name: EncryptedCredential(entry["key"], entry["sealed"]) for name, entry in entries.items()}

    def _write(self, entries: Mapping[str, EncryptedCredential]) -> None:
        stored = {
            name: {"key": entry.key_id, "sealed": entry.text} for name, entry in sorted(entries.items())
        }
        files.replace(self._path, json.dumps({"format": _FORMAT, "credentials": stored}, indent=1).encode())

    def _damaged(self) -> VaultError:
        return VaultError(
            f"The vault {self.place} is damaged.",
            fix="Restore a backup, or move it away and add the credentials again. Nothing was changed.",
            reason="damaged",
        )
