"""The stored state of a world: changed events, webhook subscriptions, contacts, routing forms, recaps."""

from dataclasses import dataclass, field
from typing import NamedTuple

from .records import Record


@dataclass
class StoredEvent:
    """An event that is stored rather than generated."""

    organization: int
    hosts: tuple[int, ...]
    event: Record
    invitees: list[Record]


class InviteeRef(NamedTuple):
    """A reference to an invitee: the event's number and the position among its invitees."""

    event: int
    position: int


@dataclass
class WebhookSubscription:
    """A webhook subscription with its organization and signing key, which the record doesn't have."""

    organization: int
    record: Record
    signing_key: str | None = None


class SingleUseLink(NamedTuple):
    """A link for booking one meeting: event type id and creation time in microseconds."""

    event_type: str
    created_at: int


@dataclass
class Contact:
    """A contact of one user; `record` lacks the dates of meetings."""

    owner: int  # member number
    uuid: str
    record: Record
    source: str = "api"  # or scheduling


@dataclass
class ContactList:
    """A list with its members, or a view with its filter."""

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
    """A custom field for the contacts of an organization."""

    organization: int
    record: Record


@dataclass
class RoutingForm:
    """A routing form and its organization's number."""

    organization: int
    record: Record


@dataclass
class RoutingFormSubmission:
    """A submission and the id of its routing form."""

    form: str
    record: Record


@dataclass
class MeetingRecap:
    """A recap with its event's number and the transcript."""

    event: int
    record: Record
    transcript: str


@dataclass
class EventTypeShare:
    """A single-use link with customized settings; `overrides` has those that differ from the event type's.

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
    """A no-show: event number, and position among its invitees."""

    event: int
    position: int
    record: Record


@dataclass
class WorldState:
    """All stored resources by id, in order of creation."""

    contacts: dict[str, Contact] = field(default_factory=dict)
    contact_lists: dict[str, ContactList] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)
    definitions: dict[str, CustomFieldDefinition] = field(default_factory=dict)
    forms: dict[str, RoutingForm] = field(default_factory=dict)
    submissions: dict[str, RoutingFormSubmission] = field(default_factory=dict)
    recaps: dict[str, MeetingRecap] = field(default_factory=dict)
    no_shows: dict[str, NoShow] = field(default_factory=dict)
    shares: dict[str, EventTypeShare] = field(default_factory=dict)
