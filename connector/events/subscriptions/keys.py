"""With which keys webhooks are signed: each subscription's own, or that of an OAuth app."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from .store import Kept, Store

_FRESH_S: Final = 30.0  # a key that was rotated away is taken so long
_FRESH_FOR_STRANGERS_S: Final = (
    1.0  # a new subscription is unknown so long; posts with made-up ids cost no more
)


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs. An OAuth app (its id is `client`) has one key for all, which Calendly made.

    With a personal token (`client` is "") each subscription has a key of its own, which we make.
    """

    client: str = ""
    app_key: str = field(default="", repr=False)

    def keys(self, kept: Kept) -> list[str]:
        """Give the keys that a subscription's webhooks may be signed with; none where they are not held."""
        if kept.client:
            return [self.app_key] if self.app_key and kept.client == self.client else []
        return [kept.signing_key] if kept.signing_key else []


def signer_of(credential: Mapping[str, str]) -> Signer:
    """Say who signs the subscriptions that are made with a credential."""
    if credential.get("kind") != "oauth":
        return Signer()
    return Signer(credential.get("client_id", ""), credential.get("signing_key", ""))


class SigningKeys:
    """The keys by subscription id, for a receiver. Call it; threads may share it.

    The store is read again after a short time, so that what another process subscribes to is known, and
    what it ends is not. `monotonic` gives seconds.
    """

    def __init__(
        self, store: Store, signer: Signer | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._signer = signer or Signer()
        self._monotonic = monotonic
        self._read: Mapping[str, list[str]] = {}
        self._read_at: float | None = None
        self._lock = Lock()

    def __call__(self, subscription_id: str) -> list[str]:
        """Give a subscription's keys; none for one that is not ours. Raises VaultError."""
        with self._lock:
            now = self._monotonic()
            fresh_s = _FRESH_S if subscription_id in self._read else _FRESH_FOR_STRANGERS_S
            if self._read_at is None or now - self._read_at >= fresh_s:
                self._read = {kept.id: self._signer.keys(kept) for kept in self._store.all()}
                self._read_at = now
            return list(self._read.get(subscription_id, ()))
