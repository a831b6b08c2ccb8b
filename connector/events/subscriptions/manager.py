"""The life of subscriptions: made once, replaced without a gap, ended with their keys, repaired.

The key is on disk before Calendly is asked. Whatever dies on the way leaves a subscription that is found by
the random id in its address: a pending one, a duplicate, or a key that is no longer needed.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Literal

from ...auth.identity import Reach, group_uri, read_reach
from ...catalog import event_scopes
from ...catalog.event_scopes import Lacks
from ...catalog.manifest import manifest
from ...contract import Connection, Record, Subscription
from ...errors import (
    CalendlyDown,
    ConnectorError,
    InvalidCredential,
    NoAnswer,
    Rejected,
    UnexpectedAnswer,
    UsageError,
)
from ..filters import last_part
from ..scope_assignment import Share, share_out, told_by
from . import audit, urls
from .audit import Finding
from .keys import Signer
from .remote import Account
from .store import Kept, Store, newest_first
from .urls import id_in

_KEY_BYTES: Final = 32
_MOMENT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"  # of one width, so that texts are in the order of time


@dataclass(frozen=True, slots=True)
class Repair:
    """What became of a finding: left is what had no consent, changed what is no longer as it was found."""

    finding: Finding
    outcome: Literal["done", "left", "changed", "failed"]
    message: str = ""


class Subscriptions:
    """The subscriptions of one store, made and ended through one connection.

    `clock` gives unix seconds, `token` so many random bytes as a text; `lacks` tells which scopes the
    credential is known to lack.
    """

    def __init__(
        self,
        connection: Connection,
        store: Store,
        signer: Signer | None = None,
        *,
        clock: Callable[[], float] = time.time,
        token: Callable[[int], str] = secrets.token_hex,
        lacks: Lacks = event_scopes.unknown_scope,
    ) -> None:
        self._connection = connection
        self._account = Account(connection)
        self._store = store
        self._signer = signer or Signer()
        self._clock = clock
        self._token = token
        self._lacks = lacks

    def subscribe(
        self, events: Iterable[str], callback: str, *, scope: str = "", group: str = ""
    ) -> list[Subscription]:
        """Have events told to an address; all of it, or nothing and an error.

        `scope` is organization, user or group, the widest that the role allows where it is left out; `group`
        a URI, id or name. Events that no one subscription can carry are split. An equal one that is active
        and whose key is held is taken as it is. What is wrong with the address or the key costs no request,
        and neither does a scope of one of the events that is known to be missing.
        """
        base = urls.checked(callback)
        triggers = manifest().triggers
        wanted = told_by([events] if isinstance(events, str) else events, triggers)
        self._must_hold_key()
        event_scopes.check(wanted, self._lacks)
        reach = read_reach(self._connection)
        about = group_uri(self._connection, group)
        shares = share_out(wanted, triggers, reach, scope=scope, group=about)
        told: list[Subscription] = []
        with self._store.lock():
            try:
                for share in shares:
                    told.append(self._ensure(base, share, reach))  # noqa: PERF401 - what was made is undone
            except ConnectorError:
                self._undo(told)
                raise
        return told

    def unsubscribe(self, subscription_id: str) -> bool:
        """End a subscription and forget its key; False where none of ours has this id: it may be repeated."""
        with self._store.lock():
            kept = self._store.get(subscription_id)
            if kept is not None:
                self._end(kept)
        return kept is not None

    def rotate(self, subscription_id: str) -> Subscription:
        """Replace a subscription by one with a new id and key; at every moment one of the two is there."""
        with self._store.lock():
            kept = self._store.get(subscription_id)
            if kept is None:
                raise UsageError(
                    f"There is no subscription {subscription_id!r} of ours.",
                    fix="`calendly-connector webhooks list` shows those that are there.",
                )
            if kept.client:
                raise UsageError(
                    "An OAuth app has one key for all its subscriptions.",
                    fix="Change it on the app's page in Calendly, then in the credential (signing_key).",
                )
            return _told(self._replace(kept), "with a new key")

    def survey(self) -> list[Finding]:
        """Say how every subscription stands that is ours, or that the token may list."""
        reach = read_reach(self._connection)
        before = {kept.id: kept for kept in self._store.all()}
        listing = self._account.survey(reach, before.values())
        after = self._store.all()
        # What another process makes or ends meanwhile is not judged by a list that is older or newer.
        gone = before.keys() - {kept.id for kept in after}
        records = [record for record in listing.records if id_in(record["callback_url"]) not in gone]
        listed = {id_in(record["callback_url"]) for record in records}
        kept = [one for one in after if one.id in listed or before.get(one.id) == one]
        return audit.judge(kept, replace(listing, records=records), reach.organization)

    def prune(self, found: Iterable[Finding], confirm: Callable[[Finding], bool]) -> list[Repair]:
        """Repair what can be repaired, each finding with its consent, if it is still as it was found."""
        wanted = [finding for finding in found if finding.repair]
        agreed = {finding.url for finding in wanted if confirm(finding)}
        if not agreed:
            return [Repair(finding, "left") for finding in wanted]
        with self._store.lock():
            now = {finding.url: finding for finding in self.survey()}
            return [
                self._repaired(finding, now.get(finding.url))
                if finding.url in agreed
                else Repair(finding, "left")
                for finding in wanted
            ]

    def _ensure(self, base: str, share: Share, reach: Reach) -> Subscription:
        """Give a share's subscription: one that is there, one that was begun, or a new one."""
        equal = [kept for kept in newest_first(self._store.all()) if self._is_equal(kept, base, share)]
        there = self._found(share, reach, equal)
        for kept in equal:
            record = there.get(kept.id)
            if record and record["state"] == "active":
                return _told(self._confirmed(kept, str(record["uri"])), share.reason, made=False)
        begun = next((kept for kept in equal if not kept.uri and kept.id not in there), None)
        made = self._create(begun or self._new(base, share, reach.organization))
        for kept in equal:
            if kept.id != made.id:  # disabled, or gone from Calendly
                self._end(kept)
        return _told(made, share.reason)

    def _found(self, share: Share, reach: Reach, equal: list[Kept]) -> dict[str, Record]:
        if not equal:
            return {}
        records = self._account.listed(share.scope, share.owner, reach.organization)
        return {id_in(record["callback_url"]): record for record in records}

    def _is_equal(self, kept: Kept, base: str, share: Share) -> bool:
        return (
            (kept.base, kept.scope, last_part(kept.owner)) == (base, share.scope, last_part(share.owner))
            and set(kept.events) == set(share.events)
            and kept.client == self._signer.client
            and bool(self._signer.keys(kept))
        )

    def _new(self, base: str, share: Share, organization: str) -> Kept:
        subscription_id = self._token(urls.ID_BYTES)
        return Kept(
            id=subscription_id,
            url=urls.with_id(base, subscription_id),
            events=share.events,
            scope=share.scope,
            owner=share.owner,
            organization=organization,
            created_at=datetime.fromtimestamp(self._clock(), UTC).strftime(_MOMENT),
            client=self._signer.client,
            signing_key="" if self._signer.client else self._token(_KEY_BYTES),
        )

    def _create(self, kept: Kept) -> Kept:
        """Keep it, then make it, twice at most. What was refused for sure is forgotten again."""
        self._store.put(kept)
        try:
            return self._confirmed(kept, self._account.create(kept))
        except ConnectorError as error:
            if record := self._after(error, kept):
                return self._confirmed(kept, str(record["uri"]))
        try:
            return self._confirmed(kept, self._account.create(kept))
        except ConnectorError as error:
            if record := self._after(error, kept):
                return self._confirmed(kept, str(record["uri"]))
            raise  # it stays pending: it may come to be all the same

    def _after(self, error: ConnectorError, kept: Kept) -> Record | None:
        """Look for what a failed creation may have made; raise the error where it has made nothing."""
        if _may_have_made(error):
            return self._account.find(kept)
        self._store.delete(kept.id)
        raise error

    def _confirmed(self, kept: Kept, uri: str) -> Kept:
        if kept.uri != uri:
            kept = replace(kept, uri=uri)
            self._store.put(kept)
        return kept

    def _replace(self, kept: Kept) -> Kept:
        self._must_hold_key()
        share = Share(kept.scope, kept.owner, kept.events, "")
        made = self._create(self._new(kept.base, share, kept.organization))
        self._end(kept)
        return made

    def _end(self, kept: Kept) -> None:
        uri = kept.uri
        if not uri:
            record = self._account.find(kept)
            uri = str(record["uri"]) if record else ""
        if uri:
            self._account.delete(uri)
        self._store.delete(kept.id)

    def _undo(self, told: Iterable[Subscription]) -> None:
        """End what was made for a whole that failed; what cannot be ended is in the store, and found."""
        for one in told:
            kept = self._store.get(one.id) if one.made else None
            if kept:
                with suppress(ConnectorError):
                    self._end(kept)

    def _repaired(self, finding: Finding, now: Finding | None) -> Repair:
        if now is None or now.kind != finding.kind or (finding.uri and now.uri != finding.uri):
            return Repair(finding, "changed", "It is no longer as it was found.")
        try:
            self._repair(now)
        except ConnectorError as error:
            return Repair(finding, "failed", str(error))
        return Repair(finding, "done")

    def _repair(self, finding: Finding) -> None:
        kept = self._store.get(finding.id)
        if kept is None:
            self._account.delete(finding.uri)
        elif finding.kind == "disabled":
            self._replace(kept)
        elif finding.kind == "pending":
            if finding.uri:
                self._confirmed(kept, finding.uri)
            else:
                self._create(kept)
        else:
            self._end(kept)

    def _must_hold_key(self) -> None:
        if self._signer.client and not self._signer.app_key:
            raise InvalidCredential(
                "The OAuth credential has no webhook signing key: no webhook of the app could be verified.",
                fix="Copy the key from the app's page in Calendly into the credential (signing_key).",
            )


def _may_have_made(error: ConnectorError) -> bool:
    if isinstance(error, NoAnswer | CalendlyDown):
        return error.may_have_happened
    if isinstance(error, Rejected):
        return error.status == HTTPStatus.CONFLICT
    return isinstance(error, UnexpectedAnswer)


def _told(kept: Kept, reason: str, *, made: bool = True) -> Subscription:
    return Subscription(
        id=kept.id,
        uri=kept.uri,
        url=kept.url,
        events=kept.events,
        scope=kept.scope,
        owner=kept.owner,
        reason=reason,
        made=made,
    )
