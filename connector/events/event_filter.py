"""The events that a trigger is for, by name and filters; checked before anything is read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..catalog import explanations, identifiers, json_schema
from ..catalog.json_schema import Schema
from ..catalog.manifest import catalog, manifest
from ..catalog.models import TriggerSpec
from ..errors import InvalidParams, Problem
from .conditions import NAMING_RESOURCES
from .reschedules import RESCHEDULED
from .scope_assignment import source_events

Lookup = Callable[[str, Schema], str]
"""Returns the URI that a name in a filter stands for, or raises ValueError."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Events by name, the events of Calendly that they are made from, and filters.

    In the filters, resources are named by the last part of their URI. `include_raw_reschedules` keeps the
    cancellation and the booking of a reschedule beside the reschedule itself.
    """

    events: tuple[str, ...]
    sources: tuple[str, ...]
    filters: Mapping[str, Any] = field(default_factory=dict)
    include_raw_reschedules: bool = False

    @property
    def joins_reschedules(self) -> bool:
        """Whether the two halves of a reschedule become one event."""
        return RESCHEDULED in self.events


def read_event_filter(
    events: Sequence[str],
    filters: Mapping[str, Any],
    *,
    include_raw_reschedules: bool,
    lookup: Lookup,
    origins: tuple[str, ...],
) -> EventFilter:
    """Check events and filters. Raises InvalidParams; a name in a filter may cost calls."""
    names = tuple(dict.fromkeys([events] if isinstance(events, str) else events))
    specs = manifest().triggers
    sources = source_events(names, specs)
    problems = [problem for name in names for problem in _problems(specs[name], filters)]
    if problems:
        raise InvalidParams("filters", list(dict.fromkeys(problems)))
    return EventFilter(
        names, sources, _with_ids(specs[names[0]], filters, lookup, origins), include_raw_reschedules
    )


def _problems(spec: TriggerSpec, filters: Mapping[str, Any]) -> list[Problem]:
    known = spec.filters["properties"]
    message = f"isn't a filter of {spec.id}. Available: {', '.join(known) or 'none'}"
    return [
        *(Problem(str(name), message) for name in filters if name not in known),
        *explanations.explain(spec.filters, {name: filters[name] for name in filters if name in known}),
    ]


def _with_ids(
    spec: TriggerSpec, filters: Mapping[str, Any], lookup: Lookup, origins: tuple[str, ...]
) -> Mapping[str, Any]:
    """Replace what names a resource by the last part of its URI; events may name it on another origin."""
    naming = [name for name in NAMING_RESOURCES if name in filters]
    if not naming:
        return filters
    found, problems = dict(filters), []
    for name in naming:
        rule = json_schema.resolve(spec.filters["properties"][name], spec.filters)
        kind, text = rule["x-resource"], filters[name]
        try:
            uri = lookup(text, rule) if identifiers.is_name(text, rule) else text
            found[name] = identifiers.resource_id(uri, {kind: catalog()[f"{kind}.get"].path}, origins)
        except ValueError as error:
            problems.append(Problem(name, str(error)))
    if problems:
        raise InvalidParams("filters", problems)
    return found
