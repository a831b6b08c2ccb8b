"""A host's store of credentials, in memory."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from ..contract import CredentialStore
from ..errors import UnknownCredential


class KeptCredentials(CredentialStore):
    """A store that notices changes that the lock doesn't protect."""

    def __init__(self, credentials: Mapping[str, Mapping[str, str]]) -> None:
        self._credentials = {name: dict(credential) for name, credential in credentials.items()}
        self._locked: set[str] = set()
        self.put_without_lock: list[str] = []

    def get(self, name: str) -> dict[str, str]:
        if name not in self._credentials:
            raise UnknownCredential(f"No credential named {name!r}.")
        return dict(self._credentials[name])

    def put(self, name: str, credential: Mapping[str, str]) -> None:
        if name not in self._locked:
            self.put_without_lock.append(name)
        self._credentials[name] = dict(credential)

    def lock(self, name: str, *, timeout_s: float = 60.0) -> AbstractContextManager[None]:
        del timeout_s  # one thread uses it
        return self._held(name)

    @contextmanager
    def _held(self, name: str) -> Iterator[None]:
        self._locked.add(name)
        yield
        self._locked.discard(name)
