"""What the contacts of one user are: whose, found by what, shown with the meetings they have. Pure."""

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
    """Give the contacts of a user, oldest first."""
    return [contact for contact in world.state.contacts.values() if contact.owner == owner]


def filter_values(record: Record, field: str) -> list[str]:
    """Give what a filter by a field looks at, folded for comparing."""
    if field == "email":
        texts = [email["email"] for email in record["emails"]]
    elif field == "phone_number":
        texts = [phone["phone_number"] for phone in record["phone_numbers"]]
    else:
        texts = [record[field]] if record[field] is not None else []
    return [text.casefold() for text in texts]


def taken_emails(world: World, owner: int, except_uuid: str | None = None) -> set[str]:
    """Give the addresses of a user's contacts, those of one left out."""
    return {
        email
        for contact in contacts_of(world, owner)
        if contact.uuid != except_uuid
        for email in filter_values(contact.record, "email")
    }


def contact_record(world: World, contact: Contact, now: int) -> Record:
    """Give the Contact as it goes out."""
    following, last = _meetings(world, contact, now)
    made = times.parse(contact.record["created_at"]) if contact.source == "scheduling" else None
    known = [moment for moment in (last, made) if moment is not None]
    return contact.record | {
        "first_email_date": None,
        "last_email_date": None,
        "next_meeting_date": following and times.isoformat(following),
        "last_meeting_date": last and times.isoformat(last),
        "last_interaction_date": times.isoformat(max(known)) if known else None,
    }


def _meetings(world: World, contact: Contact, now: int) -> tuple[int | None, int | None]:
    """Give the starts of the next and of the last meeting with the contact's owner."""
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
    """Contacts in an order, of which only those that go out are put together."""

    def __init__(self, world: World, ordered: InMemoryListing, now: int, excluded: Iterable[str]) -> None:
        super().__init__([ordered.record(key) for key in ordered.walk(None, backwards=False)])
        self._world = world
        self._now = now
        self._excluded = set(excluded)

    def record(self, key: Key) -> Record:
        """Give the row of a key."""
        uuid = super().record(key)["uri"].rpartition("/")[2]
        return without(
            contact_record(self._world, self._world.state.contacts[uuid], self._now), self._excluded
        )


def without(record: Record, excluded: Iterable[str]) -> Record:
    """Give a record without some of its fields."""
    return {field: value for field, value in record.items() if field not in excluded}


def contact_event(world: World, name: str, contact: Contact, now: int) -> DomainEvent:
    """Give what subscribers of `contact.*` hear."""
    owner = world.population.members[contact.owner]
    record = contact_record(world, contact, now)
    if name == "contact.deleted":
        payload = domain_events.deleted_contact_payload(owner.uuid, record, times.isoformat(now))
    else:
        payload = domain_events.contact_payload(owner.uuid, record, contact.source)
    return DomainEvent(name, payload, owner.organization, (owner.number,))


# Lists


def contacts_in(world: World, contact_list: ContactList) -> list[Contact]:
    """Give the contacts of a list, or those that a view's filter finds."""
    own = contacts_of(world, contact_list.owner)
    if contact_list.view is None:
        return [contact for contact in own if contact.uuid in contact_list.members]
    return [
        contact
        for contact in own
        if all(
            set(filter_values(contact.record, field)) & set(wanted)
            for field, wanted in contact_list.view.items()
        )
    ]


def list_record(world: World, contact_list: ContactList) -> Record:
    """Give the ContactList as it goes out; views are not counted."""
    count = None if contact_list.view is not None else len(contacts_in(world, contact_list))
    return contact_list.record | {"contact_count": count}


def name_key(name: str) -> str:
    """Give what two names of lists must differ in: case, accents and outer spaces do not count."""
    letters = unicodedata.normalize("NFKD", name.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
