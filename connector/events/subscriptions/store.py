"""Where subscriptions are kept with their signing keys, which Calendly never shows again."""

import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, cast

from ...errors import UnknownCredential
from ..scope_assignment import Scope
from .urls import base_of

if TYPE_CHECKING:
    from ...auth.vault import Vault

KIND: Final = "webhook_subscription"
NAME: Final = re.compile(r"webhook ([0-9a-f]{32})")
_LOCK: Final = "webhook subscriptions"
_PATIENCE_S: Final = 300.0  # whoever holds the lock may be waiting for a slow answer


@dataclass(frozen=True, slots=True)
class Kept:
    """A subscription as we know it.

    `url` is its callback address with its id, `created_at` ISO 8601 in UTC. `client` is the id of the
    OAuth app that it was made with, whose key it is signed with; a personal token has none, and the
    subscription a `signing_key` of its own. `uri` is "" until Calendly has confirmed it.
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
        """The callback address as the host gave it."""
        return base_of(self.url)


def newest_first(kept: Iterable[Kept]) -> list[Kept]:
    """Order subscriptions so that the one that stays comes first, where several tell the same."""
    return sorted(kept, key=lambda one: (one.created_at, one.id), reverse=True)


class Store(Protocol):
    """Subscriptions by id, on disk when a call returns. `delete` takes one that is not there.

    `lock` is held by one thread of one process at a time, and ends with its process.
    """

    def all(self) -> list[Kept]: ...
    def get(self, subscription_id: str) -> Kept | None: ...
    def put(self, kept: Kept) -> None: ...
    def delete(self, subscription_id: str) -> None: ...
    def lock(self) -> AbstractContextManager[None]: ...


class VaultStore:
    """Subscriptions in the vault, each under the name `webhook <id>`."""

    def __init__(self, vault: "Vault") -> None:
        self._vault = vault

    def all(self) -> list[Kept]:
        """Give all subscriptions."""
        ids = [match[1] for match in map(NAME.fullmatch, self._vault.names()) if match]
        return [kept for kept in map(self.get, ids) if kept]

    def get(self, subscription_id: str) -> Kept | None:
        """Give a subscription, if it is there."""
        try:
            entry = self._vault.get(_name(subscription_id))
        except UnknownCredential:
            return None
        return _read(entry) if entry.get("kind") == KIND else None

    def put(self, kept: Kept) -> None:
        """Add or replace a subscription."""
        self._vault.put(
            _name(kept.id),
            {
                "kind": KIND,
                "id": kept.id,
                "url": kept.url,
                "events": " ".join(kept.events),
                "scope": kept.scope,
                "owner": kept.owner,
                "organization": kept.organization,
                "created_at": kept.created_at,
                "client": kept.client,
                "signing_key": kept.signing_key,
                "uri": kept.uri,
            },
        )

    def delete(self, subscription_id: str) -> None:
        """Forget a subscription and its key."""
        if self.get(subscription_id) is not None:
            self._vault.delete(_name(subscription_id))

    def lock(self) -> AbstractContextManager[None]:
        """Hold the lock of all subscriptions of the vault."""
        return self._vault.lock(_LOCK, timeout_s=_PATIENCE_S)


def _name(subscription_id: str) -> str:
    return f"webhook {subscription_id}"


def _read(entry: Mapping[str, str]) -> Kept:
    texts = {name: entry.get(name, "") for name in Kept.__dataclass_fields__}
    return Kept(
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
