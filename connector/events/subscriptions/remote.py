"""The subscriptions at Calendly, read and changed through a connection."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from ...auth.identity import ADMIN_ROLES, Identity
from ...catalog.required_fields import taken_from, text_in, texts_in, uri_in
from ...contract import Connection, Record
from ...errors import CalendlyError, NotFound, PermissionDenied, UnexpectedAnswer
from ..scope_assignment import Scope
from ..webhooks.event import last_part
from .store import SubscriptionRecord
from .urls import id_in

_LIST: Final = "webhook_subscriptions.list"
_GROUPS: Final = "groups.list"

ScopeKey = tuple[Scope, str]
"""A scope and the last part of its owner's URI: what one list is about."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The subscriptions of all lists that could be read, and why the other lists couldn't."""

    records: list[Record] = field(default_factory=list)
    read: set[ScopeKey] = field(default_factory=set)
    unread: dict[ScopeKey, str] = field(default_factory=dict)


class RemoteSubscriptions:
    """The subscriptions that one connection can list, create and delete."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read_list(self, scope: Scope, owner: str, organization: str) -> list[Record]:
        """Return one whole list. Every record has a uri, callback address, state, scope and events."""
        return [_checked(one) for one in self._read(_LIST, _params(scope, owner, organization))]

    def find(self, record: SubscriptionRecord) -> Record | None:
        """Find a subscription by the id in its callback address."""
        listed = self.read_list(record.scope, record.owner, record.organization)
        return next((one for one in listed if id_in(one["callback_url"]) == record.id), None)

    def create(self, record: SubscriptionRecord) -> str:
        """Create a subscription. Return its URI."""
        params = {
            "url": record.url,
            "events": list(record.events),
            **_params(record.scope, record.owner, record.organization),
        }
        if record.client:
            # Calendly signs with the app's own key; the action would add the credential's as a default.
            document = self._connection.request("POST", "/webhook_subscriptions", params)
            return _uri_of(document.get("resource") if isinstance(document, dict) else None)
        params["signing_key"] = record.signing_key
        return _uri_of(self._connection.run("webhook_subscriptions.create", params).record)

    def delete(self, uri: str) -> None:
        """Delete a subscription, if it still exists."""
        with suppress(NotFound), taken_from(f"the reply to {_LIST}"):
            self._connection.run("webhook_subscriptions.delete", {"uuid": last_part(uri)})

    def list_all(self, identity: Identity, stored: Iterable[SubscriptionRecord]) -> Listing:
        """Read every list that the token may read and that may contain a subscription of ours."""
        listing = Listing()
        for scope, owner in self._scopes(identity, stored, listing):
            key: ScopeKey = (scope, last_part(owner))
            if key in listing.read or key in listing.unread:
                continue
            try:
                with taken_from(f"the reply to {_GROUPS if scope == 'group' else 'users.me'}"):
                    listing.records.extend(self.read_list(scope, owner, identity.organization))
            except (CalendlyError, UnexpectedAnswer) as error:
                listing.unread[key] = error.message
            else:
                listing.read.add(key)
        return listing

    def _scopes(
        self, identity: Identity, stored: Iterable[SubscriptionRecord], listing: Listing
    ) -> Iterator[tuple[Scope, str]]:
        yield "user", identity.user
        organization = last_part(identity.organization)
        if identity.role in ADMIN_ROLES:
            yield "organization", identity.organization
        else:
            role = f"the token's user is {identity.role}" if identity.role else "the user's role is unknown"
            listing.unread["organization", organization] = f"only admins and owners may list it; {role}."
        try:
            for group in self._read(_GROUPS, {"organization": identity.organization}):
                yield "group", uri_in(group, "uri", _GROUPS)
        except PermissionDenied as error:
            listing.unread["group", ""] = error.message
        for one in stored:
            if one.scope != "organization" and last_part(one.organization) == organization:
                yield one.scope, one.owner

    def _read(self, action: str, params: Mapping[str, Any]) -> list[Record]:
        stream = self._connection.iterate(action, params)
        records = list(stream)
        if not stream.complete:
            raise UnexpectedAnswer(f"The list of {action} broke off before its end.", fix="Try again.")
        return records


def _checked(record: Record) -> Record:
    uri_in(record, "uri", _LIST)
    for name in ("callback_url", "state", "scope"):
        text_in(record, name, _LIST)
    texts_in(record, "events", _LIST)
    return record


def _params(scope: Scope, owner: str, organization: str) -> dict[str, Any]:
    params = {"scope": scope, "organization": organization}
    return params if scope == "organization" else {**params, scope: owner}


def _uri_of(record: Any) -> str:
    uri = record.get("uri") if isinstance(record, dict) else None
    if not isinstance(uri, str):
        raise UnexpectedAnswer("Calendly's reply has no URI.", fix="Try again.")
    return uri
