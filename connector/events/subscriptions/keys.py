"""The keys that webhooks are signed with: each subscription's own, or that of an OAuth app."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from .store import SubscriptionRecord, SubscriptionStore

_MAX_AGE_S: Final = 30.0  # a key that was rotated away is accepted this long
_MAX_AGE_UNKNOWN_S: Final = 1.0  # a new subscription is unknown this long; posts with fake ids cost no more


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs webhooks: an OAuth app (its id is `client`) has one key for all, which Calendly generated.

    With a personal token (`client` is "") each subscription has its own key, which this connector generates.
    """

    client: str = ""
    app_key: str = field(default="", repr=False)

    def keys(self, record: SubscriptionRecord) -> list[str]:
        """Return the keys that may sign a subscription's webhooks; [] if they aren't stored here."""
        if record.client:
            return [self.app_key] if self.app_key and record.client == self.client else []
        return [record.signing_key] if record.signing_key else []


def signer_of(credential: Mapping[str, str]) -> Signer:
    """Return the signer of the subscriptions that are created with a credential."""
    if credential.get("kind") != "oauth":
        return Signer()
    return Signer(credential.get("client_id", ""), credential.get("signing_key", ""))


class SigningKeys:
    """The keys by subscription id, for a receiver. Call it with an id; threads may share it.

    The store is read again after a short time, so subscriptions that another process creates or deletes are
    noticed. `monotonic` returns seconds.
    """

    def __init__(
        self,
        store: SubscriptionStore,
        signer: Signer | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._signer = signer or Signer()
        self._monotonic = monotonic
        self._keys: Mapping[str, list[str]] = {}
        self._read_at: float | None = None
        self._lock = Lock()

    def __call__(self, subscription_id: str) -> list[str]:
        """Return a subscription's keys; [] for an unknown id. Raises VaultError."""
        with self._lock:
            now = self._monotonic()
            max_age_s = _MAX_AGE_S if subscription_id in self._keys else _MAX_AGE_UNKNOWN_S
            if self._read_at is None or now - self._read_at >= max_age_s:
                self._keys = {record.id: self._signer.keys(record) for record in self._store.all()}
                self._read_at = now
            return list(self._keys.get(subscription_id, ()))
