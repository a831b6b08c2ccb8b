"""The life cycle of subscriptions: created once, replaced without a gap, deleted with their keys, repaired.

The key is on disk before Calendly is asked. Whatever fails on the way leaves a subscription that is found by
the random id in its address: a pending one, a duplicate, or a key that is no longer needed.

See docs/decisions/a-key-for-each-subscription.md.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Literal

from ...auth.identity import Identity, group_uri, read_identity
from ...catalog import event_scopes
from ...catalog.event_scopes import Lacks
from ...catalog.manifest import manifest
from ...contract import Connection, Record, Subscription, SubscriptionState
from ...errors import (
    CalendlyDown,
    ConnectorError,
    InvalidCredential,
    NoAnswer,
    Rejected,
    UnexpectedAnswer,
    UsageError,
)
from ..scope_assignment import ScopeAssignment, assign_scopes, source_events
from ..webhooks.event import last_part
from . import urls
from .audit import Finding, audit
from .keys import Signer
from .remote import RemoteSubscriptions
from .states import carried, state_of
from .store import SubscriptionRecord, SubscriptionStore, newest_first
from .urls import id_in

_KEY_BYTES: Final = 32
_TIMESTAMP: Final = "%Y-%m-%dT%H:%M:%S.%fZ"  # of fixed width, so the texts sort by time


@dataclass(frozen=True, slots=True)
class Repair:
    """What happened to a finding: `left` without consent, or `changed` since it was found."""

    finding: Finding
    outcome: Literal["done", "left", "changed", "failed"]
    message: str = ""


class Subscriptions:
    """The subscriptions of one store, created and deleted through one connection.

    `clock` returns unix seconds, `token` a text of so many random bytes; `is_missing` says whether the
    credential lacks a scope.
    """

    def __init__(
        self,
        connection: Connection,
        store: SubscriptionStore,
        signer: Signer | None = None,
        *,
        clock: Callable[[], float] = time.time,
        token: Callable[[int], str] = secrets.token_hex,
        is_missing: Lacks = event_scopes.unknown_scope,
    ) -> None:
        self._connection = connection
        self._remote = RemoteSubscriptions(connection)
        self._store = store
        self._signer = signer or Signer()
        self._clock = clock
        self._token = token
        self._is_missing = is_missing

    def subscribe(
        self, events: Iterable[str], callback: str, *, scope: str = "", group: str = ""
    ) -> list[Subscription]:
        """Have events posted to an address: all of them, or none and an error.

        `scope` is organization, user or group, by default the widest that the role permits; `group` is a URI,
        id or name. Events that can't share a subscription are split. An equal active subscription whose key
        is stored is reused. An invalid address, a missing key and a scope that is known to be missing cost no
        request.
        """
        base = urls.checked(callback)
        specs = manifest().triggers
        sources = source_events([events] if isinstance(events, str) else events, specs)
        self._require_app_key()
        event_scopes.check(sources, self._is_missing)
        identity = read_identity(self._connection.run)
        group = group_uri(self._connection, group)
        assignments = assign_scopes(sources, specs, identity, scope=scope, group=group)
        subscriptions: list[Subscription] = []
        with self._store.lock():
            try:
                for assignment in assignments:
                    subscriptions.append(self._ensure(base, assignment, identity))  # noqa: PERF401 - undone below
            except ConnectorError:
                self._undo(subscriptions)
                raise
        return subscriptions

    def unsubscribe(self, subscription_id: str) -> bool:
        """Delete a subscription and its key. Return False for an unknown id; it is safe to repeat."""
        with self._store.lock():
            record = self._store.get(subscription_id)
            if record is not None:
                self._delete(record)
        return record is not None

    def rotate(self, subscription_id: str) -> Subscription:
        """Replace a subscription by one with a new id and key. At every moment one of the two exists."""
        with self._store.lock():
            record = self._store.get(subscription_id)
            if record is None:
                raise UsageError(
                    f"No subscription {subscription_id!r} is stored here.",
                    fix="`calendly-connector webhooks list` shows the subscriptions.",
                )
            if record.client:
                raise UsageError(
                    "An OAuth app has one key for all its subscriptions.",
                    fix="Change it on the app's page in Calendly, then in the credential (signing_key).",
                )
            return _subscription(self._replace(record), "with a new key")

    def audit(self) -> list[Finding]:
        """Return the state of every subscription that is ours or that the token may list."""
        identity = read_identity(self._connection.run)
        before = {record.id: record for record in self._store.all()}
        listing = self._remote.list_all(identity, before.values())
        after = self._store.all()
        # A list that is older or newer says nothing about what another process creates or deletes meanwhile.
        gone = before.keys() - {record.id for record in after}
        listed = [record for record in listing.records if id_in(record["callback_url"]) not in gone]
        listed_ids = {id_in(record["callback_url"]) for record in listed}
        stored = [one for one in after if one.id in listed_ids or before.get(one.id) == one]
        return audit(stored, replace(listing, records=listed), identity.organization)

    def prune(self, found: Iterable[Finding], confirm: Callable[[Finding], bool]) -> list[Repair]:
        """Repair each finding that `confirm` agrees to, if it is still in the state that was found."""
        repairable = [finding for finding in found if finding.repair]
        agreed = {finding.url for finding in repairable if confirm(finding)}
        if not agreed:
            return [Repair(finding, "left") for finding in repairable]
        with self._store.lock():
            current = {finding.url: finding for finding in self.audit()}
            return [
                self._repaired(finding, current.get(finding.url))
                if finding.url in agreed
                else Repair(finding, "left")
                for finding in repairable
            ]

    def repair(self, found: SubscriptionState) -> bool:
        """Repair one subscription, if it is still in the state that was found.

        Unlike `prune`, it creates a subscription again that the application no longer has.
        """
        with self._store.lock():
            findings = self.audit()
            finding = next((one for one in findings if one.url == found.url and one.id == found.id), None)
            current = state_of(finding) if finding else None
            if finding is None or current is None or not current.repair:
                return False
            if (current.state, current.uri) != (found.state, found.uri):
                return False
            record = self._store.get(finding.id)
            if finding.kind == "forgotten" and record and not carried(finding, findings):
                self._replace(record)
            else:
                self._repair(finding)
        return True

    def _ensure(self, base: str, assignment: ScopeAssignment, identity: Identity) -> Subscription:
        """Return a subscription for an assignment: an existing one, a pending one, or a new one."""
        equal = [one for one in newest_first(self._store.all()) if self._is_equal(one, base, assignment)]
        listed = (
            self._remote.read_list(assignment.scope, assignment.owner, identity.organization) if equal else []
        )
        by_id = {id_in(record["callback_url"]): record for record in listed}
        for one in equal:
            remote = by_id.get(one.id)
            if remote and remote["state"] == "active":
                existing = self._confirmed(one, str(remote["uri"]))
                return _subscription(existing, assignment.reason, created=False)
        started = next((one for one in equal if not one.uri and one.id not in by_id), None)
        created = self._create(started or self._new(base, assignment, identity.organization))
        for one in equal:
            if one.id != created.id:  # disabled, or deleted at Calendly
                self._delete(one)
        return _subscription(created, assignment.reason)

    def _is_equal(self, record: SubscriptionRecord, base: str, assignment: ScopeAssignment) -> bool:
        return (
            (record.base, record.scope, last_part(record.owner))
            == (base, assignment.scope, last_part(assignment.owner))
            and set(record.events) == set(assignment.events)
            and record.client == self._signer.client
            and bool(self._signer.keys(record))
        )

    def _new(self, base: str, assignment: ScopeAssignment, organization: str) -> SubscriptionRecord:
        subscription_id = self._token(urls.ID_BYTES)
        return SubscriptionRecord(
            id=subscription_id,
            url=urls.with_id(base, subscription_id),
            events=assignment.events,
            scope=assignment.scope,
            owner=assignment.owner,
            organization=organization,
            created_at=datetime.fromtimestamp(self._clock(), UTC).strftime(_TIMESTAMP),
            client=self._signer.client,
            signing_key="" if self._signer.client else self._token(_KEY_BYTES),
        )

    def _create(self, record: SubscriptionRecord) -> SubscriptionRecord:
        """Store it, then create it, in two attempts. What Calendly certainly rejected is deleted again."""
        self._store.put(record)
        try:
            return self._confirmed(record, self._remote.create(record))
        except ConnectorError as error:
            if found := self._find_after(error, record):
                return self._confirmed(record, str(found["uri"]))
        try:
            return self._confirmed(record, self._remote.create(record))
        except ConnectorError as error:
            if found := self._find_after(error, record):
                return self._confirmed(record, str(found["uri"]))
            raise  # it stays pending: it may still be created

    def _find_after(self, error: ConnectorError, record: SubscriptionRecord) -> Record | None:
        """Look up what a failed creation may have created; raise the error if it created nothing."""
        if _may_have_created(error):
            return self._remote.find(record)
        self._store.delete(record.id)
        raise error

    def _confirmed(self, record: SubscriptionRecord, uri: str) -> SubscriptionRecord:
        if record.uri != uri:
            record = replace(record, uri=uri)
            self._store.put(record)
        return record

    def _replace(self, record: SubscriptionRecord) -> SubscriptionRecord:
        self._require_app_key()
        assignment = ScopeAssignment(record.scope, record.owner, record.events, "")
        created = self._create(self._new(record.base, assignment, record.organization))
        self._delete(record)
        return created

    def _delete(self, record: SubscriptionRecord) -> None:
        uri = record.uri
        if not uri:
            found = self._remote.find(record)
            uri = str(found["uri"]) if found else ""
        if uri:
            self._remote.delete(uri)
        self._store.delete(record.id)

    def _undo(self, subscriptions: Iterable[Subscription]) -> None:
        """Delete what was created before a failure; if that fails, too, `prune` finds it in the store."""
        for one in subscriptions:
            record = self._store.get(one.id) if one.created else None
            if record:
                with suppress(ConnectorError):
                    self._delete(record)

    def _repaired(self, finding: Finding, current: Finding | None) -> Repair:
        if current is None or current.kind != finding.kind or (finding.uri and current.uri != finding.uri):
            return Repair(finding, "changed", "It is no longer in the state that was found.")
        try:
            self._repair(current)
        except ConnectorError as error:
            return Repair(finding, "failed", str(error))
        return Repair(finding, "done")

    def _repair(self, finding: Finding) -> None:
        record = self._store.get(finding.id)
        if record is None:
            self._remote.delete(finding.uri)
        elif finding.kind == "disabled":
            self._replace(record)
        elif finding.kind == "pending":
            if finding.uri:
                self._confirmed(record, finding.uri)
            else:
                self._create(record)
        else:
            self._delete(record)

    def _require_app_key(self) -> None:
        if self._signer.client and not self._signer.app_key:
            raise InvalidCredential(
                "The OAuth credential has no signing_key, so the app's webhooks can't be verified.",
                fix="Copy the webhook signing key from the app's page in Calendly into the credential.",
            )


def _may_have_created(error: ConnectorError) -> bool:
    if isinstance(error, NoAnswer | CalendlyDown):
        return error.may_have_happened
    if isinstance(error, Rejected):
        return error.status == HTTPStatus.CONFLICT
    return isinstance(error, UnexpectedAnswer)


def _subscription(record: SubscriptionRecord, reason: str, *, created: bool = True) -> Subscription:
    return Subscription(
        id=record.id,
        uri=record.uri,
        url=record.url,
        events=record.events,
        scope=record.scope,
        owner=record.owner,
        reason=reason,
        created=created,
    )
