"""Single-use links as rows, and how to recognize them. Pure."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from ..contract import Record
from ..support import timestamps

LIFETIME: Final = timedelta(days=90)
"""How long an unused link lasts. https://developer.calendly.com/api-docs/calendly-api/scheduling-links"""

PERIOD: Final = ("period_type", "start_date", "end_date", "max_booking_time")
"""The settings of a share that say how far ahead it can be booked."""

SETTINGS: Final = ("duration", "duration_options", "start_date", "end_date", "max_booking_time")
"""Inputs of links.create that are settings of a share under the same name."""


def allows_shares(event_type: Record) -> bool:
    """Check whether an event type is one-on-one, so its links can be listed, changed and revoked."""
    return event_type.get("kind") == "solo" and event_type.get("pooling_type") is None


def share_settings(inputs: Mapping[str, Any]) -> Record:
    """Return the inputs of shares.create that inputs of links.create stand for."""
    settings = {name: inputs[name] for name in SETTINGS if inputs.get(name) is not None}
    if inputs.get("event_name"):
        settings["name"] = inputs["event_name"]
    if "start_date" in settings or "end_date" in settings:
        settings["period_type"] = "fixed"
    elif "max_booking_time" in settings:
        settings["period_type"] = "moving"
    return settings


def share_row(share: Record) -> Record:
    """Return a share as a row of links.list."""
    settings = share.get("share_override") or {}
    link: Record = next(iter(share["scheduling_links"]), {})
    return {
        "url": link.get("booking_url"),
        "uri": share.get("uri"),
        "status": share.get("status"),
        "event_type": link.get("owner"),
        "event_name": settings.get("name"),
        "duration": settings.get("duration"),
        "start_date": settings.get("start_date"),
        "end_date": settings.get("end_date"),
        "created_at": share.get("created_at"),
        "expires_at": expires_at(timestamps.read_or_none(share.get("created_at"))),
        "contact": share.get("contact"),
    }


def expires_at(created: datetime | None) -> str | None:
    """Return when an unused link expires."""
    return timestamps.write_sortable(created + LIFETIME) if created else None


def is_named(share: Record, name: str) -> bool:
    """Check whether a text names a share: by its URI, its id, or its address, pre-filled or not."""
    uri = str(share.get("uri", ""))
    if name in {uri, uri.rpartition("/")[2]}:
        return True
    return any(_page(name) == _page(link["booking_url"]) for link in share["scheduling_links"])


def unclaimed(
    shares: Iterable[Record], known: Collection[str], settings: Record, event_type: Record
) -> list[Record]:
    """Return the shares that can be booked, have the settings, and aren't `known` by URI or address."""
    expected = {name: event_type.get(name) for name in ("name", "duration")} | settings
    return [
        share
        for share in shares
        if share.get("status") == "active"
        and not any(is_named(share, one) for one in known)
        and _has(share.get("share_override") or {}, expected)
    ]


def renewed_settings(share: Record, event_type: Record, hours: Record | None) -> Record:
    """Return the inputs of shares.create for a share like this one.

    A share has the value in force of each setting. One that the event type has as well is left out, so it
    still follows the event type. `hours` is the availability rule of the event type, None if unknown.
    """
    override = share.get("share_override") or {}
    settings: Record = {}
    for name in ("name", "duration", "duration_options"):
        if override.get(name) not in (None, event_type.get(name)):
            settings[name] = override[name]
    if override.get("period_type") in {"fixed", "moving", "available_moving"}:
        settings |= {name: override[name] for name in PERIOD if override.get(name) is not None}
    locations = override.get("location_configurations") or []
    if locations and _places(locations) != _places(event_type.get("locations") or []):
        settings["location_configurations"] = [_without_nulls(location) for location in locations]
    if override.get("hide_location"):
        settings["hide_location"] = True
    rule = override.get("availability_rule")
    if rule and not (hours and all(rule.get(part) == hours.get(part) for part in ("rules", "timezone"))):
        settings["availability_rule"] = {"timezone": rule["timezone"], "rules": rule["rules"]}
    return settings


def _has(override: Record, expected: Record) -> bool:
    return all(override.get(name) == value for name, value in expected.items())


def _page(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url
    return parts.netloc.casefold(), parts.path.rstrip("/")


def _places(locations: Iterable[Record]) -> list[Record]:
    """Return locations without positions, which only a share has."""
    return [_without_nulls({**location, "position": None}) for location in locations]


def _without_nulls(values: Record) -> Record:
    return {name: value for name, value in values.items() if value is not None}
