"""Add contacts, forms, recaps, no-shows and shares to a new world. Pure."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from . import (
    contact_factories,
    event_generator,
    fixtures,
    meeting_outcomes,
    names,
    record_factories,
    shares,
    times,
    webhooks,
)
from .ids import Rng
from .population import LARGE
from .records import NO_TRACKING, Record
from .state import (
    Contact,
    ContactList,
    CustomFieldDefinition,
    EventTypeShare,
    Note,
    RoutingForm,
    RoutingFormSubmission,
)
from .world import World

_OWNER = 0
_YESTERDAY = -times.DAY
_GENERATED_CONTACTS = 15
_COUNTRIES = (("NL", "Utrecht"), ("DE", "Berlin"), ("NG", "Lagos"), ("US", "Boston"))
_SEARCH_LIMIT = 2000  # past events to search for the owner's latest, instead of building an index
_RECAPS = 12
_STATUSES = ("Processing", "Unavailable", "Available")


def populate(world: World) -> None:
    """Add everything to a world that already has its events."""
    _add_definitions(world)
    _add_contacts(world)
    _add_lists(world)
    _add_note(world)
    _add_forms(world)
    _add_recaps_and_no_show(world)
    _add_shares(world)
    world.sample_payloads = webhooks.sample_payloads(world)


def _stamp(world: World, after: int) -> str:
    return times.isoformat(world.anchor + after)


def _add_definitions(world: World) -> None:
    kinds: tuple[tuple[str, Record], ...] = (
        (fixtures.DEAL_SIZE, {"label": "Deal size", "field_type": "currency", "currency": "EUR"}),
        (
            fixtures.TIER,
            {"label": "Tier", "field_type": "single_select", "options": [*fixtures.TIER_OPTIONS]},
        ),
    )
    for uuid, fields in kinds:
        uri = world.uris.build("contacts", "custom_field_definitions", uuid)
        record = contact_factories.definition(
            uri, **fields, created_at=_stamp(world, _YESTERDAY + 9 * times.HOUR)
        )
        world.state.definitions[uuid] = CustomFieldDefinition(LARGE, record)


def _add_contacts(world: World) -> None:
    deal_size = world.state.definitions[fixtures.DEAL_SIZE].record
    booked = _YESTERDAY + 15 * times.HOUR + 21 * times.MINUTE + 44 * times.SECOND
    _add_contact(
        world,
        fixtures.CONTACT,
        name=fixtures.INVITEE["name"],
        emails=_emails(fixtures.INVITEE["email"], fixtures.CONTACT_SECOND_EMAIL),
        phone_numbers=[{"phone_number": fixtures.CONTACT_PHONE}],
        timezone="Europe/Amsterdam",
        job_title="Buyer",
        company="Client BV",
        country="NL",
        city="Utrecht",
        custom_fields=[contact_factories.custom_field(deal_size, 1_250_000)],
        created_at=_stamp(world, booked),
    )
    for person in range(_GENERATED_CONTACTS):
        rng = Rng(world.seed, "contact", person)
        country, city = _COUNTRIES[person % len(_COUNTRIES)]
        _add_contact(
            world,
            world.ids.make("first contact", person),
            name=" ".join(event_generator.person_name(person)),
            emails=_emails(event_generator.person_email(person)),
            timezone=rng.choice(names.TIMEZONES),
            company=event_generator.person_email(person).partition("@")[2].partition(".")[0].title(),
            country=country,
            city=city,
            created_at=_stamp(world, booked - (person + 1) * times.DAY - rng.below(times.HOUR)),
        )


def _add_contact(world: World, uuid: str, **fields: Any) -> None:
    record = contact_factories.contact(world.uris.build("contacts", uuid), **fields)
    world.state.contacts[uuid] = Contact(_OWNER, uuid, record, source="scheduling")


def _emails(*emails: str) -> list[Record]:
    return [{"email": email, "is_primary": email == emails[0]} for email in emails]


def _add_lists(world: World) -> None:
    members = list(islice(world.state.contacts, fixtures.TRADE_FAIR_SIZE))
    lists: tuple[tuple[str, str, dict[str, list[str]] | None], ...] = (
        (fixtures.TRADE_FAIR, "Trade fair 2026", None),
        (fixtures.DUTCH_BUYERS, "Dutch buyers", {"country": ["nl"]}),
    )
    for uuid, name, view in lists:
        record = contact_factories.contact_list(
            world.uris.build("contact_lists", uuid),
            name=name,
            kind="static_list" if view is None else "dynamic_view",
            created_at=_stamp(world, _YESTERDAY + 20 * times.HOUR),
        )
        own = set(members) if view is None else set()
        world.state.contact_lists[uuid] = ContactList(_OWNER, uuid, record, own, view)


def _add_note(world: World) -> None:
    record = contact_factories.note(
        world.uris.build("notes", fixtures.NOTE),
        contact=world.uris.build("contacts", fixtures.CONTACT),
        title="Call back",
        body="Wants an offer for 40 seats.",
        remind_at=_stamp(world, 10 * times.DAY + 8 * times.HOUR),
        created_at=_stamp(world, _YESTERDAY + 21 * times.HOUR),
    )
    world.state.notes[fixtures.NOTE] = Note(_OWNER, fixtures.CONTACT, record)


def _add_forms(world: World) -> None:
    questions = [record_factories.form_question(*question) for question in fixtures.FORM_QUESTIONS]
    forms = (
        (fixtures.FORM, "Website intake", "published", questions),
        (world.ids.make("first form", 0), "Partner intake", "draft", questions[:2]),
    )
    for number, (uuid, name, status, form_questions) in enumerate(forms):
        record = record_factories.form(
            world.uris.build("routing_forms", uuid),
            organization=world.uris.build("organizations", fixtures.ORGANIZATION),
            name=name,
            status=status,
            questions=form_questions,
            created_at=_stamp(world, (number - 252) * times.DAY + 10 * times.HOUR),
            updated_at=_stamp(world, (number - 108) * times.DAY + 10 * times.HOUR),
        )
        world.state.forms[uuid] = RoutingForm(LARGE, record)
    _add_submissions(world, world.state.forms[fixtures.FORM].record)


def _add_submissions(world: World, form: Record) -> None:
    ref = world.find_invitee(fixtures.ACTIVE_INVITEE)
    assert ref is not None  # noqa: S101 - added by the factory
    invitee = world.invitees(ref.event)[ref.position]
    results: tuple[tuple[str, Record], ...] = (
        (
            fixtures.SUBMISSION,
            {"type": "event_type", "value": world.uris.build("event_types", fixtures.INTRO_CALL)},
        ),
        (fixtures.SUBMISSION_WITH_MESSAGE, {"type": "custom_message", "value": fixtures.FORM_MESSAGE}),
        (fixtures.SUBMISSION_WITH_URL, {"type": "external_url", "value": fixtures.FORM_URL}),
    )
    for uuid, result in results:
        record = record_factories.submission(
            world.uris.build("routing_form_submissions", uuid),
            form,
            fixtures.FORM_ANSWERS,
            result=result,
            tracking=NO_TRACKING | {"utm_source": "google"},
            created_at=_stamp(world, _YESTERDAY + 15 * times.HOUR + 19 * times.MINUTE + 2 * times.SECOND),
            updated_at=_stamp(world, _YESTERDAY + 15 * times.HOUR + 21 * times.MINUTE + 41 * times.SECOND),
        )
        world.state.submissions[uuid] = RoutingFormSubmission(fixtures.FORM, record)
    booked = world.state.submissions[fixtures.SUBMISSION].record
    booked |= {"submitter": invitee["uri"], "submitter_type": "Invitee"}
    invitee["routing_form_submission"] = booked["uri"]


def _add_recaps_and_no_show(world: World) -> None:
    """Add recaps and a no-show to past events; if there are none, to the fixtures' active event."""
    active = world.event_number(fixtures.ACTIVE_EVENT)
    assert active is not None  # noqa: S101 - as above
    owner_calls = (number for number in _past_events(world) if _is_owner_intro_call(world, number))
    own = list(islice(owner_calls, 2 + len(_STATUSES)))
    recapped, missed = own[:2] if len(own) >= 2 else (active, active)  # noqa: PLR2004 - one of each
    meeting_outcomes.add_recap(
        world, recapped, fixtures.RECAP, status="Available", share=fixtures.RECAP_SHARE
    )
    others = (number for number in _past_events(world) if number not in own)
    for position, number in enumerate(islice(chain(own[2:], others), _RECAPS)):
        meeting_outcomes.add_recap(
            world,
            number,
            world.ids.make("first recap", position),
            status=_STATUSES[position % len(_STATUSES)],
            share=world.ids.make("first share", position),
        )
    moment = times.parse(world.event(missed)["start_time"]) + 20 * times.MINUTE
    meeting_outcomes.mark_no_show(world, moment, missed, 0, fixtures.NO_SHOW)


