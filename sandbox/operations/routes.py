"""The table of all operations and how a request finds its row. Pure.

A module in this folder that has ROUTES is served; it needs no entry here.
"""

from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import NamedTuple

from .. import errors, operations
from ..api.calls import Route


def _routes() -> Iterator[Route]:
    for module in iter_modules(operations.__path__):
        if module.name != "routes":
            yield from getattr(import_module(f".{module.name}", operations.__name__), "ROUTES", ())


ROUTES = tuple(_routes())

SCOPES = frozenset(scope for route in ROUTES for scope in route.scopes)
"""Every scope that a token may have."""


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
