"""What a copy holds, read from `streams.yaml`: its tables, and how each is kept up to date."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from ..catalog import json_schema
from ..catalog.json_schema import Schema
from ..catalog.manifest import find
from ..errors import UsageError

Kind = Literal["text", "integer", "float", "boolean", "json", "time", "link"]

_KINDS: Mapping[frozenset[str], Kind] = {
    frozenset({"string"}): "text",
    frozenset({"integer"}): "integer",
    frozenset({"number"}): "float",
    frozenset({"boolean"}): "boolean",
}


@dataclass(frozen=True, slots=True)
class Recent:
    """How the newest records of a list are found: by its order, or by an input that takes a time."""

    back_days: int
    full_days: int
    by: str | None = None
    since: str | None = None
    input: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """One table of a copy; the fields are those of `streams.yaml`."""

    name: str
    list: str = ""
    get: str | None = None
    details: bool = False
    kept: Literal["full", "recent", "windowed"] | None = None
    whole: str | None = None
    own: str | None = None
    input: Mapping[str, Any] = field(default_factory=dict)
    parent: str | None = None
    parent_input: str = ""
    link: str | None = None
    part_of: str | None = None
    part: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    answers: str | None = None
    index: tuple[str, ...] = ()
    recent: Recent | None = None

    @property
    def needs(self) -> str | None:
        """The stream without which this one cannot be read."""
        return self.parent or self.part_of

    @property
    def above(self) -> str | None:
        """The stream whose URIs stand in `link`."""
        return self.parent or (streams()[self.part_of].parent if self.part_of else None)

    def columns(self) -> dict[str, Kind]:
        """Give a column for each property that the schema declares, but for `uri`."""
        if self.part_of:
            whole = streams()[self.part_of]
            root = find(whole.list).output
            around = json_schema.resolve(root, root)["properties"]
            shape = _object(around[self.part], root)
            declared = {**shape["properties"], **{name: around[of] for name, of in self.extra.items()}}
        else:
            root = find(self.list).output
            declared = json_schema.resolve(root, root)["properties"]
        kinds = {
            name: _kind(json_schema.resolve(rule, root)) for name, rule in declared.items() if name != "uri"
        }
        return kinds | ({self.link: "link"} if self.link else {})

    def part_in(self, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """Give this stream's record out of the record around it, None where it holds none."""
        inner = record.get(self.part)
        if not isinstance(inner, dict) or not isinstance(inner.get("uri"), str):
            return None
        return {**inner, **{name: record.get(of) for name, of in self.extra.items()}}


@cache
def streams() -> Mapping[str, Stream]:
    """Give all streams by name, in the order in which they are read."""
    import yaml

    declared = yaml.safe_load(
        files(__package__ or "calendly_connector.sync").joinpath("streams.yaml").read_bytes()
    )
    return {name: _stream(name, entry) for name, entry in declared.items()}


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """Give the streams of these names with those that they need; all where none is named."""
    wanted = set(names)
    for name in wanted - streams().keys():
        near = get_close_matches(name, streams(), n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"There is no stream {name!r}.", fix=f"{hint}The streams: {', '.join(streams())}.")
    if not wanted:
        return tuple(streams())
    for name in reversed(tuple(streams())):  # a stream stands below the one that it needs
        needed = streams()[name].needs
        if name in wanted and needed:
            wanted.add(needed)
    return tuple(name for name in streams() if name in wanted)


def parts_of(name: str, wanted: Iterable[str]) -> tuple[Stream, ...]:
    """Give the wanted streams whose records stand inside those of another."""
    return tuple(streams()[part] for part in wanted if streams()[part].part_of == name)


def _stream(name: str, entry: Mapping[str, Any]) -> Stream:
    given: dict[str, Any] = {**entry, "index": tuple(entry.get("index", ()))}
    if "recent" in given:
        given["recent"] = Recent(**given["recent"])
    return Stream(name=name, **given)


def _object(rule: Schema, root: Schema) -> Schema:
    """Give the object that a property holds, where null may stand in its place."""
    rule = json_schema.resolve(rule, root)
    return next(
        (
            shape
            for shape in (json_schema.resolve(one, root) for one in rule.get("anyOf", []))
            if "properties" in shape
        ),
        rule,
    )


def _kind(rule: Schema) -> Kind:
    kind = _KINDS.get(json_schema.types(rule) - {"null"}, "json")
    return "time" if kind == "text" and rule.get("format") == "date-time" else kind
