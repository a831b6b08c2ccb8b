"""Shares: single-use links to an event type with customized settings. Pure."""

from dataclasses import replace

from . import record_factories, times
from .population import EventType
from .records import Record
from .state import EventTypeShare, SingleUseLink
from .world import LINK_LIFETIME, World

ACTIVE, BOOKED, EXPIRED = "active", "booked", "expired"

_HOURS_AHEAD = 4  # minimum notice of every event type, as in the documented example; the unit is a guess


def add(world: World, share: EventTypeShare) -> None:
    """Add an active share."""
    world.touch()
    world.state.shares[share.uuid] = share
    world.single_use_links[share.booking_url] = SingleUseLink(share.event_type, share.created_at)


def remove(world: World, share: EventTypeShare) -> None:
    """Revoke a share."""
    world.touch()
    del world.state.shares[share.uuid]
    world.single_use_links.pop(share.booking_url, None)


def status(world: World, share: EventTypeShare, now: int) -> str:
    """Return the status of a share: `active`, `booked` or `expired`."""
    if share.booking_url not in world.single_use_links:
        return BOOKED
    return EXPIRED if now - share.created_at > LINK_LIFETIME else ACTIVE


def record(world: World, share: EventTypeShare, now: int) -> Record:
    """Return a Share as the API sends it."""
    event_type = world.population.event_types_by_id[share.event_type]
    return record_factories.share(
        world.uris.build("shares", share.uuid),
        event_type=event_type.record,
        booking_url=share.booking_url,
        contact=share.contact,
        created_at=times.isoformat(share.created_at),
        status=status(world, share, now),
        share_override=_effective_settings(world, share, event_type),
    )


def customized(world: World, booking_url: str, event_type: EventType) -> EventType:
    """Return an event type as booked through a link; a share may change name, duration and locations."""
    shares = world.state.shares.values()
    share = next((share for share in shares if share.booking_url == booking_url), None)
    if share is None:
        return event_type
    settings = _effective_settings(world, share, event_type)
    changes = {
        "name": settings["name"],
        "duration": settings["duration"],
        "locations": settings["location_configurations"],
    }
    return replace(event_type, record=event_type.record | changes)


def _effective_settings(world: World, share: EventTypeShare, event_type: EventType) -> Record:
    """Return all settings of a share; those without an override have the event type's current value."""
    hours = world.schedules.rule(event_type.uuid, world.population.members[event_type.hosts[0]])
    settings: Record = {
        "name": event_type.record["name"],
        "duration": event_type.record["duration"],
        "duration_options": event_type.record["duration_options"],
        "period_type": "unlimited",
        "start_date": None,
        "end_date": None,
        "max_booking_time": None,
        "min_booking_time": _HOURS_AHEAD,
        "hide_location": False,
        "location_configurations": event_type.record["locations"] or [],
        "availability_rule": {"rules": hours["rules"], "timezone": hours["timezone"]},
    } | share.overrides
    locations = enumerate(settings["location_configurations"])
    settings["location_configurations"] = [{"position": number, **location} for number, location in locations]
    return settings
