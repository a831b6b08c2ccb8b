"""What users hold beside meetings: contacts, lists, notes, routing forms, recaps, no-shows. Data."""

from dataclasses import dataclass, field

from .shapes import Record


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
class Definition:
    """A custom field that an organization's contacts may have."""

    organization: int
    record: Record


@dataclass
class Form:
    """A routing form."""

    organization: int
    record: Record


@dataclass
class Submission:
    """A filled-in routing form."""

    form: str
    record: Record


@dataclass
class Recap:
    """What was said in an event, given by number; the transcript is apart."""

    event: int
    record: Record
    transcript: str


@dataclass
class Share:
    """A single-use link with settings of its own; `own` holds those that differ from the event type's.

    `offer` is the event type's id, `made` a moment in microseconds, `contact` the URI of whom it is for.
    """

    uuid: str
    offer: str
    made: int
    booking_url: str
    own: Record
    contact: str | None = None


@dataclass
class NoShow:
    """An invitee who did not come: event number and place among its invitees."""

    event: int
    place: int
    record: Record


@dataclass
class Holdings:
    """All of it, by id, in the order it came."""

    contacts: dict[str, Contact] = field(default_factory=dict)
    contact_lists: dict[str, ContactList] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)
    forms: dict[str, Form] = field(default_factory=dict)
    submissions: dict[str, Submission] = field(default_factory=dict)
    recaps: dict[str, Recap] = field(default_factory=dict)
    no_shows: dict[str, NoShow] = field(default_factory=dict)
    shares: dict[str, Share] = field(default_factory=dict)
