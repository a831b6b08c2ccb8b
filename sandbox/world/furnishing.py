"""Puts what stands around the meetings into a new world: contacts, forms, recaps, no-shows. Pure."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from . import cast, diary, names, no_shows, office_shapes, recaps, samples, shapes, shares, times
from .holdings import Contact, ContactList, Definition, Form, Note, Share, Submission
from .ids import Dice
from .population import LARGE
from .shapes import Record
from .world import World

_OWNER = 0
_YESTERDAY = -times.DAY
_MADE_CONTACTS = 15
_COUNTRIES = (("NL", "Utrecht"), ("DE", "Berlin"), ("NG", "Lagos"), ("US", "Boston"))
_LOOKED_AT = 2000  # events of the past, to find the owner's latest without an index over all of them
_RECAPS = 12
_STATUSES = ("Processing", "Unavailable", "Available")


def furnish(world: World) -> None:
    """Put everything in; the events are there already."""
    _add_definitions(world)
    _add_contacts(world)
    _add_lists(world)
    _add_note(world)
    _add_forms(world)
    _add_meeting_marks(world)
    _add_shares(world)
    world.samples = samples.make(world)


def _stamp(world: World, after: int) -> str:
    return times.write(world.anchor + after)


def _add_definitions(world: World) -> None:
    kinds: tuple[tuple[str, Record], ...] = (
        (cast.DEAL_SIZE, {"label": "Deal size", "field_type": "currency", "currency": "EUR"}),
        (
            cast.TIER,
            {"label": "Tier", "field_type": "single_select", "options": [*cast.TIER_OPTIONS]},
        ),
    )
    for uuid, fields in kinds:
        uri = world.links.to("contacts", "custom_field_definitions", uuid)
        record = office_shapes.definition(
            uri, **fields, created_at=_stamp(world, _YESTERDAY + 9 * times.HOUR)
        )
        world.holdings.definitions[uuid] = Definition(LARGE, record)


def _add_contacts(world: World) -> None:
    deal_size = world.holdings.definitions[cast.DEAL_SIZE].record
    booked = _YESTERDAY + 15 * times.HOUR + 21 * times.MINUTE + 44 * times.SECOND
    _add_contact(
        world,
        cast.CONTACT,
        name=cast.INVITEE["name"],
        emails=_emails(cast.INVITEE["email"], cast.CONTACT_SECOND_MAIL),
        phone_numbers=[{"phone_number": cast.CONTACT_PHONE}],
        timezone="Europe/Amsterdam",
        job_title="Buyer",
        company="Client BV",
        country="NL",
        city="Utrecht",
        custom_fields=[office_shapes.custom_field(deal_size, 1_250_000)],
        created_at=_stamp(world, booked),
    )
    for person in range(_MADE_CONTACTS):
        dice = Dice(world.seed, "contact", person)
        country, city = _COUNTRIES[person % len(_COUNTRIES)]
        _add_contact(
            world,
            world.ids.make("first contact", person),
            name=" ".join(diary.person_name(person)),
            emails=_emails(diary.person_mail(person)),
            timezone=dice.pick(names.TIMEZONES),
            company=diary.person_mail(person).partition("@")[2].partition(".")[0].title(),
            country=country,
            city=city,
            created_at=_stamp(world, booked - (person + 1) * times.DAY - dice.roll(times.HOUR)),
        )


def _add_contact(world: World, uuid: str, **fields: Any) -> None:
    record = office_shapes.contact(world.links.to("contacts", uuid), **fields)
    world.holdings.contacts[uuid] = Contact(_OWNER, uuid, record, source="scheduling")


def _emails(*emails: str) -> list[Record]:
    return [{"email": email, "is_primary": email == emails[0]} for email in emails]


def _add_lists(world: World) -> None:
    members = list(islice(world.holdings.contacts, cast.TRADE_FAIR_SIZE))
    lists: tuple[tuple[str, str, dict[str, list[str]] | None], ...] = (
        (cast.TRADE_FAIR, "Trade fair 2026", None),
        (cast.DUTCH_BUYERS, "Dutch buyers", {"country": ["nl"]}),
    )
    for uuid, name, view in lists:
        record = office_shapes.contact_list(
            world.links.to("contact_lists", uuid),
            name=name,
            kind="static_list" if view is None else "dynamic_view",
            created_at=_stamp(world, _YESTERDAY + 20 * times.HOUR),
        )
        own = set(members) if view is None else set()
        world.holdings.contact_lists[uuid] = ContactList(_OWNER, uuid, record, own, view)


def _add_note(world: World) -> None:
    record = office_shapes.note(
        world.links.to("notes", cast.NOTE),
        contact=world.links.to("contacts", cast.CONTACT),
        title="Call back",
        body="Wants an offer for 40 seats.",
        remind_at=_stamp(world, 10 * times.DAY + 8 * times.HOUR),
        created_at=_stamp(world, _YESTERDAY + 21 * times.HOUR),
    )
    world.holdings.notes[cast.NOTE] = Note(_OWNER, cast.CONTACT, record)


def _add_forms(world: World) -> None:
    questions = [office_shapes.form_question(*question) for question in cast.FORM_QUESTIONS]
    forms = (
        (cast.FORM, "Website intake", "published", questions),
        (world.ids.make("first form", 0), "Partner intake", "draft", questions[:2]),
    )
    for number, (uuid, name, status, asked) in enumerate(forms):
        record = office_shapes.form(
            world.links.to("routing_forms", uuid),
            organization=world.links.to("organizations", cast.ORGANIZATION),
            name=name,
            status=status,
            questions=asked,
            created_at=_stamp(world, (number - 252) * times.DAY + 10 * times.HOUR),
            updated_at=_stamp(world, (number - 108) * times.DAY + 10 * times.HOUR),
        )
        world.holdings.forms[uuid] = Form(LARGE, record)
    _add_submissions(world, world.holdings.forms[cast.FORM].record)


def _add_submissions(world: World, form: Record) -> None:
    place = world.invitee_place(cast.ACTIVE_INVITEE)
    assert place is not None  # noqa: S101 - founding has put the cast in
    invitee = world.invitees(place[0])[place[1]]
    results: tuple[tuple[str, Record], ...] = (
        (cast.SUBMISSION, {"type": "event_type", "value": world.links.to("event_types", cast.INTRO_CALL)}),
        (cast.SUBMISSION_WITH_MESSAGE, {"type": "custom_message", "value": cast.FORM_MESSAGE}),
        (cast.SUBMISSION_WITH_URL, {"type": "external_url", "value": cast.FORM_URL}),
    )
    for uuid, result in results:
        record = office_shapes.submission(
            world.links.to("routing_form_submissions", uuid),
            form,
            cast.FORM_ANSWERS,
            result=result,
            tracking=shapes.NO_TRACKING | {"utm_source": "google"},
            created_at=_stamp(world, _YESTERDAY + 15 * times.HOUR + 19 * times.MINUTE + 2 * times.SECOND),
            updated_at=_stamp(world, _YESTERDAY + 15 * times.HOUR + 21 * times.MINUTE + 41 * times.SECOND),
        )
        world.holdings.submissions[uuid] = Submission(cast.FORM, record)
    booked = world.holdings.submissions[cast.SUBMISSION].record
    booked |= {"submitter": invitee["uri"], "submitter_type": "Invitee"}
    invitee["routing_form_submission"] = booked["uri"]


def _add_meeting_marks(world: World) -> None:
    """Give meetings that are over recaps and a no-show; without such meetings the cast's event has them."""
    active = world.event_number(cast.ACTIVE_EVENT)
    assert active is not None  # noqa: S101 - as above
    own = list(islice((number for number in _past(world) if _is_owners(world, number)), 2 + len(_STATUSES)))
    recapped, missed = own[:2] if len(own) >= 2 else (active, active)  # noqa: PLR2004 - one of each
    recaps.add(world, recapped, cast.RECAP, status="Available", share=cast.RECAP_SHARE)
    others = (number for number in _past(world) if number not in own)
    for place, number in enumerate(islice(chain(own[2:], others), _RECAPS)):
        recaps.add(
            world,
            number,
            world.ids.make("first recap", place),
            status=_STATUSES[place % len(_STATUSES)],
            share=world.ids.make("first share", place),
        )
    moment = times.read(world.event(missed)["start_time"]) + 20 * times.MINUTE
    no_shows.add(world, moment, missed, 0, cast.NO_SHOW)


