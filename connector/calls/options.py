"""The choices of a field in a form: those that its schema declares, or those that Calendly lists now."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from ..catalog import field_paths, json_schema, manifest
from ..catalog.fixed_choices import fixed_choices
from ..catalog.json_schema import Schema
from ..catalog.pick_lists import PickList, pick_list
from ..contract import Option, OptionPage, Params
from ..errors import InvalidParams, NotFound, PermissionDenied, Rejected, UnknownAction
from ..support import time_zones
from ..support.redaction import quoted
from . import option_pages
from .listed_choices import ListedChoices, WantedField
from .option_pages import Choice, ChoicePage, Position

_IS_PLACE: Final = re.compile(r"UTC|(?!Etc/)\w+/.+")  # not abbreviations such as EST5EDT


@dataclass(frozen=True, slots=True)
class FieldOptions:
    """Lists the choices of fields for one connection. `clock` returns unix seconds."""

    listed: ListedChoices
    clock: Callable[[], float]

    def page(self, of: str, path: str, values: Params, *, search: str, page: str | None) -> OptionPage:
        """Return one page of choices, as `contract.Connection.options` describes it."""
        wanted = _find(of, path, values)
        key = option_pages.list_key(of, path, wanted.given, search)
        start = Position() if page is None else option_pages.read_position(page, key)
        if start.token is None:
            start = replace(start, at=int(self.clock()))
        source = pick_list(wanted.rule)
        if source and not source.local:
            listed = self._from_calendly(wanted, source, start, search, key)
            is_empty = not (listed.options or listed.reason or search or page)
            return OptionPage(reason=source.empty) if is_empty else listed
        choices = (
            _LOCAL[source.local]()
            if source
            else [Choice(one, (one.value,)) for one in fixed_choices(wanted.rule)]
        )
        if not choices:
            described = wanted.rule.get("description", "")
            return OptionPage(reason=f"{of}: {path} has no list of choices. {described}".rstrip())
        return option_pages.cut([ChoicePage(None, choices)], start, search, key)

    def _from_calendly(
        self, wanted: WantedField, source: PickList, start: Position, search: str, key: str
    ) -> OptionPage:
        try:
            query = self.listed.query(wanted, source, search)
            if query.lacks:
                return OptionPage(reason=f"Choose {' and '.join(query.lacks)} first.", needs=query.lacks)
            return option_pages.cut(self.listed.pages(source, query, start), start, query.search, key)
        except InvalidParams as error:
            needs = tuple(problem.path for problem in error.problems if problem.path in wanted.given)
            return OptionPage(reason=str(error), needs=needs)
        except Rejected as error:
            if start.token is not None:
                raise option_pages.expired() from error
            return OptionPage(reason=str(error))
        except (PermissionDenied, NotFound) as error:
            return OptionPage(reason=str(error))


def _find(of: str, path: str, values: Params) -> WantedField:
    """Return a field of an action or trigger, with the values of those that its choices depend on.

    Raises UnknownAction.
    """
    trigger = manifest.manifest().triggers.get(of)
    if trigger:
        name, schema = of, trigger.filters
    elif manifest.named(of):
        action = manifest.find(of, frozenset([*values, re.split(r"[.\[]", path)[0]]))
        name, schema = action.id, action.sent
    else:
        raise manifest.unknown(of)
    found = field_paths.find(schema, path)
    if found is None:
        known = list(field_paths.paths(schema))
        hint = manifest.did_you_mean(path, known)
        raise UnknownAction(
            f"{name} has no {'filter' if trigger else 'input'} {quoted(path)}.",
            fix=f"{hint}Available: {', '.join(known) or 'none'}.",
        )
    rule = _with_choices(found.rule, schema)
    given = {on: field_paths.value_at(values, on, found.indexes) for on in rule.get("x-depends-on", ())}
    return WantedField(name, path, schema, rule, given, found.key)


def _with_choices(rule: Schema, root: Schema) -> Schema:
    """Return the schema that says what may be chosen: that of a list's items, unless it is a key's."""
    if "items" not in rule or "x-options" in rule:
        return rule
    items = json_schema.resolve(rule["items"], root)
    return {"description": rule.get("description", ""), **items}


def _fixed(rule: Schema) -> tuple[Choice, ...]:
    """Return the values that a schema declares. A search finds them by their label or as they are sent."""
    return tuple(Choice(option, (option.value,)) for option in fixed_choices(rule))


@cache
def _time_zones() -> tuple[Choice, ...]:
    """Return the time zones with a place, and UTC. A search finds them with spaces, too."""
    names = [name for name in time_zones.names() if _IS_PLACE.fullmatch(name)]
    return tuple(Choice(Option(name, name), (name.replace("_", " "),)) for name in names)


_LOCAL: Final[Mapping[str, Callable[[], tuple[Choice, ...]]]] = {"time_zones": _time_zones}
