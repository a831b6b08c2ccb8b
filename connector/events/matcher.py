"""From an event of Calendly to what a host is told: reschedules joined, filters applied."""

import logging
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

from ..auth.identity import ADMIN_ROLES, Identity, read_identity
from ..catalog.required_fields import taken_from, uri_in
from ..contract import Connection, Event, Record
from ..errors import NotFound, PermissionDenied
from . import filters, reschedules
from .event_filter import Wants
from .polling.invitees import payload_of
from .reschedules import RESCHEDULED

Find = Callable[[str], Event | None]
Known = Callable[[str], bool]

_LOG: Final = logging.getLogger(__name__)


class Matcher:
    """Matches events for one connection; what it has to read of the account is read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = Lock()
        self._reach: Identity | None = None
        self._members: dict[str, frozenset[str]] = {}

    def match(self, event: Event, wants: Wants, find: Find, known: Known) -> tuple[Event, ...]:
        """Give what a host is told of an event of Calendly: nothing, the event, or what it is a half of.

        `find` gives an event by its id where it is at hand, `known` says whether one was told before: both
        save reading the other half of a reschedule.
        """
        told = [event]
        if wants.joins and (uri := reschedules.partner(event)):
            was_told = known(reschedules.joined_id(event))
            whole = None if was_told else self._joined(event, uri, find)
            kept = wants.halves or not (whole or was_told)
            told = [*([whole] if whole else []), *([event] if kept else [])]
        return tuple(one for one in told if one.kind in wants.events and self.fits(one, wants))

    def fits(self, event: Event, wants: Wants) -> bool:
        """Say whether an event passes the filters; what costs a call is asked last."""
        cheap = {name: value for name, value in wants.filters.items() if name != "first_time"}
        if not filters.fits(event, cheap, filters.Known(self.members(wants))):
            return False
        if "first_time" not in wants.filters:
            return True
        known = filters.Known(first_time=self._is_first(event))
        return filters.fits(event, {"first_time": wants.filters["first_time"]}, known)

    def reach(self) -> Identity:
        """Give who the credential belongs to."""
        with self._lock:
            if self._reach is None:
                self._reach = read_identity(self._connection.run)
            return self._reach

    def members(self, wants: Wants) -> frozenset[str]:
        """Give the ids of the users of the wanted group."""
        group = wants.filters.get("group")
        if group is None:
            return frozenset()
        organization = self.reach().organization
        with self._lock:
            if group not in self._members:
                self._members[group] = _read_members(self._connection, organization, group)
            return self._members[group]

    def payload(self, uri: str) -> Record | None:
        """Read what a webhook would tell of an invitee; None where it is gone or not for us to see."""
        try:
            with taken_from("the event"):
                invitee = self._connection.run("invitees.get", {"uuid": uri}).record or {}
            event = uri_in(invitee, "event", "invitees.get")
            with taken_from("the reply to invitees.get"):
                meeting = self._connection.run("scheduled_events.get", {"uuid": event}).record or {}
        except (NotFound, PermissionDenied) as error:
            _LOG.warning("the other half of a reschedule cannot be read (%s)", error.code)
            return None
        return payload_of(invitee, meeting)

    def _joined(self, event: Event, uri: str, find: Find) -> Event | None:
        other = find(reschedules.partner_id(event))
        payload = other.payload if other else self.payload(uri)
        return reschedules.join(event, payload) if payload else None

    def _is_first(self, event: Event) -> bool:
        """Whether nothing was booked earlier with the same address, but for what this one replaces."""
        payload = filters.subject(event)
        reach = self.reach()
        whose = {"organization": reach.organization} if reach.role in ADMIN_ROLES else {"user": reach.user}
        own = _meeting(payload)
        replaced = _meeting(event.payload.get("old")) if event.kind == RESCHEDULED else {}
        booked_at = str(own.get("created_at"))
        email = payload.get("email")
        if not isinstance(email, str) or not email:
            return True
        with taken_from("the event"):
            earlier = self._connection.iterate("scheduled_events.list", {**whose, "invitee_email": email})
        this = {filters.last_part(own.get("uri")), filters.last_part(replaced.get("uri"))}
        return not any(
            filters.last_part(meeting.get("uri")) not in this and str(meeting.get("created_at")) < booked_at
            for meeting in earlier
        )


def _read_members(connection: Connection, organization: str, group: str) -> frozenset[str]:
    """Read who is in a group: it lists memberships of the organization, which name the users."""
    related = connection.iterate("group_relationships.list", {"group": group})
    owners = {_uri(entry.get("owner")) for entry in related}
    memberships = connection.iterate("organization_memberships.list", {"organization": organization})
    return frozenset(
        filters.last_part(_uri(entry.get("user"))) for entry in memberships if entry.get("uri") in owners
    )


def _uri(record: Any) -> Any:
    return record.get("uri") if isinstance(record, Mapping) else None


def _meeting(payload: Any) -> Record:
    meeting = payload.get("scheduled_event") if isinstance(payload, dict) else None
    return meeting if isinstance(meeting, dict) else {}
