"""The declarations as typed objects: identity, credential forms, functions, actions.

Read lazily, one file at a time, and trusted: they ship with the package and the tests check every
one of them against these types (`tests/test_declarations.py`), so that a load pays for no checking.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from itertools import chain
from typing import Any, Literal

from . import __version__
from .contract import Effect, Returns
from .errors import UnknownAction

_PACKAGE = __package__ or "calendly_connector"
_EFFECTS: dict[str, Effect] = {"GET": "read", "DELETE": "destroy"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a credential form; `environment` names the variables that may hold it."""

    label: str
    help: str
    secret: bool
    required: bool
    environment: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CredentialForm:
    """A kind of credential, as a host shows it to a person."""

    label: str
    help: str
    page: str
    docs: str
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Function:
    """What `~{Name}~` stands for: a field of the signed-in user, of the credential, or the clock."""

    help: str
    source: Literal["user", "credential", "clock"]
    example: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """A harmless read that shows whether a token holds a scope."""

    action: str
    filter: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Action:
    """One action: *how* from its entry in `actions/`, *what* from its file in `schemas/`, read when asked."""

    id: str
    request: str
    returns: Returns
    scopes: tuple[str, ...]
    docs: str
    aliases: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    effect: Effect = "read"
    role: Literal["admin", "owner"] | None = None
    plan: str | None = None
    since: str | None = None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.request.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path with its ids in braces."""
        return self.request.partition(" ")[2]

    @property
    def path_ids(self) -> tuple[str, ...]:
        """The names in the path's braces."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))

    @cached_property
    def _schema(self) -> Mapping[str, Any]:
        schema: Mapping[str, Any] = _read_schema(f"{self.id}.json")
        return schema

    @property
    def title(self) -> str:
        """A few words, imperative."""
        return str(self._schema["title"])

    @property
    def description(self) -> str:
        """When to use it, and what to call first."""
        return str(self._schema["description"])

    @cached_property
    def sent(self) -> Mapping[str, Any]:
        """JSON Schema of the inputs with the defaults filled in, complete in itself."""
        return bundle(self._schema["input"])

    @cached_property
    def input(self) -> Mapping[str, Any]:
        """JSON Schema of what a caller gives, complete in itself: what has a default is not required."""
        schema = {name: rule for name, rule in self.sent.items() if name not in {"required", "anyOf"}}
        required = [name for name in self.sent.get("required", ()) if name not in self.defaults]
        choices = self.sent.get("anyOf", ())
        if required:
            schema["required"] = required
        if choices and not any(set(choice.get("required", ())) <= self.defaults.keys() for choice in choices):
            schema["anyOf"] = choices
        return schema

    @cached_property
    def output(self) -> Mapping[str, Any]:
        """JSON Schema of one record, complete in itself."""
        return bundle(self._schema["output"])

    @property
    def examples(self) -> tuple[Mapping[str, Any], ...]:
        """Pairs of `input` and `output` that pass the schemas."""
        return tuple(self._schema["examples"])

    @cached_property
    def inputs(self) -> Mapping[str, Mapping[str, Any]]:
        """The schema of each input, references followed."""
        return {name: _deref(schema, self.sent) for name, schema in self.sent["properties"].items()}

    @cached_property
    def input_types(self) -> Mapping[str, frozenset[str]]:
        """The JSON types that each input takes."""
        return {name: _types(schema) for name, schema in self.inputs.items()}


class Manifest:
    """The connector's identity card; data only."""

    def __init__(self) -> None:
        card = _read_yaml(_PACKAGE, "manifest.yaml")
        self.version = __version__
        self.id: str = card["id"]
        self.name: str = card["name"]
        self.summary: str = card["summary"]
        self.icon: str = card["icon"]
        self.docs: str = card["docs"]
        self.origin: str = card["origin"]
        self._credential_kinds: tuple[str, ...] = tuple(card["credentials"])
        self._functions: Mapping[str, Any] = card["functions"]
        self._probes: Mapping[str, Any] = card["probes"]

    @cached_property
    def credentials(self) -> Mapping[str, CredentialForm]:
        """The form of each kind of credential."""
        return {kind: _form(kind) for kind in self._credential_kinds}

    @cached_property
    def functions(self) -> Mapping[str, Function]:
        """What each `~{Name}~` stands for."""
        return {name: Function(**entry) for name, entry in self._functions.items()}

    @cached_property
    def probes(self) -> Mapping[str, Probe]:
        """One harmless read for each read scope."""
        return {scope: Probe(**entry) for scope, entry in self._probes.items()}


