"""Where a stored credential is kept: in the vault, or in a host's own store."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from ..contract import CredentialStore
from ..errors import ConnectorError, InvalidCredential, VaultError


class HostStore(CredentialStore):
    """A host's store, whose own errors become VaultErrors without their texts, which may hold secrets."""

    def __init__(self, store: CredentialStore) -> None:
        self._store = store

    def get(self, name: str) -> dict[str, str]:
        with _translated_errors(name):
            credential = self._store.get(name)
        return require_strings(credential)

    def put(self, name: str, credential: Mapping[str, str]) -> None:
        with _translated_errors(name):
            self._store.put(name, credential)

    @contextmanager
    def lock(self, name: str, *, timeout_s: float = 60.0) -> Iterator[None]:
        lock = ExitStack()
        with _translated_errors(name):
            lock.enter_context(self._store.lock(name, timeout_s=timeout_s))
        try:
            yield
        finally:
            # An error within the block must not undo what it put: the lock may be a transaction.
            with _translated_errors(name):
                lock.close()


def require_strings(credential: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of a credential. Raises InvalidCredential unless it holds strings by name."""
    if not isinstance(credential, Mapping) or not all(isinstance(name, str) for name in credential):
        raise InvalidCredential("The credential must be an object of strings.")
    wrong = sorted(name for name, value in credential.items() if not isinstance(value, str))
    if wrong:
        raise InvalidCredential(f"Credential fields must be strings: {', '.join(wrong)}.")
    return dict(credential)


@contextmanager
def _translated_errors(name: str) -> Iterator[None]:
    try:
        yield
    except ConnectorError:
        raise
    except TimeoutError:
        raise VaultError(
            f"The credential {name!r} is still in use by another process.",
            fix="Try again. If it keeps failing, look for a process that hangs.",
            reason="busy",
            retryable=True,
        ) from None
    except Exception as error:  # noqa: BLE001 - of whatever library the host uses
        raise VaultError(
            f"The host's store failed for the credential {name!r}: {type(error).__name__}.",
            fix="Check the database or folder that the host keeps its credentials in, then try again.",
            reason="storage",
        ) from None