def _past_events(world: World) -> Iterator[int]:
    """Yield the latest events before the anchor day that weren't canceled, newest first."""
    generator = world.generator
    first = bisect_left(range(generator.count), world.anchor, key=generator.start)
    numbers = range(first - 1, max(-1, first - 1 - _SEARCH_LIMIT), -1)
    return (number for number in numbers if not generator.is_canceled(number))


def _is_owner_intro_call(world: World, number: int) -> bool:
    facts = world.generator.facts(number)
    return (
        facts.hosts == (_OWNER,)
        and world.population.event_types[facts.event_type].uuid == fixtures.INTRO_CALL
    )


def _add_shares(world: World) -> None:
    """Add an active, a booked and an expired share of the owner's intro call."""
    first, last = (times.to_day(world.anchor + days * times.DAY).isoformat() for days in (14, 25))
    period = {"period_type": "fixed", "start_date": first, "end_date": last}
    created = world.anchor + _YESTERDAY
    open_share = EventTypeShare(
        fixtures.SHARE,
        fixtures.INTRO_CALL,
        created + 10 * times.HOUR + 30 * times.MINUTE,
        fixtures.SHARE_URL,
        {"name": "Intro call (short)", "duration": 15} | period,
    )
    booked = EventTypeShare(
        fixtures.BOOKED_SHARE,
        fixtures.INTRO_CALL,
        created - 4 * times.DAY,
        fixtures.BOOKED_SHARE_URL,
        {"name": "Contract review"},
        world.uris.build("contacts", fixtures.CONTACT),
    )
    expired = EventTypeShare(
        fixtures.EXPIRED_SHARE,
        fixtures.INTRO_CALL,
        created - 100 * times.DAY,
        fixtures.EXPIRED_SHARE_URL,
        {"name": "Intro call for partners", "duration": 15},
    )
    for share in (open_share, booked, expired):
        shares.add(world, share)
    world.use_link(fixtures.BOOKED_SHARE_URL)
