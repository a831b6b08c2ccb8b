"""Choices that Calendly lists: which records are choices, by the values of the fields they depend on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from re import fullmatch
from typing import Any, Final
from zoneinfo import ZoneInfo

from ..catalog import field_paths, manifest, paths
from ..catalog.expressions import evaluate
from ..catalog.json_schema import Schema
from ..catalog.pick_lists import PickList
from ..contract import Filter, Option, Params, PreparedCall, Record
from ..errors import InvalidParams, PermissionDenied, Problem, UnexpectedAnswer
from .blanks import is_blank
from .functions import Functions
from .option_labels import Labels
from .option_pages import Choice, ChoicePage, Position, folded

_EMAIL: Final = r"[^@\s]+@[^@\s]+\.[^@\s.]+"
_NO_SEARCH: Final = frozenset("@,")  # emails aren't names, and a comma separates several names


@dataclass(frozen=True, slots=True)
class WantedField:
    """A field whose choices are wanted, of the action or trigger `of`.

    `given` are the values of the fields that they depend on, by path. `key` is the last part of the path if
    the field is a key of a free-form object.
    """

    of: str
    path: str
    schema: Schema
    rule: Schema
    given: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is read by: the inputs of its action, and values that its records must have.

    `lacks` are the fields to fill in first. `search` is what Calendly can't search for.
    """

    params: Mapping[str, Any]
    matches: Mapping[str, str]
    lacks: tuple[str, ...]
    search: str


@dataclass(frozen=True, slots=True)
class ListedChoices:
    """Reads choices through the actions that pick lists name.

    `names` returns the names of a record, and `uri_of` the URI that a value of a field stands for; it raises
    ValueError.
    """

    prepare: Callable[[str, Params, Filter], PreparedCall]
    functions: Functions
    names: Callable[[PickList, Record, str], tuple[str, ...]]
    uri_of: Callable[[str, Schema], str]

    def query(self, wanted: WantedField, source: PickList, search: str) -> Query:
        """Return what the list is read by. Raises InvalidParams if another field has an invalid value."""
        inputs = manifest.find(source.action).inputs
        given = {**wanted.given, wanted.path: wanted.key} if wanted.key else wanted.given
        params, matches, lacks = dict[str, Any](), dict[str, str](), list[str]()
        # Optional fields that the action or trigger doesn't have come last.
        for name, (path, value) in zip((*source.needs, *source.by), given.items(), strict=False):
            if is_blank(value):
                lacks += [path] if name in source.needs else []
            elif name in inputs:
                params[name] = self._resolved(wanted, path, value)
            else:
                matches[name] = str(self._resolved(wanted, path, value))
        if source.email and fullmatch(_EMAIL, search.strip()):
            params[source.email], search = search.strip(), ""
        elif source.search and search.strip() and not set(search) & _NO_SEARCH:
            params[source.search] = search.strip()
        return Query(params, matches, tuple(lacks), search)

    def pages(self, source: PickList, query: Query, start: Position) -> Iterator[ChoicePage]:
        """Yield the choices on each of Calendly's pages. Raises UnexpectedAnswer for an endless list."""
        action = manifest.find(source.action)
        labels = Labels(source, action, self._zone)
        at_start = self.functions.at(start.at)
        rows = {name: value for name, value in source.filter.items() if name not in query.params}
        rows = evaluate(rows, at_start.resolve)
        token, seen = start.token, set[str]()
        while True:
            paging = {"page_token": token} if token is not None else {}
            result = self.prepare(action.id, {**query.params, **paging}, rows).run()
            records = result.records if action.returns == "many" else [result.record or {}]
            following = result.next_page_token
            yield ChoicePage(token, self._choices(source, query, labels, records), following)
            if following is None:
                return
            if following in seen:
                raise UnexpectedAnswer(
                    f"{action.id}: the list doesn't end: a page token was repeated.",
                    fix="Read the list again.",
                )
            seen.add(following)
            token = following

    def _resolved(self, wanted: WantedField, path: str, value: Any) -> Any:
        found = field_paths.find(wanted.schema, path)
        if found is None or "x-resource" not in found.rule:
            return value
        try:
            return self.uri_of(value, found.rule)
        except ValueError as error:
            raise InvalidParams(wanted.of, [Problem(path, str(error))]) from None

    def _choices(self, source: PickList, query: Query, labels: Labels, records: list[Record]) -> list[Choice]:
        choices: dict[str, Choice] = {}
        for item in _items(records, source.each):
            if any(item.get(name) == value for name, value in source.skip.items()):
                continue
            if not all(_has(item, name, value) for name, value in query.matches.items()):
                continue
            for value in _texts(item, source.value) or _texts(item, source.fallback):
                if value not in choices:
                    names = self.names(source, item, value)
                    choices[value] = Choice(Option(labels.label(item, value, names), value), names)
        return list(choices.values())

    def _zone(self) -> tzinfo:
        """Return the zone of the signed-in user; UTC if it can't be read or is unknown."""
        try:
            return ZoneInfo(self.functions.user()["timezone"])
        except (PermissionDenied, KeyError, TypeError, ValueError, OSError):
            return UTC


def _items(records: list[Record], path: str) -> Iterator[Record]:
    """Yield the objects at a path of the records, or the records themselves."""
    for item in paths.values(records, path) if path else records:
        if isinstance(item, dict):
            yield item


def _texts(item: Record, path: str) -> list[str]:
    """Return the texts and numbers at a path."""
    found = paths.values(item, path) if path else ()
    return [
        str(one) for one in found if isinstance(one, str | int) and not isinstance(one, bool) and one != ""
    ]


def _has(item: Record, path: str, wanted: str) -> bool:
    """Return whether an item has a value: the same text, or a URI of the same resource."""
    last = wanted.rpartition("/")[2] if "://" in wanted else ""
    return any(
        folded(text) == folded(wanted) or (last and text.rpartition("/")[2] == last)
        for text in _texts(item, path)
    )
