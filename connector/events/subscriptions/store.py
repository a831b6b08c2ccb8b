"""Stored subscriptions and their signing keys, which Calendly never shows again."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, cast

from ...auth.vault.names import SUBSCRIPTION_NAME
from ...errors import UnknownCredential
from ..scope_assignment import Scope
from .urls import base_of

if TYPE_CHECKING:
    from ...auth.vault import Vault

KIND: Final = "webhook_subscription"
_LOCK: Final = "webhook subscriptions"
_LOCK_TIMEOUT_S: Final = 300.0  # the process that holds the lock may be waiting for a slow reply


@dataclass(frozen=True, slots=True)
class SubscriptionRecord:
    """A subscription as it is stored here.

    `url` is its callback address with its id, `created_at` ISO 8601 in UTC. `uri` is "" until Calendly has
    confirmed it. With an OAuth app, `client` is the app's id, and the app's key signs its webhooks; with a
    personal token the subscription has its own `signing_key`.
    """

    id: str
    url: str
    events: tuple[str, ...]
    scope: Scope
    owner: str
    organization: str
    created_at: str
    client: str = ""
    signing_key: str = field(default="", repr=False)
    uri: str = ""

    @property
    def base(self) -> str:
        """The callback address as the host passed it, without the id."""
        return base_of(self.url)


def newest_first(records: Iterable[SubscriptionRecord]) -> list[SubscriptionRecord]:
    """Sort subscriptions so that the one to keep comes first if several carry the same events."""
    return sorted(records, key=lambda one: (one.created_at, one.id), reverse=True)


class SubscriptionStore(Protocol):
    """Subscriptions by id, on disk when a call returns. Implement it to keep them in a host's own store."""

    def all(self) -> list[SubscriptionRecord]:
        """Return all subscriptions."""

    def get(self, subscription_id: str) -> SubscriptionRecord | None:
        """Return a subscription, or None if it is missing."""

    def put(self, record: SubscriptionRecord) -> None:
        """Add or replace a subscription."""

    def delete(self, subscription_id: str) -> None:
        """Delete a subscription and its key, if it exists."""

    def lock(self) -> AbstractContextManager[None]:
        """Lock all subscriptions for one thread of one process; the lock ends with its process."""


class VaultStore(SubscriptionStore):
    """Subscriptions in the vault, each under the name `webhook <id>`."""

    def __init__(self, vault: "Vault") -> None:
        self._vault = vault

    def all(self) -> list[SubscriptionRecord]:
        ids = [match[1] for match in map(SUBSCRIPTION_NAME.fullmatch, self._vault.names()) if match]
        return [record for record in map(self.get, ids) if record]

    def get(self, subscription_id: str) -> SubscriptionRecord | None:
        try:
            entry = self._vault.get(_name(subscription_id))
        except UnknownCredential:
            return None
        return _record(entry) if entry.get("kind") == KIND else None

    def put(self, record: SubscriptionRecord) -> None:
        self._vault.put(
            _name(record.id),
            {
                "kind": KIND,
                "id": record.id,
                "url": record.url,
                "events": " ".join(record.events),
                "scope": record.scope,
                "owner": record.owner,
                "organization": record.organization,
                "created_at": record.created_at,
                "client": record.client,
                "signing_key": record.signing_key,
                "uri": record.uri,
            },
        )

    def delete(self, subscription_id: str) -> None:
        if self.get(subscription_id) is not None:
            self._vault.delete(_name(subscription_id))

    def lock(self) -> AbstractContextManager[None]:
        return self._vault.lock(_LOCK, timeout_s=_LOCK_TIMEOUT_S)


def _name(subscription_id: str) -> str:
    return f"webhook {subscription_id}"


def _record(entry: Mapping[str, str]) -> SubscriptionRecord:
    texts = {name: entry.get(name, "") for name in SubscriptionRecord.__dataclass_fields__}
    return SubscriptionRecord(
        id=texts["id"],
        url=texts["url"],
        events=tuple(texts["events"].split()),
        scope=cast("Scope", texts["scope"]),
        owner=texts["owner"],
        organization=texts["organization"],
        created_at=texts["created_at"],
        client=texts["client"],
        signing_key=texts["signing_key"],
        uri=texts["uri"],
    )
