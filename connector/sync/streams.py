"""The tables of a sync, declared in `streams.yaml`, and the kinds of their columns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from ..catalog import json_schema
from ..catalog.manifest import find
from ..errors import UsageError

ColumnKind = Literal["text", "integer", "float", "boolean", "json", "time", "link"]

_KINDS: Final[Mapping[frozenset[str], ColumnKind]] = {
    frozenset({"string"}): "text",
    frozenset({"integer"}): "integer",
    frozenset({"number"}): "float",
    frozenset({"boolean"}): "boolean",
}


@dataclass(frozen=True, slots=True)
class RecentSpec:
    """How to read only the newest records: in the order of `by`, or with a time as the input `since`."""

    back_days: int
    full_days: int
    by: str | None = None
    since: str | None = None
    input: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One table. The fields are explained in `streams.yaml`."""

    name: str
    list: str = ""
    get: str | None = None
    get_details: bool = False
    refresh: Literal["full", "recent", "windowed"] | None = None
    organization_input: str | None = None
    user_input: str | None = None
    input: Mapping[str, Any] = field(default_factory=dict)
    parent: str | None = None
    parent_input: str = ""
    parent_column: str = ""
    embedded_in: str | None = None
    embedded_as: str = ""
    outer_columns: Mapping[str, str] = field(default_factory=dict)
    answers: str | None = None
    index: tuple[str, ...] = ()
    recent: RecentSpec | None = None

    @property
    def linked_to(self) -> str | None:
        """The table whose URIs are in `parent_column`."""
        return self.parent or (streams()[self.embedded_in].parent if self.embedded_in else None)

    def columns(self) -> dict[str, ColumnKind]:
        """Return the kinds of the columns: all properties that the schema declares, except `uri`."""
        root = find(streams()[self.embedded_in].list if self.embedded_in else self.list).output
        properties = json_schema.resolve(root, root)["properties"]
        if self.embedded_in:
            shape = json_schema.resolve(properties[self.embedded_as], root)
            for option in shape.get("anyOf", ()):  # the object or null
                if "properties" in (followed := json_schema.resolve(option, root)):
                    shape = followed
                    break
            outer = {name: properties[source] for name, source in self.outer_columns.items()}
            properties = {**shape["properties"], **outer}
        kinds: dict[str, ColumnKind] = {}
        for name, declared in properties.items():
            rule = json_schema.resolve(declared, root)
            kind = _KINDS.get(json_schema.types(rule) - {"null"}, "json")
            kinds[name] = "time" if kind == "text" and rule.get("format") == "date-time" else kind
        kinds.pop("uri", None)
        return kinds | ({self.parent_column: "link"} if self.parent_column else {})

    def embedded_record(self, outer: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return this table's record from inside another one, None if there isn't one."""
        inner = outer.get(self.embedded_as)
        if not isinstance(inner, dict) or not isinstance(inner.get("uri"), str):
            return None
        return {**inner, **{name: outer.get(source) for name, source in self.outer_columns.items()}}


@cache
def streams() -> Mapping[str, StreamSpec]:
    """Return all tables by name, in the order in which they are read."""
    import yaml

    source = files(__package__ or "calendly_connector.sync").joinpath("streams.yaml")
    specs = {}
    for name, entry in yaml.safe_load(source.read_bytes()).items():
        recent = RecentSpec(**entry.pop("recent")) if "recent" in entry else None
        specs[name] = StreamSpec(name, index=tuple(entry.pop("index", ())), recent=recent, **entry)
    return specs


def select_streams(names: Iterable[str]) -> tuple[str, ...]:
    """Return these tables and those that they depend on, or all of them if `names` is empty.

    Raises UsageError for unknown names.
    """
    wanted = set(names)
    for name in wanted - streams().keys():
        near = get_close_matches(name, streams(), n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"Unknown stream {name!r}.", fix=f"{hint}Available: {', '.join(streams())}.")
    if not wanted:
        return tuple(streams())
    for name in reversed(tuple(streams())):  # a table comes after the one that it depends on
        needed = streams()[name].parent or streams()[name].embedded_in
        if name in wanted and needed:
            wanted.add(needed)
    return tuple(name for name in streams() if name in wanted)


def embedded_streams(name: str, wanted: Iterable[str]) -> tuple[StreamSpec, ...]:
    """Return the wanted tables whose records are inside those of another one."""
    return tuple(streams()[other] for other in wanted if streams()[other].embedded_in == name)
