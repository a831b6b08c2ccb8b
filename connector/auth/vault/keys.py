"""Where the vault's keys are: in CALENDLY_CONNECTOR_KEY, in the OS keyring, or in a file of the user's own.

Several keys are one text with spaces or commas between: the first seals, all of them open.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from ...errors import UsageError, VaultError
from . import atomic_files
from .encryption import Key, new_key, read_key

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

KEY_VARIABLE: Final = "CALENDLY_CONNECTOR_KEY"
_SERVICE = "calendly-connector"
# Those of an operating system. All others keep their secrets in plain files, or nowhere.
_OS_KEYRINGS = re.compile(r"keyring\.backends\.(SecretService|Windows|kwallet|libsecret|macOS)(\.|$)")


class Keys(Protocol):
    """A place of keys, `place` in messages.

    `read` gives none where there is none yet. `renew` puts a new one in front of the others and gives all;
    `retire` forgets all but the first. The vault's lock is held around both.
    """

    @property
    def place(self) -> str: ...
    def read(self) -> tuple[Key, ...]: ...
    def renew(self) -> tuple[Key, ...]: ...
    def retire(self) -> None: ...


class GivenKeys:
    """Keys that somebody else keeps and changes: those of CALENDLY_CONNECTOR_KEY."""

    place = KEY_VARIABLE

    def __init__(self, text: str) -> None:
        try:
            self._keys = _keys(text)
        except ValueError:
            raise UsageError(f"{KEY_VARIABLE} holds no key.", fix=_MAKE_ONE) from None

    def read(self) -> tuple[Key, ...]:
        """Give the keys."""
        return self._keys

    def renew(self) -> tuple[Key, ...]:
        """Give the keys, if there is a new one in front of the old."""
        if len(self._keys) == 1:
            raise UsageError(
                f"{KEY_VARIABLE} holds one key alone.",
                fix="Put a new one in front of it, with a space between, then do this again. " + _MAKE_ONE,
            )
        return self._keys

    def retire(self) -> None:
        """Leave them: whoever gave the old keys takes them away."""


class _StoredKeys(ABC):
    """Keys that are ours to change, in a place that holds a text."""

    place: str

    def read(self) -> tuple[Key, ...]:
        """Give the keys."""
        text = self._load()
        try:
            return () if text is None else _keys(text)
        except ValueError:
            raise VaultError(
                f"{self.place} holds something that is no key.",
                fix=f"Restore it, or set the key as {KEY_VARIABLE}. Nothing was changed.",
                reason="no_key",
            ) from None

    def renew(self) -> tuple[Key, ...]:
        """Store a new key in front of those that are there."""
        keys = (new_key(), *self.read())
        self._store(" ".join(key.text for key in keys))
        return keys

    def retire(self) -> None:
        """Store the first key alone."""
        self._store(self.read()[0].text)

    @abstractmethod
    def _load(self) -> str | None: ...

    @abstractmethod
    def _store(self, text: str) -> None: ...


class KeyFile(_StoredKeys):
    """Keys in a file beside the vault, which none but its owner may read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.place = str(path)

    def _load(self) -> str | None:
        content = atomic_files.read(self._path, secret=True)
        return None if content is None else content.decode(errors="replace")

    def _store(self, text: str) -> None:
        atomic_files.replace(self._path, f"{text}\n".encode())


class KeyringItem(_StoredKeys):
    """Keys in the OS keyring: small enough for every keyring, which a credential is not."""

    def __init__(self, backend: "KeyringBackend", vault: Path) -> None:
        self._backend = backend
        self._vault = str(vault)
        self.place = f"the OS keyring ({backend.name}: {_SERVICE}, {vault})"

    def _load(self) -> str | None:
        with self._asked():
            return self._backend.get_password(_SERVICE, self._vault)

    def _store(self, text: str) -> None:
        with self._asked():
            self._backend.set_password(_SERVICE, self._vault, text)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the backends let errors of D-Bus and the like through
            raise VaultError(
                f"The OS keyring ({self._backend.name}) did not answer: {type(error).__name__}.",
                fix=f"Unlock it and try again, or give the key as {KEY_VARIABLE}.",
                reason="no_key",
            ) from None


def find(vault: Path, environment: Mapping[str, str]) -> Keys:
    """Give the keys of a vault in a file: what is given, what is there, or the best place for new ones."""
    if text := environment.get(KEY_VARIABLE):
        return GivenKeys(text)
    file = vault.with_name(f"{vault.name}.key")
    backend = None if file.is_symlink() or file.exists() else _os_keyring()
    return KeyringItem(backend, vault.absolute()) if backend else KeyFile(file)


def given(environment: Mapping[str, str]) -> GivenKeys:
    """Give the keys of a vault that several machines share: no machine makes one of its own."""
    if text := environment.get(KEY_VARIABLE):
        return GivenKeys(text)
    raise UsageError(f"A vault in a database needs {KEY_VARIABLE}.", fix=_MAKE_ONE)


def _os_keyring() -> "KeyringBackend | None":
    """Give a keyring of the operating system; None where only plain files or nothing would be used."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    chosen = keyring.get_keyring()
    backends = chosen.backends if isinstance(chosen, ChainerBackend) else [chosen]
    return next((one for one in backends if _OS_KEYRINGS.match(type(one).__module__)), None)


def _keys(text: str) -> tuple[Key, ...]:
    keys = tuple(map(read_key, text.replace(",", " ").split()))
    if not keys:
        raise ValueError("no key")
    return keys


_MAKE_ONE = "Make a key once, with `openssl rand -base64 32`, and keep it where your other secrets are."
