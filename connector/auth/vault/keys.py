"""Where the vault's keys are: in CALENDLY_CONNECTOR_KEY, in the OS keyring, or in a file of the user.

Several keys are one text, separated by spaces or commas: the first encrypts, all of them decrypt.

See docs/decisions/keyring-holds-the-key.md.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from ...errors import UsageError, VaultError
from . import files
from .encryption import Key, new_key, read_key

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

KEY_VARIABLE: Final = "CALENDLY_CONNECTOR_KEY"
_CREATE_ONE: Final = "Create a key once with `openssl rand -base64 32`, and keep it with your other secrets."
_SERVICE: Final = "calendly-connector"
# Those of an operating system. All others keep their secrets in plain files, or nowhere.
_OS_KEYRINGS: Final = re.compile(r"keyring\.backends\.(SecretService|Windows|kwallet|libsecret|macOS)(\.|$)")


class Keys(Protocol):
    """The keys in one place; `place` names it for messages.

    `read` returns an empty tuple if there are no keys yet. `rotate` puts a new key before the others and
    returns all; `drop_old` keeps only the first. The caller holds the vault's lock around both.
    """

    @property
    def place(self) -> str: ...
    def read(self) -> tuple[Key, ...]: ...
    def rotate(self) -> tuple[Key, ...]: ...
    def drop_old(self) -> None: ...


class EnvironmentKeys:
    """The keys in CALENDLY_CONNECTOR_KEY, which only its owner can change."""

    place = KEY_VARIABLE

    def __init__(self, text: str) -> None:
        try:
            self._keys = _read_keys(text)
        except ValueError:
            raise UsageError(f"{KEY_VARIABLE} isn't a valid key.", fix=_CREATE_ONE) from None

    def read(self) -> tuple[Key, ...]:
        """Return the keys."""
        return self._keys

    def rotate(self) -> tuple[Key, ...]:
        """Return the keys. Raises UsageError unless a new one was put before the old."""
        if len(self._keys) == 1:
            raise UsageError(
                f"{KEY_VARIABLE} contains only one key; rotation needs two.",
                fix="Put a new one before it, separated by a space, then run this again. " + _CREATE_ONE,
            )
        return self._keys

    def drop_old(self) -> None:
        """Do nothing: the owner of the variable removes the old keys."""


class _StoredKeys(ABC):
    """Keys that the vault can change, in a place that holds a text."""

    place: str

    def read(self) -> tuple[Key, ...]:
        """Return the keys. Raises VaultError."""
        text = self._load()
        try:
            return () if text is None else _read_keys(text)
        except ValueError:
            raise VaultError(
                f"{self.place} doesn't contain a valid key.",
                fix=f"Restore it, or set the key as {KEY_VARIABLE}. Nothing was changed.",
                reason="no_key",
            ) from None

    def rotate(self) -> tuple[Key, ...]:
        """Store a new key before the others, and return all."""
        keys = (new_key(), *self.read())
        self._store(" ".join(key.text for key in keys))
        return keys

    def drop_old(self) -> None:
        """Store only the first key."""
        self._store(self.read()[0].text)

    @abstractmethod
    def _load(self) -> str | None: ...

    @abstractmethod
    def _store(self, text: str) -> None: ...


class KeyFile(_StoredKeys):
    """Keys in a file beside the vault that only its owner can read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.place: str = str(path)

    def _load(self) -> str | None:
        content = files.read(self._path, secret=True)
        return None if content is None else content.decode(errors="replace")

    def _store(self, text: str) -> None:
        files.replace(self._path, f"{text}\n".encode())


class KeyringItem(_StoredKeys):
    """Keys in the OS keyring: they fit into every keyring, which credentials don't."""

    def __init__(self, backend: "KeyringBackend", vault: Path) -> None:
        self._backend = backend
        self._vault = str(vault)
        self.place: str = f"the OS keyring ({backend.name}: {_SERVICE}, {vault})"

    def _load(self) -> str | None:
        with self._translated_errors():
            return self._backend.get_password(_SERVICE, self._vault)

    def _store(self, text: str) -> None:
        with self._translated_errors():
            self._backend.set_password(_SERVICE, self._vault, text)

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - backends let errors of D-Bus and the like through
            raise VaultError(
                f"The OS keyring ({self._backend.name}) failed: {type(error).__name__}.",
                fix=f"Unlock it and try again, or set the key as {KEY_VARIABLE}.",
                reason="no_key",
            ) from None


def find_keys(vault: Path, environment: Mapping[str, str]) -> Keys:
    """Return the keys of a vault in a file: from the variable, an existing key file, or the OS keyring.

    Without any of these, keys go into a new file.
    """
    if text := environment.get(KEY_VARIABLE):
        return EnvironmentKeys(text)
    file = vault.with_name(f"{vault.name}.key")
    backend = None if file.is_symlink() or file.exists() else _os_keyring()
    return KeyringItem(backend, vault.absolute()) if backend else KeyFile(file)


def environment_keys(environment: Mapping[str, str]) -> EnvironmentKeys:
    """Return the keys of a vault that several machines share: none of them creates its own."""
    if text := environment.get(KEY_VARIABLE):
        return EnvironmentKeys(text)
    raise UsageError(f"A vault in a database needs {KEY_VARIABLE}.", fix=_CREATE_ONE)


def _os_keyring() -> "KeyringBackend | None":
    """Return a keyring of the operating system, None if only others are available."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    active = keyring.get_keyring()
    backends = active.backends if isinstance(active, ChainerBackend) else [active]
    return next((backend for backend in backends if _OS_KEYRINGS.match(type(backend).__module__)), None)


def _read_keys(text: str) -> tuple[Key, ...]:
    keys = tuple(map(read_key, text.replace(",", " ").split()))
    if not keys:
        raise ValueError("no key")
    return keys
