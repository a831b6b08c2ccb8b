"""Shares: single-use links to an event type, with settings of their own. Pure."""

from dataclasses import replace

from . import shapes, times
from .holdings import Share
from .population import Offer
from .shapes import Record
from .world import LINK_LIFE, Link, World

ACTIVE, BOOKED, EXPIRED = "active", "booked", "expired"

_HOURS_AHEAD = 4  # the notice that every event type wants, as in the documented example; the unit is a guess


def add(world: World, share: Share) -> None:
    """Put in a share that can be booked."""
    world.touch()
    world.holdings.shares[share.uuid] = share
    world.single_use[share.booking_url] = Link(share.offer, share.made)


def remove(world: World, share: Share) -> None:
    """Revoke a share."""
    world.touch()
    del world.holdings.shares[share.uuid]
    world.single_use.pop(share.booking_url, None)


def status(world: World, share: Share, now: int) -> str:
    """Return whether a share can be booked, was booked, or was left too long."""
    if share.booking_url not in world.single_use:
        return BOOKED
    return EXPIRED if now - share.made > LINK_LIFE else ACTIVE


def record(world: World, share: Share, now: int) -> Record:
    """Return a share as the API shows it."""
    offer = world.population.by_offer[share.offer]
    return shapes.share(
        world.links.to("shares", share.uuid),
        event_type=offer.record,
        booking_url=share.booking_url,
        contact=share.contact,
        created_at=times.write(share.made),
        status=status(world, share, now),
        share_override=_in_force(world, share, offer),
    )


def customized(world: World, booking_url: str, offer: Offer) -> Offer:
    """Return an event type as it is booked through a link: a share may change its name, length and places."""
    shares = world.holdings.shares.values()
    share = next((share for share in shares if share.booking_url == booking_url), None)
    if share is None:
        return offer
    settings = _in_force(world, share, offer)
    changes = {
        "name": settings["name"],
        "duration": settings["duration"],
        "locations": settings["location_configurations"],
    }
    return replace(offer, record=offer.record | changes)


def _in_force(world: World, share: Share, offer: Offer) -> Record:
    """Return the value of every setting: the share's own, or else what the event type has now."""
    hours = world.schedules.rule(offer.uuid, world.population.members[offer.hosts[0]])
    settings: Record = {
        "name": offer.record["name"],
        "duration": offer.record["duration"],
        "duration_options": offer.record["duration_options"],
        "period_type": "unlimited",
        "start_date": None,
        "end_date": None,
        "max_booking_time": None,
        "min_booking_time": _HOURS_AHEAD,
        "hide_location": False,
        "location_configurations": offer.record["locations"] or [],
        "availability_rule": {"rules": hours["rules"], "timezone": hours["timezone"]},
    } | share.own
    places = enumerate(settings["location_configurations"])
    settings["location_configurations"] = [{"position": number, **place} for number, place in places]
    return settings
