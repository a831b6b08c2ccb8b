"""What is declared, as types: forms, functions, pick lists, triggers, actions.

They trust what they are made from: the files ship with the package, and the tests check every one of
them against these types (`tests/catalog/test_declarations.py`), so that a load pays for no checking.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, ClassVar, Literal

from . import json_schema
from .json_schema import Schema
from .time_order import Keyset
from .time_windows import Window


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a credential form; `environment` names the variables that may hold it.

    `choices` are the only values it takes, where it has any. No form asks for what `login` fills in.
    """

    label: str
    help: str
    secret: bool
    required: bool
    environment: tuple[str, ...] = ()
    filled_by: Literal["person", "login"] = "person"
    choices: tuple[str, ...] = ()


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
    """What `~{Name}~` stands for: a field of the signed-in user or of the credential, or a time.

    `clock` is the present moment, `calendar` the start of the day in the user's time zone, named by `field`.
    """

    help: str
    source: Literal["user", "credential", "clock", "calendar"]
    example: str
    field: str = ""

    @property
    def is_time(self) -> bool:
        """Whether an offset such as +7d can move it."""
        return self.source in {"clock", "calendar"}


@dataclass(frozen=True, slots=True)
class Probe:
    """A harmless read that shows whether a token holds a scope."""

    action: str
    filter: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Described:
    """What has an id, and a file in `schemas/` that describes it and is read when asked."""

    id: str
    _folder: ClassVar[str] = ""

    @property
    def title(self) -> str:
        """A few words."""
        return str(self._file["title"])

    @property
    def description(self) -> str:
        """One or two sentences: when to use an action and what to call first; when an event is sent."""
        return str(self._file["description"])

    @property
    def examples(self) -> tuple[Mapping[str, Any], ...]:
        """Of an action pairs of `input` and `output`, of an event whole messages."""
        return tuple(self._file["examples"])

    @cached_property
    def _file(self) -> Schema:
        file: Schema = json_schema.read(f"{self._folder}{self.id}.json")
        return file


@dataclass(frozen=True, eq=False)
class TriggerSpec(_Described):
    """An event: the scopes of subscriptions that may carry it, and what a credential needs.

    `sources` names the events of Calendly that it is made from, if Calendly has no event of that name;
    `unseen` says what polling cannot tell.
    """

    subscriptions: tuple[str, ...]
    scopes: tuple[str, ...]
    plan: str | None = None
    sources: tuple[str, ...] = ()
    filtered_as: str = "none"
    unseen: str = ""
    _folder: ClassVar[str] = "events/"

    @cached_property
    def payload(self) -> Schema:
        """JSON Schema of the event's payload, complete in itself."""
        return json_schema.bundle(self._file["payload"])

    @cached_property
    def filters(self) -> Schema:
        """JSON Schema of the filters that the event can be picked with, complete in itself."""
        return json_schema.bundle(json_schema.read(f"filters/{self.filtered_as}.json"))


@dataclass(frozen=True, eq=False)
class Action(_Described):
    """One action: *how* from its entry in `actions/`, *what* from its file in `schemas/`, read when asked.

    `query` names inputs of a write that go into the query; `bare` says that the reply has no envelope;
    `window` that a longer range is cut into several calls; `keyset` that it is a list in order of time.
    """

    request: str
    returns: Literal["one", "many", "none"]
    scopes: tuple[str, ...]
    docs: str
    effect: Literal["read", "write", "destroy"]
    idempotent: bool
    aliases: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    query: tuple[str, ...] = ()
    bare: bool = False
    window: Window | None = None
    keyset: Keyset | None = None
    role: Literal["admin", "owner"] | None = None
    plan: str | None = None
    since: str | None = None
    deprecated: str | None = None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.request.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path with its ids in braces."""
        return self.request.partition(" ")[2]

    @cached_property
    def path_ids(self) -> tuple[str, ...]:
        """The names in the path's braces."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))

    @property
    def hints(self) -> Mapping[str, bool]:
        """What an agent should know before it calls; names and meaning as in MCP."""
        return {
            "readOnlyHint": self.effect == "read",
            "destructiveHint": self.effect == "destroy",
            "idempotentHint": self.idempotent,
            "openWorldHint": True,
        }

    @cached_property
    def sent(self) -> Schema:
        """JSON Schema of the inputs with the defaults filled in, complete in itself."""
        return json_schema.bundle(self._file["input"])

    @cached_property
    def input(self) -> Schema:
        """JSON Schema of what a caller gives; required is only what the connector cannot fill in."""
        whole = {name: rule for name, rule in self.sent.items() if name not in {"required", "anyOf"}}
        filled = {*self.defaults, *self.path_ids[:-1]}  # a URI of the last path id holds the others
        required = [name for name in self.sent.get("required", ()) if name not in filled]
        choices = self.sent.get("anyOf", ())
        if required:
            whole["required"] = required
        if choices and not any(set(choice.get("required", ())) <= self.defaults.keys() for choice in choices):
            whole["anyOf"] = choices
        return whole

    @cached_property
    def output(self) -> Schema:
        """JSON Schema of one record, complete in itself."""
        return json_schema.bundle(self._file["output"])

    @cached_property
    def inputs(self) -> Mapping[str, Schema]:
        """The schema of each input, references followed."""
        return {name: json_schema.follow(rule, self.sent) for name, rule in self.sent["properties"].items()}

    @cached_property
    def naming(self) -> frozenset[str]:
        """The inputs that name resources, somewhere inside."""
        inputs = self.inputs.items()
        return frozenset(name for name, rule in inputs if json_schema.mentions(rule, "x-resource", self.sent))

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The inputs that hold a secret."""
        return frozenset(name for name, rule in self.inputs.items() if rule.get("writeOnly"))

    @cached_property
    def input_types(self) -> Mapping[str, frozenset[str]]:
        """The JSON types that each input takes."""
        return {name: json_schema.types(rule) for name, rule in self.inputs.items()}

    def rivals(self, name: str) -> frozenset[str]:
        """Give the inputs of which any one stands in for `name` (the schema's anyOf of required)."""
        groups = [branch.get("required", []) for branch in self.sent.get("anyOf", [])]
        return frozenset(chain.from_iterable(groups)) if [name] in groups else frozenset()