@cache
def manifest() -> Manifest:
    """Give the manifest; read once in a process."""
    return Manifest()


@cache
def catalog() -> Mapping[str, Action]:
    """Give all actions by id, resource by resource."""
    return {action.id: action for resource in _resources() for action in _actions_of(resource).values()}


def find(name: str, given: frozenset[str] = frozenset()) -> Action:
    """Find an action by id or alias.

    Entries may share an alias: of those, the one that needs the most path ids, all of them given, wins.
    """
    resource, _, _ = name.rpartition(".")
    if resource in _resources() and name in (actions := _actions_of(resource)):
        return actions[name]
    matches = named(name)
    if not matches:
        raise UnknownAction(f"There is no action {name!r}.", fix=_nearest_actions(name))
    ready = [action for action in matches if given.issuperset(action.path_ids)]
    return max(ready or matches, key=lambda action: len(action.path_ids))


def named(name: str) -> tuple[Action, ...]:
    """Give every action that bears this id or alias; capitals do not matter."""
    if name in catalog():
        return (catalog()[name],)
    wanted = name.strip().casefold()
    return tuple(
        action
        for action in catalog().values()
        if wanted in {alias.casefold() for alias in (action.id, *action.aliases)}
    )


def bundle(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make a schema complete in itself: each shape that it names becomes `#/$defs/<shape>`."""
    definitions: dict[str, Any] = {}

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return {name: walk(item) for name, item in node.items()}
        name = reference.removeprefix("shapes/").removesuffix(".json")
        if name not in definitions:
            definitions[name] = {}  # stands already, so that a shape may name itself
            shape = {
                key: value for key, value in _read_schema(f"shapes/{name}.json").items() if key != "$schema"
            }
            definitions[name] = walk(shape)
        return {**{key: walk(value) for key, value in node.items()}, "$ref": f"#/$defs/{name}"}

    whole = walk(schema)
    return {**whole, "$defs": definitions} if definitions else whole


def rivals(action: Action, name: str) -> frozenset[str]:
    """Give the inputs of which any one stands in for `name` (the schema's anyOf of required)."""
    groups = [branch.get("required", []) for branch in action.sent.get("anyOf", [])]
    return frozenset(chain.from_iterable(groups)) if [name] in groups else frozenset()


@cache
def _resources() -> tuple[str, ...]:
    names = (entry.name for entry in files(f"{_PACKAGE}.actions").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


@cache
def _actions_of(resource: str) -> Mapping[str, Action]:
    entries = _read_yaml(f"{_PACKAGE}.actions", f"{resource}.yaml")
    return {action.id: action for action in _declared(resource, entries)}


def _declared(resource: str, entries: Mapping[str, Mapping[str, Any]]) -> Iterator[Action]:
    for verb, entry in entries.items():
        method = entry["request"].partition(" ")[0]
        lists = {"scopes": tuple(entry["scopes"]), "aliases": tuple(entry.get("aliases", ()))}
        effect = entry.get("effect", _EFFECTS.get(method, "write"))
        yield Action(**{"id": f"{resource}.{verb}", **entry, **lists, "effect": effect})


def _form(kind: str) -> CredentialForm:
    card = _read_yaml(f"{_PACKAGE}.credentials", f"{kind}.yaml")
    fields = {
        name: Field(**{**entry, "environment": tuple(entry.get("environment", ()))})
        for name, entry in card["fields"].items()
    }
    return CredentialForm(**{**card, "fields": fields})


def _read_yaml(package: str, name: str) -> Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C loader is ten times as fast, where built
    return yaml.load(files(package).joinpath(name).read_bytes(), loader)  # noqa: S506 - both loaders are safe


@cache
def _read_schema(name: str) -> Any:
    import json

    return json.loads(files(f"{_PACKAGE}.schemas").joinpath(name).read_bytes())


def _deref(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        target = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    declared = schema.get("type", [])
    return frozenset([declared] if isinstance(declared, str) else declared)


def _nearest_actions(name: str) -> str:
    from difflib import get_close_matches

    words = {
        alias.casefold(): alias for action in catalog().values() for alias in (action.id, *action.aliases)
    }
    nearest = [words[word] for word in get_close_matches(name.casefold(), words, n=3, cutoff=0.5)]
    hint = f"Did you mean {', '.join(nearest)}? " if nearest else ""
    return f"{hint}`calendly-connector actions` lists them all."
