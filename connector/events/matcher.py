"""From an event of Calendly to the events of a trigger: reschedules joined, filters applied.

See docs/decisions/reschedules.md.
"""

import logging
from collections.abc import Mapping
from threading import Lock
from typing import Any, Final, Protocol

from ..auth.identity import ADMIN_ROLES, Identity, read_identity
from ..catalog.required_fields import taken_from, uri_in
from ..contract import Connection, Event, Record
from ..errors import NotFound, PermissionDenied
from . import conditions, reschedules
from .event_filter import EventFilter
from .reschedules import RESCHEDULED
from .webhooks.event import invitee_payload, last_part

_LOGGER: Final = logging.getLogger(__name__)


class SeenEvents(Protocol):
    """Events that are known already; they save reading the other half of a reschedule.

    `find` returns an event by id if it is at hand; `is_known` says whether an event was seen before.
    """

    def find(self, event_id: str) -> Event | None: ...
    def is_known(self, event_id: str) -> bool: ...


class Matcher:
    """Matches events against one filter. What it needs to know of the account is read once."""

    def __init__(self, connection: Connection, event_filter: EventFilter) -> None:
        self.filter = event_filter
        self._connection = connection
        self._lock = Lock()
        self._identity: Identity | None = None
        self._members: frozenset[str] | None = None

    def match(self, event: Event, seen: SeenEvents | None = None) -> tuple[Event, ...]:
        """Return the events that an event leads to: none, itself, or the reschedule it is half of."""
        candidates = [event]
        if self.filter.joins_reschedules and (uri := reschedules.other_invitee(event)):
            was_joined = seen is not None and seen.is_known(reschedules.reschedule_id(event))
            whole = None if was_joined else self._joined(event, uri, seen)
            is_replaced = whole is not None or was_joined
            candidates = [whole] if whole else []
            if self.filter.include_raw_reschedules or not is_replaced:
                candidates.append(event)
        return tuple(one for one in candidates if one.kind in self.filter.events and self._fits(one))

    def could_fit(self, meeting: Record) -> bool:
        """Check whether an invitee of a scheduled event could fit; if not, there is no need to read them."""
        return conditions.could_fit(meeting, self.filter.filters, self._group_members())

    def identity(self) -> Identity:
        """Return who the credential belongs to."""
        with self._lock:
            if self._identity is None:
                self._identity = read_identity(self._connection.run)
            return self._identity

    def _fits(self, event: Event) -> bool:
        filters = dict(self.filter.filters)
        first_time = filters.pop("first_time", None)
        if not conditions.fits(event, filters, self._group_members()):
            return False
        return first_time is None or first_time == self._is_first_booking(event)  # costs a call: asked last

    def _group_members(self) -> frozenset[str]:
        group = self.filter.filters.get("group")
        if group is None:
            return frozenset()
        organization = self.identity().organization
        with self._lock:
            if self._members is None:
                self._members = _read_members(self._connection, organization, group)
            return self._members

    def _joined(self, event: Event, uri: str, seen: SeenEvents | None) -> Event | None:
        other = seen.find(reschedules.other_half_id(event)) if seen else None
        payload = other.payload if other else self._read_payload(uri)
        return reschedules.join(event, payload) if payload else None

    def _read_payload(self, uri: str) -> Record | None:
        """Read what a webhook about an invitee would contain; None if it is gone or not visible."""
        try:
            with taken_from("the event"):
                invitee = self._connection.run("invitees.get", {"uuid": uri}).record or {}
            event = uri_in(invitee, "event", "invitees.get")
            with taken_from("the reply to invitees.get"):
                meeting = self._connection.run("scheduled_events.get", {"uuid": event}).record or {}
        except (NotFound, PermissionDenied) as error:
            _LOGGER.warning("can't read the other half of a reschedule (%s)", error.code)
            return None
        return invitee_payload(invitee, meeting)

    def _is_first_booking(self, event: Event) -> bool:
        """Check that nothing was booked earlier with the same address, except what this booking replaces."""
        payload = conditions.subject(event)
        identity = self.identity()
        scope = (
            {"organization": identity.organization}
            if identity.role in ADMIN_ROLES
            else {"user": identity.user}
        )
        own = _meeting(payload)
        replaced = _meeting(event.payload.get("old")) if event.kind == RESCHEDULED else {}
        booked_at = str(own.get("created_at"))
        email = payload.get("email")
        if not isinstance(email, str) or not email:
            return True
        with taken_from("the event"):
            meetings = self._connection.iterate("scheduled_events.list", {**scope, "invitee_email": email})
        this = {last_part(own.get("uri")), last_part(replaced.get("uri"))}
        return not any(
            last_part(meeting.get("uri")) not in this and str(meeting.get("created_at")) < booked_at
            for meeting in meetings
        )


def _read_members(connection: Connection, organization: str, group: str) -> frozenset[str]:
    """Read the ids of a group's users, who are listed by their membership of the organization."""
    related = connection.iterate("group_relationships.list", {"group": group})
    owners = {_uri(entry.get("owner")) for entry in related}
    memberships = connection.iterate("organization_memberships.list", {"organization": organization})
    return frozenset(
        last_part(_uri(entry.get("user"))) for entry in memberships if entry.get("uri") in owners
    )


def _uri(record: Any) -> Any:
    return record.get("uri") if isinstance(record, Mapping) else None


def _meeting(payload: Any) -> Record:
    meeting = payload.get("scheduled_event") if isinstance(payload, dict) else None
    return meeting if isinstance(meeting, dict) else {}
