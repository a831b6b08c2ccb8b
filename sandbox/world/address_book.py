"""What the contacts of one user are: whose, found by what, shown with the meetings they have. Pure."""

import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from . import happenings, times
from .happenings import Happening
from .holdings import Contact, ContactList
from .listings import EventListing, EventQuery, Key, Shelf
from .shapes import Record
from .world import World


def of_owner(world: World, owner: int) -> list[Contact]:
    """Give the contacts of a user, oldest first."""
    return [contact for contact in world.holdings.contacts.values() if contact.owner == owner]


def values(record: Record, field: str) -> list[str]:
    """Give what a filter by a field looks at, folded for comparing."""
    if field == "email":
        texts = [email["email"] for email in record["emails"]]
    elif field == "phone_number":
        texts = [phone["phone_number"] for phone in record["phone_numbers"]]
    else:
        texts = [record[field]] if record[field] is not None else []
    return [text.casefold() for text in texts]


def taken_emails(world: World, owner: int, but: str | None = None) -> set[str]:
    """Give the addresses of a user's contacts, those of one left out."""
    return {
        email
        for contact in of_owner(world, owner)
        if contact.uuid != but
        for email in values(contact.record, "email")
    }


def shown(world: World, contact: Contact, now: int) -> Record:
    """Give the Contact as it goes out."""
    following, last = _meetings(world, contact, now)
    made = times.read(contact.record["created_at"]) if contact.source == "scheduling" else None
    known = [moment for moment in (last, made) if moment is not None]
    return contact.record | {
        "first_email_date": None,
        "last_email_date": None,
        "next_meeting_date": following and times.write(following),
        "last_meeting_date": last and times.write(last),
        "last_interaction_date": times.write(max(known)) if known else None,
    }


def _meetings(world: World, contact: Contact, now: int) -> tuple[int | None, int | None]:
    """Give the starts of the next and of the last meeting with the contact's owner."""
    member = world.population.members[contact.owner]
    following, last = [], []
    for email in values(contact.record, "email"):
        query = EventQuery(member.organization, frozenset({contact.owner}), email, canceled=False)
        following += _first_start(world, replace(query, since=now))
        last += _first_start(world, replace(query, before=now, descending=True))
    return min(following, default=None), max(last, default=None)


def _first_start(world: World, query: EventQuery) -> list[int]:
    first: Key | None = next(EventListing(world, query).walk(None, backwards=False), None)
    return [first[0]] if first else []


class ShownContacts(Shelf):
    """Contacts in an order, of which only those that go out are put together."""

    def __init__(self, world: World, ordered: Shelf, now: int, left_out: Iterable[str]) -> None:
        super().__init__([ordered.record(key) for key in ordered.walk(None, backwards=False)])
        self._world = world
        self._now = now
        self._left_out = set(left_out)

    def record(self, key: Key) -> Record:
        """Give the row of a key."""
        uuid = super().record(key)["uri"].rpartition("/")[2]
        return without(shown(self._world, self._world.holdings.contacts[uuid], self._now), self._left_out)


def without(record: Record, left_out: Iterable[str]) -> Record:
    """Give a record without some of its fields."""
    return {field: value for field, value in record.items() if field not in left_out}


def told(world: World, event: str, contact: Contact, now: int) -> Happening:
    """Give what subscribers of `contact.*` hear."""
    owner = world.population.members[contact.owner]
    record = shown(world, contact, now)
    if event == "contact.deleted":
        payload = happenings.of_deleted_contact(owner.uuid, record, times.write(now))
    else:
        payload = happenings.of_contact(owner.uuid, record, contact.source)
    return Happening(event, payload, owner.organization, (owner.number,))


# Lists


def members_of(world: World, listed: ContactList) -> list[Contact]:
    """Give the contacts of a list, or those that a view's filter finds."""
    own = of_owner(world, listed.owner)
    if listed.view is None:
        return [contact for contact in own if contact.uuid in listed.members]
    return [
        contact
        for contact in own
        if all(set(values(contact.record, field)) & set(wanted) for field, wanted in listed.view.items())
    ]


def list_shown(world: World, listed: ContactList) -> Record:
    """Give the ContactList as it goes out; views are not counted."""
    count = None if listed.view is not None else len(members_of(world, listed))
    return listed.record | {"contact_count": count}


def name_key(name: str) -> str:
    """Give what two names of lists must differ in: case, accents and outer spaces do not count."""
    letters = unicodedata.normalize("NFKD", name.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
