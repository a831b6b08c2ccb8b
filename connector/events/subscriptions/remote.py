"""What Calendly has of subscriptions, read and changed through a connection."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from ...auth.identity import ADMIN_ROLES, Identity
from ...catalog.required_fields import taken_from, text_in, texts_in, uri_in
from ...contract import Connection, Record
from ...errors import CalendlyError, NotFound, PermissionDenied, UnexpectedAnswer
from ..filters import last_part
from ..scope_assignment import Scope
from .store import Kept
from .urls import id_in

_LIST: Final = "webhook_subscriptions.list"
_GROUPS: Final = "groups.list"

Place = tuple[Scope, str]
"""A scope and the last part of its owner's URI: what one list is about."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The subscriptions of all lists that could be read, and why the others could not."""

    records: list[Record] = field(default_factory=list)
    read: set[Place] = field(default_factory=set)
    unread: dict[Place, str] = field(default_factory=dict)


class Account:
    """One account at Calendly."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def listed(self, scope: Scope, owner: str, organization: str) -> list[Record]:
        """Read one list, whole. Every record has the fields that we judge by."""
        return list(map(_checked, self._whole(_LIST, _about(scope, owner, organization))))

    def find(self, kept: Kept) -> Record | None:
        """Find a subscription by the id in its callback address."""
        records = self.listed(kept.scope, kept.owner, kept.organization)
        return next((record for record in records if id_in(record["callback_url"]) == kept.id), None)

    def create(self, kept: Kept) -> str:
        """Make a subscription; give its URI."""
        wanted = {
            "url": kept.url,
            "events": list(kept.events),
            **_about(kept.scope, kept.owner, kept.organization),
        }
        if kept.client:
            # Calendly signs with the app's own key; the action would add the credential's as a default.
            document = self._connection.request("POST", "/webhook_subscriptions", wanted)
            return _uri_of(document.get("resource") if isinstance(document, dict) else None)
        given = {**wanted, "signing_key": kept.signing_key}
        return _uri_of(self._connection.run("webhook_subscriptions.create", given).record)

    def delete(self, uri: str) -> None:
        """End a subscription; one that is gone already is fine."""
        with suppress(NotFound), taken_from(f"the reply to {_LIST}"):
            self._connection.run("webhook_subscriptions.delete", {"uuid": last_part(uri)})

    def survey(self, reach: Identity, kept: Iterable[Kept]) -> Listing:
        """Read all lists that the token may read and that may hold what concerns us."""
        listing = Listing()
        for scope, owner in self._places(reach, kept, listing):
            place: Place = (scope, last_part(owner))
            if place in listing.read or place in listing.unread:
                continue
            try:
                with taken_from(f"the reply to {_GROUPS if scope == 'group' else 'users.me'}"):
                    listing.records.extend(self.listed(scope, owner, reach.organization))
            except (CalendlyError, UnexpectedAnswer) as error:
                listing.unread[place] = error.message
            else:
                listing.read.add(place)
        return listing

    def _places(self, reach: Identity, kept: Iterable[Kept], listing: Listing) -> Iterator[tuple[Scope, str]]:
        yield "user", reach.user
        if reach.role in ADMIN_ROLES:
            yield "organization", reach.organization
        else:
            why = f"it is told to admins and owners alone, the role is {reach.role or 'not known'}"
            listing.unread["organization", last_part(reach.organization)] = why
        groups = {"organization": reach.organization}
        try:
            for group in self._whole(_GROUPS, groups):
                yield "group", uri_in(group, "uri", _GROUPS)
        except PermissionDenied as error:
            listing.unread["group", ""] = error.message
        here = last_part(reach.organization)
        for one in kept:
            if one.scope != "organization" and last_part(one.organization) == here:
                yield one.scope, one.owner

    def _whole(self, action: str, params: Mapping[str, Any]) -> list[Record]:
        stream = self._connection.iterate(action, params)
        records = list(stream)
        if not stream.complete:
            raise UnexpectedAnswer(f"{action} broke off before its end.", fix="Try again.")
        return records


def _checked(record: Record) -> Record:
    uri_in(record, "uri", _LIST)
    for name in ("callback_url", "state", "scope"):
        text_in(record, name, _LIST)
    texts_in(record, "events", _LIST)
    return record


def _about(scope: Scope, owner: str, organization: str) -> dict[str, Any]:
    about = {"scope": scope, "organization": organization}
    return about if scope == "organization" else {**about, scope: owner}


def _uri_of(record: Any) -> str:
    uri = record.get("uri") if isinstance(record, dict) else None
    if not isinstance(uri, str):
        raise UnexpectedAnswer("Calendly's answer has no URI.", fix="Try again.")
    return uri
