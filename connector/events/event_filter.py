"""What a host wants to be told: events by name and filters, checked before anything is read."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..calls.pick_lists import is_name
from ..catalog import identifiers, json_schema, validation
from ..catalog.json_schema import Schema
from ..catalog.manifest import catalog, manifest
from ..catalog.models import Trigger
from ..errors import InvalidParams, Problem
from .filters import NAMING
from .reschedules import RESCHEDULED
from .scope_assignment import told_by

Lookup = Callable[[str, Schema], str]


@dataclass(frozen=True, slots=True)
class Wants:
    """Events by name, those of Calendly that tell them, and filters whose resources are named by id.

    `joins` says that two halves of a reschedule are told as one, `halves` that they are told as well.
    """

    events: frozenset[str]
    told_by: tuple[str, ...]
    filters: Mapping[str, Any] = field(default_factory=dict)
    halves: bool = False

    @property
    def joins(self) -> bool:
        """Whether a reschedule is told as one event."""
        return RESCHEDULED in self.events


def read_wants(
    events: Iterable[str],
    filters: Mapping[str, Any],
    *,
    halves: bool,
    lookup: Lookup,
    origins: tuple[str, ...],
) -> Wants:
    """Check what a host wants; `lookup` gives the URI that a name means. Raises InvalidParams."""
    wanted = [events] if isinstance(events, str) else list(events)
    triggers = manifest().triggers
    theirs = told_by(wanted, triggers)
    chosen = [triggers[event] for event in dict.fromkeys(wanted)]
    problems = [problem for trigger in chosen for problem in _problems(trigger, filters)]
    if problems:
        raise InvalidParams("filters", list(dict.fromkeys(problems)))
    return Wants(frozenset(wanted), theirs, _by_id(chosen[0], filters, lookup, origins), halves)


def _problems(trigger: Trigger, filters: Mapping[str, Any]) -> list[Problem]:
    known = trigger.filters["properties"]
    unknown = [name for name in filters if name not in known]
    fix = f"is no filter of {trigger.id}, which has {', '.join(known) or 'none'}"
    return [
        *(Problem(str(name), fix) for name in unknown),
        *validation.explain(trigger.filters, {name: filters[name] for name in filters if name in known}),
    ]


def _by_id(
    trigger: Trigger, filters: Mapping[str, Any], lookup: Lookup, origins: tuple[str, ...]
) -> dict[str, Any]:
    """Bring what names a resource to the last part of its URI: events may name it on another origin."""
    found, problems = dict(filters), []
    for name in NAMING:
        if name not in filters:
            continue
        rule = json_schema.resolve(trigger.filters["properties"][name], trigger.filters)
        kind, text = rule["x-resource"], filters[name]
        try:
            uri = lookup(text, rule) if is_name(text, rule) else text
            found[name] = identifiers.resource_id(uri, {kind: catalog()[f"{kind}.get"].path}, origins)
        except ValueError as error:
            problems.append(Problem(name, str(error)))
    if problems:
        raise InvalidParams("filters", problems)
    return found
