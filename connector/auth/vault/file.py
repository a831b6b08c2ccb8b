"""A vault in one file: JSON with a sealed text for each name.

Readers take no lock: they look at the keys before and after, since `rekey` writes keys before rows.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from ...errors import VaultError
from . import atomic_files
from .encryption import Key, Sealed, Sealer
from .keys import Keys
from .locks import file_lock
from .names import checked, hashed, unknown

_FORMAT = 1
_PATIENCE_S = 60.0


class FileVault:
    """Credentials in one file, sealed with the first of `keys`."""

    def __init__(self, path: Path, keys: Keys) -> None:
        self._path = path
        self._keys = keys

    @property
    def place(self) -> str:
        """The file."""
        return str(self._path)

    def names(self) -> list[str]:
        """Give all names, sorted; needs no key."""
        return sorted(self._rows())

    def get(self, name: str) -> dict[str, str]:
        """Open a credential."""
        name = checked(name)
        keys, rows = self._snapshot()
        if name not in rows:
            raise unknown(name, self.place)
        return self._sealer(keys).unseal(name, rows[name])

    def put(self, name: str, credential: Mapping[str, str]) -> None:
        """Add or replace a credential. A vault that these keys do not open is left as it is."""
        name = checked(name)
        with self._writing():
            rows = self._rows()
            keys = self._keys.read()
            if not keys and not rows:
                keys = self._keys.renew()
            sealer = self._sealer(keys)
            sealer.must_know(row.key_id for row in rows.values())
            self._write({**rows, name: sealer.seal(name, credential)})

    def delete(self, name: str) -> None:
        """Remove a credential; needs no key."""
        name = checked(name)
        if name not in self._rows():
            raise unknown(name, self.place)
        with self._writing():
            rows = self._rows()
            if rows.pop(name, None) is None:
                raise unknown(name, self.place)
            self._write(rows)

    def lock(self, name: str, *, timeout_s: float = 60.0) -> AbstractContextManager[None]:
        """Hold a credential's lock."""
        name = checked(name)
        path = self._path.with_name(f"{self._path.name}.locks") / f"{hashed(name)}.lock"
        return file_lock(path, timeout_s, f"The credential {name!r}")

    def rekey(self) -> int:
        """Seal everything with a new key, or with the first of the given ones; forget the old keys.

        The keys at hand open every row at every moment, so that it may stop anywhere and be done again.
        """
        with self._writing():
            rows = self._rows()
            old = self._sealer(self._keys.read())
            old.must_know(row.key_id for row in rows.values())
            opened = {name: old.unseal(name, row) for name, row in rows.items()}
            new = self._sealer(self._keys.renew())
            self._write({name: new.seal(name, credential) for name, credential in opened.items()})
            self._keys.retire()
        return len(opened)

    def _sealer(self, keys: tuple[Key, ...]) -> Sealer:
        return Sealer(keys, self.place, self._keys.place)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        lock = self._path.with_name(f"{self._path.name}.lock")
        with file_lock(lock, _PATIENCE_S, f"The vault {self.place}"):
            yield

    def _snapshot(self) -> tuple[tuple[Key, ...], dict[str, Sealed]]:
        keys = self._keys.read()
        while True:
            rows = self._rows()
            before, keys = keys, self._keys.read()
            if keys == before:
                return keys, rows

    def _rows(self) -> dict[str, Sealed]:
        content = atomic_files.read(self._path, secret=False)
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
        if not isinstance(entries, dict) or not all(map(_is_row, entries.values())):
            raise self._damaged()
        return {name: Sealed(entry["key"], entry["sealed"]) for name, entry in entries.items()}

    def _write(self, rows: Mapping[str, Sealed]) -> None:
        entries = {name: {"key": row.key_id, "sealed": row.text} for name, row in sorted(rows.items())}
        document = {"format": _FORMAT, "credentials": entries}
        atomic_files.replace(self._path, json.dumps(document, indent=1).encode())

    def _damaged(self) -> VaultError:
        return VaultError(
            f"The vault {self.place} is damaged.",
            fix="Restore a copy of it, or move it away and add the credentials again. Nothing was changed.",
            reason="damaged",
        )


def _is_row(entry: Any) -> bool:
    return isinstance(entry, dict) and all(isinstance(entry.get(part), str) for part in ("key", "sealed"))
