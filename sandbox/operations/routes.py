"""The table of all operations and how a request finds its row. Pure."""

from collections import defaultdict
from typing import NamedTuple

from .. import errors
from ..api.calls import Route
from . import (
    availability,
    bookings,
    calendars,
    contact_lists,
    contacts,
    enterprise,
    event_types,
    groups,
    no_shows,
    notes,
    organizations,
    recaps,
    routing_forms,
    scheduled_events,
    scheduling_links,
    shares,
    users,
    webhook_subscriptions,
)

ROUTES = (
    *users.ROUTES,
    *organizations.ROUTES,
    *groups.ROUTES,
    *event_types.ROUTES,
    *availability.ROUTES,
    *calendars.ROUTES,
    *scheduled_events.ROUTES,
    *scheduling_links.ROUTES,
    *shares.ROUTES,
    *webhook_subscriptions.ROUTES,
    *bookings.ROUTES,
    *no_shows.ROUTES,
    *routing_forms.ROUTES,
    *contacts.ROUTES,
    *contact_lists.ROUTES,
    *notes.ROUTES,
    *recaps.ROUTES,
    *enterprise.ROUTES,
)


class RouteMatch(NamedTuple):
    """A route with the ids that a path gives it."""

    route: Route
    ids: dict[str, str]


class RouteTable:
    """Finds routes by number of path segments, those without ids first: /users/me before /users/{uuid}."""

    def __init__(self, routes: tuple[Route, ...] = ROUTES, *, unknown_method_status: int = 404) -> None:
        self._unknown_method_status = unknown_method_status
        self._rows: dict[int, list[tuple[list[str], Route]]] = defaultdict(list)
        for route in sorted(routes, key=lambda route: route.template.count("{")):
            segments = route.template.split("/")
            self._rows[len(segments)].append((segments, route))

    def find(self, method: str, path: str) -> RouteMatch:
        """Give the route of a request; 404 for an unknown path, `unknown_method_status` for a known one."""
        given = path.split("/")
        known = False
        for segments, route in self._rows.get(len(given), ()):
            ids = _ids(segments, given)
            if ids is not None:
                if route.method == method:
                    return RouteMatch(route, ids)
                known = True
        raise errors.from_status(self._unknown_method_status if known else 404)


def _ids(segments: list[str], given: list[str]) -> dict[str, str] | None:
    """Give the ids in a path that fits a template, None for one that does not."""
    ids = {}
    for segment, value in zip(segments, given, strict=True):
        if segment.startswith("{"):
            ids[segment[1:-1]] = value
        elif segment != value:
            return None
    return ids if all(ids.values()) else None
