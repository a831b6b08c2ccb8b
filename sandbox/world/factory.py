"""Create a world: generated events, fixtures, and events of the small organization. Pure."""

from . import bookings, conferences, fixtures, record_factories, seed_data, times
from .population import LARGE, SMALL
from .records import Record
from .state import StoredEvent, WebhookSubscription
from .world import World

_FIXTURE_BOOKED = -times.DAY + 15 * times.HOUR + 21 * times.MINUTE + 40_671_234  # from the anchor
_FIXTURE_CANCELED = -times.DAY + 18 * times.HOUR + 40 * times.MINUTE + 10_100_000
_SMALL_ORGANIZATION_DAYS = (-20, -3, 12)


def create_world(
    *, seed: int, events: int, users: int, anchor: int, origin: str, more_event_types: int = 0
) -> World:
    """Create a world; `events` is the size of the large organization, including the two fixtures."""
    world = World(
        seed=seed,
        events=events,
        users=users,
        anchor=anchor,
        origin=origin,
        more_event_types=more_event_types,
    )
    _add_active_event(world)
    _add_canceled_event(world)
    _add_subscriptions(world)
    _add_small_organization_events(world)
    conferences.catch_up(world, anchor)
    seed_data.populate(world)
    return world


def _add_active_event(world: World) -> None:
    start = world.anchor + 7 * times.DAY + 13 * times.HOUR
    event = _fixture_event(world, fixtures.ACTIVE_EVENT, host=0, start=start)
    stamp = times.isoformat(world.anchor + _FIXTURE_BOOKED + 28_766)
    event |= {
        "event_guests": [{"email": fixtures.GUEST_EMAIL, "created_at": stamp, "updated_at": stamp}],
        "calendar_event": {"kind": "google", "external_id": "m1n2o3p4q5r6s7t8u9v0abcdef"},
    }
    invitee = _fixture_invitee(world, event, fixtures.ACTIVE_INVITEE)
    world.add_named(
        fixtures.ACTIVE_EVENT, fixtures.ACTIVE_INVITEE, StoredEvent(LARGE, (0,), event, [invitee])
    )


def _add_canceled_event(world: World) -> None:
    start = world.anchor + 2 * times.DAY + 9 * times.HOUR
    event = _fixture_event(world, fixtures.CANCELED_EVENT, host=1, start=start)
    invitee = _fixture_invitee(world, event, fixtures.CANCELED_INVITEE)
    moment = world.anchor + _FIXTURE_CANCELED
    cancellation = record_factories.cancellation(
        fixtures.ADMIN_NAME, "host", "Sick today", times.isoformat(moment)
    )
    canceled = {
        "status": "canceled",
        "cancellation": cancellation,
        "updated_at": times.isoformat(moment + 200_000),
    }
    event |= canceled | {
        "location": record_factories.event_location(_locations(world)[1], ""),
        "invitees_counter": {"total": 1, "active": 0, "limit": 1},
    }
    invitee |= canceled
    world.add_named(
        fixtures.CANCELED_EVENT, fixtures.CANCELED_INVITEE, StoredEvent(LARGE, (1,), event, [invitee])
    )


def _locations(world: World) -> list[Record]:
    """Return the locations of the fixtures' event type."""
    locations: list[Record] = world.population.event_types_by_id[fixtures.INTRO_CALL].record["locations"]
    return locations


def _fixture_event(world: World, uuid: str, *, host: int, start: int) -> Record:
    event_type = world.population.event_types_by_id[fixtures.INTRO_CALL]
    end = start + event_type.record["duration"] * times.MINUTE
    booked = world.anchor + _FIXTURE_BOOKED
    return record_factories.event(
        world.uris.build("scheduled_events", uuid),
        event_type=event_type.record,
        location=record_factories.event_location(_locations(world)[0], ""),
        hosts=world.event_builder.hosts((host,), start, end, event_type),
        start_time=times.isoformat(start),
        end_time=times.isoformat(end),
        created_at=times.isoformat(booked),
        updated_at=times.isoformat(booked + 2_348_777),
    ) | {"invitees_counter": {"total": 1, "active": 1, "limit": 1}}


def _fixture_invitee(world: World, event: Record, uuid: str) -> Record:
    questions = world.population.event_types_by_id[fixtures.INTRO_CALL].record["custom_questions"]
    return record_factories.invitee(
        event["uri"],
        uuid,
        **fixtures.INVITEE,
        created_at=times.isoformat(world.anchor + _FIXTURE_BOOKED + 38_766),
        questions_and_answers=[
            record_factories.answer(question, text)
            for question, text in zip(questions, fixtures.INVITEE_ANSWERS, strict=True)
        ],
        tracking=fixtures.INVITEE_TRACKING,
    )


def _add_subscriptions(world: World) -> None:
    owner = world.population.by_user[fixtures.OWNER].user
    common = {
        "created_at": times.isoformat(world.anchor - 13 * times.DAY + 12 * times.HOUR),
        "events": list(fixtures.WEBHOOK_EVENTS),
        "organization": owner["current_organization"],
        "creator": owner["uri"],
    }
    active = record_factories.subscription(
        world.uris.build("webhook_subscriptions", fixtures.ACTIVE_WEBHOOK),
        url=fixtures.WEBHOOK_URL,
        scope="organization",
        **common,
    )
    disabled = record_factories.subscription(
        world.uris.build("webhook_subscriptions", fixtures.DISABLED_WEBHOOK),
        url=fixtures.DISABLED_WEBHOOK_URL,
        scope="user",
        user=owner["uri"],
        **common,
    )
    retried = times.isoformat(world.anchor - 2 * times.DAY + 2 * times.HOUR)
    disabled |= {"state": "disabled", "retry_started_at": retried}
    for record in (active, disabled):
        world.subscribe(WebhookSubscription(LARGE, record))


def _add_small_organization_events(world: World) -> None:
    event_type = next(
        event_type for event_type in world.population.event_types if event_type.organization == SMALL
    )
    for days in _SMALL_ORGANIZATION_DAYS:
        start = world.anchor + days * times.DAY + 10 * times.HOUR
        booking = bookings.Booking(
            event_type, event_type.hosts, start, fixtures.INVITEE["name"], fixtures.INVITEE["email"]
        )
        bookings.book(world, min(start, world.anchor) - times.DAY, booking)
