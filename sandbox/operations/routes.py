"""The table of all operations, and the lookup of a request's route. Pure.

Every module in this folder with a `ROUTES` is included; there is no list to update.
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
    """A route and the ids from the path."""

    route: Route
    ids: dict[str, str]


class RouteTable:
    """Finds routes by path; routes with fewer ids take precedence: /users/me before /users/{uuid}."""

    def __init__(self, routes: tuple[Route, ...] = ROUTES, *, unknown_method_status: int = 404) -> None:
        self._unknown_method_status = unknown_method_status
        self._rows: dict[int, list[tuple[list[str], Route]]] = defaultdict(list)
        for route in sorted(routes, key=lambda route: route.template.count("{")):
            segments = route.template.split("/")
            self._rows[len(segments)].append((segments, route))

    def find(self, method: str, path: str) -> RouteMatch:
        """Return the route of a request; 404 for an unknown path, `unknown_method_status` for a known one."""
        path_segments = path.split("/")
        is_known_path = False
        for segments, route in self._rows.get(len(path_segments), ()):
            ids = _match(segments, path_segments)
            if ids is not None:
                if route.method == method:
                    return RouteMatch(route, ids)
                is_known_path = True
        raise errors.from_status(self._unknown_method_status if is_known_path else 404)


def _match(segments: list[str], path_segments: list[str]) -> dict[str, str] | None:
    """Return the ids in a path that matches a template, None if it doesn't match."""
    ids = {}
    for segment, value in zip(segments, path_segments, strict=True):
        if segment.startswith("{"):
            ids[segment[1:-1]] = value
        elif segment != value:
            return None
    return ids if all(ids.values()) else None
