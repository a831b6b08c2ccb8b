"""The contacts and contact lists of a user, filters on them, and the meetings of a contact. Pure."""

import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from . import domain_events, times
from .domain_events import DomainEvent
from .listings import EventListing, EventQuery, InMemoryListing, Key
from .records import Record
from .state import Contact, ContactList
from .world import World


def contacts_of(world: World, owner: int) -> list[Contact]:
    """Return the contacts of a user, oldest first."""
    return [contact for contact in world.state.contacts.values() if contact.owner == owner]


def filter_values(record: Record, field: str) -> list[str]:
    """Return the values of a field that filters compare, case-folded."""
    if field == "email":
        values = [email["email"] for email in record["emails"]]
    elif field == "phone_number":
        values = [phone["phone_number"] for phone in record["phone_numbers"]]
    else:
        values = [record[field]] if record[field] is not None else []
    return [value.casefold() for value in values]


def existing_emails(world: World, owner: int, except_uuid: str | None = None) -> set[str]:
    """Return the email addresses of a user's contacts, except those of one contact."""
    return {
        email
        for contact in contacts_of(world, owner)
        if contact.uuid != except_uuid
        for email in filter_values(contact.record, "email")
    }


def contact_record(world: World, contact: Contact, now: int) -> Record:
    """Return the Contact as the API sends it, with the dates of its meetings."""
    following, last = _meetings(world, contact, now)
    created = times.parse(contact.record["created_at"]) if contact.source == "scheduling" else None
    interactions = [moment for moment in (last, created) if moment is not None]
    return contact.record | {
        "first_email_date": None,
        "last_email_date": None,
        "next_meeting_date": following and times.isoformat(following),
        "last_meeting_date": last and times.isoformat(last),
        "last_interaction_date": times.isoformat(max(interactions)) if interactions else None,
    }


def _meetings(world: World, contact: Contact, now: int) -> tuple[int | None, int | None]:
    """Return the starts of the next and of the last meeting with the contact's owner."""
    member = world.population.members[contact.owner]
    following, last = [], []
    for email in filter_values(contact.record, "email"):
        query = EventQuery(member.organization, frozenset({contact.owner}), email, canceled=False)
        following += _first_start(world, replace(query, since=now))
        last += _first_start(world, replace(query, before=now, descending=True))
    return min(following, default=None), max(last, default=None)


def _first_start(world: World, query: EventQuery) -> list[int]:
    first: Key | None = next(EventListing(world, query).walk(None, backwards=False), None)
    return [first[0]] if first else []


class ContactListing(InMemoryListing):
    """Sorted contacts; builds only the records that are sent."""

    def __init__(self, world: World, ordered: InMemoryListing, now: int, excluded: Iterable[str]) -> None:
        super().__init__([ordered.record(key) for key in ordered.walk(None, backwards=False)])
        self._world = world
        self._now = now
        self._excluded = set(excluded)

    def record(self, key: Key) -> Record:
        """Return the row of a key."""
        uuid = super().record(key)["uri"].rpartition("/")[2]
        return without(
            contact_record(self._world, self._world.state.contacts[uuid], self._now), self._excluded
        )


def without(record: Record, excluded: Iterable[str]) -> Record:
    """Return a record without some of its fields."""
    return {field: value for field, value in record.items() if field not in excluded}


def contact_event(world: World, name: str, contact: Contact, now: int) -> DomainEvent:
    """Return a `contact.*` event."""
    owner = world.population.members[contact.owner]
    record = contact_record(world, contact, now)
    if name == "contact.deleted":
        payload = domain_events.deleted_contact_payload(owner.uuid, record, times.isoformat(now))
    else:
        payload = domain_events.contact_payload(owner.uuid, record, contact.source)
    return DomainEvent(name, payload, owner.organization, (owner.number,))


# Lists


def contacts_in(world: World, contact_list: ContactList) -> list[Contact]:
    """Return the contacts of a list, or those that match the filter of a view."""
    own = contacts_of(world, contact_list.owner)
    if contact_list.view is None:
        return [contact for contact in own if contact.uuid in contact_list.members]
    return [
        contact
        for contact in own
        if all(
            set(filter_values(contact.record, field)) & set(values)
            for field, values in contact_list.view.items()
        )
    ]


def list_record(world: World, contact_list: ContactList) -> Record:
    """Return the ContactList as the API sends it; the count of a view is None."""
    count = None if contact_list.view is not None else len(contacts_in(world, contact_list))
    return contact_list.record | {"contact_count": count}


def name_key(name: str) -> str:
    """Return the key by which list names must be unique: ignores case, accents and surrounding spaces."""
    letters = unicodedata.normalize("NFKD", name.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
