"""What a world stores: changed events, webhook subscriptions, contacts, routing forms, recaps. Data."""

from dataclasses import dataclass, field
from typing import NamedTuple

from .records import Record


@dataclass
class StoredEvent:
    """An event that is held rather than generated."""

    organization: int
    hosts: tuple[int, ...]
    event: Record
    invitees: list[Record]


class InviteeRef(NamedTuple):
    """Which invitee: an event's number and the position among its invitees."""

    event: int
    position: int


@dataclass
class WebhookSubscription:
    """A webhook subscription with what its record does not show."""

    organization: int
    record: Record
    signing_key: str | None = None


class SingleUseLink(NamedTuple):
    """A link that one meeting can be booked with: event type id, and the moment it was made."""

    event_type: str
    created_at: int


@dataclass
class Contact:
    """A person in one user's address book; `record` lacks what follows from meetings."""

    owner: int  # member number
    uuid: str
    record: Record
    source: str = "api"  # or scheduling


@dataclass
class ContactList:
    """A list with its members, or a view with the filter that makes them."""

    owner: int
    uuid: str
    record: Record
    members: set[str] = field(default_factory=set)
    view: dict[str, list[str]] | None = None


@dataclass
class Note:
    """A private note about a contact."""

    owner: int
    contact: str
    record: Record


@dataclass
class CustomFieldDefinition:
    """A custom field that an organization's contacts may have."""

    organization: int
    record: Record


@dataclass
class RoutingForm:
    """A routing form."""

    organization: int
    record: Record


@dataclass
class RoutingFormSubmission:
    """A filled-in routing form."""

    form: str
    record: Record


@dataclass
class MeetingRecap:
    """What was said in an event, given by number; the transcript is apart."""

    event: int
    record: Record
    transcript: str


@dataclass
class EventTypeShare:
    """A single-use link with settings of its own; `overrides` holds those that differ from the event type's.

    `event_type` is the event type's id, `created_at` is in microseconds, `contact` the recipient's URI.
    """

    uuid: str
    event_type: str
    created_at: int
    booking_url: str
    overrides: Record
    contact: str | None = None


@dataclass
class NoShow:
    """An invitee who did not come: event number and position among its invitees."""

    event: int
    position: int
    record: Record


@dataclass
class WorldState:
    """All of it, by id, in the order it came."""

    contacts: dict[str, Contact] = field(default_factory=dict)
    contact_lists: dict[str, ContactList] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)
    definitions: dict[str, CustomFieldDefinition] = field(default_factory=dict)
    forms: dict[str, RoutingForm] = field(default_factory=dict)
    submissions: dict[str, RoutingFormSubmission] = field(default_factory=dict)
    recaps: dict[str, MeetingRecap] = field(default_factory=dict)
    no_shows: dict[str, NoShow] = field(default_factory=dict)
    shares: dict[str, EventTypeShare] = field(default_factory=dict)