def _past(world: World) -> Iterator[int]:
    """Give the latest events before the anchor day that took place, the last one first."""
    book = world.diary
    first = bisect_left(range(book.count), world.anchor, key=book.start)
    numbers = range(first - 1, max(-1, first - 1 - _LOOKED_AT), -1)
    return (number for number in numbers if not book.canceled(number))


def _is_owners(world: World, number: int) -> bool:
    facts = world.diary.facts(number)
    return facts.hosts == (_OWNER,) and world.population.offers[facts.offer].uuid == cast.INTRO_CALL


def _add_shares(world: World) -> None:
    """Add a share that can still be booked and one that was, both of the owner's intro call."""
    first, last = (times.day_of(world.anchor + days * times.DAY).isoformat() for days in (14, 25))
    period = {"period_type": "fixed", "start_date": first, "end_date": last}
    made = world.anchor + _YESTERDAY
    open_share = Share(
        cast.SHARE,
        cast.INTRO_CALL,
        made + 10 * times.HOUR + 30 * times.MINUTE,
        cast.SHARE_URL,
        {"name": "Intro call (short)", "duration": 15} | period,
    )
    booked = Share(
        cast.BOOKED_SHARE,
        cast.INTRO_CALL,
        made - 4 * times.DAY,
        cast.BOOKED_SHARE_URL,
        {"name": "Contract review"},
        world.links.to("contacts", cast.CONTACT),
    )
    for share in (open_share, booked):
        shares.add(world, share)
    world.use_link(cast.BOOKED_SHARE_URL)
