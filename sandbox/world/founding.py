"""Makes a world: the generated part, the cast's events and subscriptions, the small organization. Pure."""

from . import bookings, cast, conferences, furnishing, shapes, times
from .population import LARGE, SMALL
from .shapes import Record
from .world import Kept, Subscription, World

_CAST_BOOKED = -times.DAY + 15 * times.HOUR + 21 * times.MINUTE + 40_671_234  # from the anchor
_CAST_CANCELED = -times.DAY + 18 * times.HOUR + 40 * times.MINUTE + 10_100_000
_SMALL_ORGANIZATION_DAYS = (-20, -3, 12)


def make(*, seed: int, events: int, users: int, anchor: int, origin: str) -> World:
    """Make a world; `events` counts those of the large organization, the cast's two included."""
    world = World(seed=seed, events=events, users=users, anchor=anchor, origin=origin)
    _add_active_event(world)
    _add_canceled_event(world)
    _add_subscriptions(world)
    _add_small_organization_events(world)
    conferences.catch_up(world, anchor)
    furnishing.furnish(world)
    return world


def _add_active_event(world: World) -> None:
    start = world.anchor + 7 * times.DAY + 13 * times.HOUR
    event = _cast_event(world, cast.ACTIVE_EVENT, host=0, start=start)
    stamp = times.write(world.anchor + _CAST_BOOKED + 28_766)
    event |= {
        "event_guests": [{"email": cast.GUEST_MAIL, "created_at": stamp, "updated_at": stamp}],
        "calendar_event": {"kind": "google", "external_id": "m1n2o3p4q5r6s7t8u9v0abcdef"},
    }
    invitee = _cast_invitee(world, event, cast.ACTIVE_INVITEE)
    world.add_named(cast.ACTIVE_EVENT, cast.ACTIVE_INVITEE, Kept(LARGE, (0,), event, [invitee]))


def _add_canceled_event(world: World) -> None:
    start = world.anchor + 2 * times.DAY + 9 * times.HOUR
    event = _cast_event(world, cast.CANCELED_EVENT, host=1, start=start)
    invitee = _cast_invitee(world, event, cast.CANCELED_INVITEE)
    moment = world.anchor + _CAST_CANCELED
    cancellation = shapes.cancellation(cast.ADMIN_NAME, "host", "Sick today", times.write(moment))
    canceled = {
        "status": "canceled",
        "cancellation": cancellation,
        "updated_at": times.write(moment + 200_000),
    }
    event |= canceled | {
        "location": shapes.event_location(_locations(world)[1], ""),
        "invitees_counter": {"total": 1, "active": 0, "limit": 1},
    }
    invitee |= canceled
    world.add_named(cast.CANCELED_EVENT, cast.CANCELED_INVITEE, Kept(LARGE, (1,), event, [invitee]))


def _locations(world: World) -> list[Record]:
    """Give the locations the cast's event type offers."""
    locations: list[Record] = world.population.by_offer[cast.INTRO_CALL].record["locations"]
    return locations


def _cast_event(world: World, uuid: str, *, host: int, start: int) -> Record:
    offer = world.population.by_offer[cast.INTRO_CALL]
    end = start + offer.record["duration"] * times.MINUTE
    booked = world.anchor + _CAST_BOOKED
    return shapes.event(
        world.links.to("scheduled_events", uuid),
        event_type=offer.record,
        location=shapes.event_location(_locations(world)[0], ""),
        hosts=world.writer.hosts((host,), start, end, offer),
        start_time=times.write(start),
        end_time=times.write(end),
        created_at=times.write(booked),
        updated_at=times.write(booked + 2_348_777),
    ) | {"invitees_counter": {"total": 1, "active": 1, "limit": 1}}


def _cast_invitee(world: World, event: Record, uuid: str) -> Record:
    questions = world.population.by_offer[cast.INTRO_CALL].record["custom_questions"]
    return shapes.invitee(
        event["uri"],
        uuid,
        **cast.INVITEE,
        created_at=times.write(world.anchor + _CAST_BOOKED + 38_766),
        questions_and_answers=[
            shapes.answer(question, text)
            for question, text in zip(questions, cast.INVITEE_ANSWERS, strict=True)
        ],
        tracking=cast.INVITEE_TRACKING,
    )


def _add_subscriptions(world: World) -> None:
    owner = world.population.by_user[cast.OWNER].user
    common = {
        "created_at": times.write(world.anchor - 13 * times.DAY + 12 * times.HOUR),
        "events": list(cast.HOOK_EVENTS),
        "organization": owner["current_organization"],
        "creator": owner["uri"],
    }
    active = shapes.subscription(
        world.links.to("webhook_subscriptions", cast.ACTIVE_HOOK),
        url=cast.HOOK_URL,
        scope="organization",
        **common,
    )
    disabled = shapes.subscription(
        world.links.to("webhook_subscriptions", cast.DISABLED_HOOK),
        url=cast.DISABLED_HOOK_URL,
        scope="user",
        user=owner["uri"],
        **common,
    )
    retried = times.write(world.anchor - 2 * times.DAY + 2 * times.HOUR)
    disabled |= {"state": "disabled", "retry_started_at": retried}
    for record in (active, disabled):
        world.subscribe(Subscription(LARGE, record))


def _add_small_organization_events(world: World) -> None:
    offer = next(offer for offer in world.population.offers if offer.organization == SMALL)
    for days in _SMALL_ORGANIZATION_DAYS:
        start = world.anchor + days * times.DAY + 10 * times.HOUR
        booking = bookings.Booking(offer, offer.hosts, start, cast.INVITEE["name"], cast.INVITEE["email"])
        bookings.book(world, min(start, world.anchor) - times.DAY, booking)
