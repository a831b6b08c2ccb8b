"""The types of what is declared: credential forms, functions, triggers, actions.

Nothing is validated at load time: the files ship with the package, and the tests check all of them
(`tests/catalog/test_declarations.py`). Fields of forms are made when they are first asked for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ..contract import Column
from . import json_schema
from .json_schema import Schema
from .look_ups import LookUpRule
from .time_order import TimeOrder
from .time_windows import TimeWindows

if TYPE_CHECKING:
    from ..contract import Field, FieldType, OutputField


@dataclass(frozen=True, slots=True)
class CredentialForm:
    """A kind of credential, and the form that a person fills in. It is a `contract.CredentialKind`.

    `added_by_sign_in` are fields of a stored credential that a sign-in fills in; no form shows them.
    """

    id: str
    title: str
    description: str
    page: str
    docs: str
    fields: "tuple[Field, ...]"
    added_by_sign_in: "tuple[Field, ...]" = ()

    @property
    def needs_sign_in(self) -> bool:
        """Whether the person must sign in in a browser after filling in the form."""
        return bool(self.added_by_sign_in)

    @property
    def all_fields(self) -> "tuple[Field, ...]":
        """Every field that a credential of this kind may have."""
        return self.fields + self.added_by_sign_in


@dataclass(frozen=True, slots=True)
class Function:
    """What `~{Name}~` stands for: a `field` of the signed-in user or of the credential, or a time.

    `clock` is the current time, `calendar` the start or the end of a `period` in the user's time zone.
    The contract's FunctionInfo explains the rest.
    """

    name: str
    description: str
    source: Literal["user", "credential", "clock", "calendar"]
    type: "FieldType"
    example: str
    example_value: str
    field: str = ""
    period: Literal["", "day", "week", "month"] = ""
    is_end: bool = False
    arguments: tuple[str, ...] = ()

    @property
    def takes_offset(self) -> bool:
        """Whether a time such as +7d may follow."""
        return self.source in {"clock", "calendar"}

    @property
    def secret(self) -> bool:
        """Whether only a secret input may contain it."""
        return self.source == "credential"


@dataclass(frozen=True, slots=True)
class Probe:
    """A harmless read that shows whether a token has a scope."""

    action: str
    filter: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Documented:
    """Something with an id and a file in `schemas/`, which is read on first use."""

    id: str
    _folder: ClassVar[str] = ""

    @property
    def title(self) -> str:
        """A few words, for menus."""
        return str(self._file["title"])

    @property
    def description(self) -> str:
        """One or two sentences: when to use an action and what to call first, or when an event is sent."""
        return str(self._file["description"])

    @property
    def examples(self) -> tuple[Mapping[str, Any], ...]:
        """Pairs of `input` and `output` of an action, or whole messages of an event."""
        return tuple(self._file["examples"])

    @cached_property
    def _file(self) -> Schema:
        file: Schema = json_schema.read(f"{self._folder}{self.id}.json")
        return file


@dataclass(frozen=True, eq=False)
class TriggerSpec(_Documented):
    """An event: the kinds of subscriptions that can carry it, and the scopes that a credential needs.

    `sources` names the Calendly events that make up an event of our own. `polling_gaps` says what
    polling can't detect. `filter_schema` is the file in `schemas/filters/`.
    """

    subscriptions: tuple[str, ...]
    scopes: tuple[str, ...]
    plan: str | None = None
    sources: tuple[str, ...] = ()
    filter_schema: str = "none"
    polling_gaps: str = ""
    _folder: ClassVar[str] = "events/"

    @cached_property
    def payload(self) -> Schema:
        """JSON Schema of the event's payload, self-contained."""
        return json_schema.bundle(self._file["payload"])

    @cached_property
    def filters(self) -> Schema:
        """JSON Schema of the event's filters, self-contained."""
        return json_schema.bundle(json_schema.read(f"filters/{self.filter_schema}.json"))

    @cached_property
    def fields(self) -> "tuple[Field, ...]":
        """The filters as fields of a form."""
        from .fields import form_fields

        return form_fields(self.filters)

    @cached_property
    def outputs(self) -> "tuple[OutputField, ...]":
        """The values of the payload, for later steps of a flow."""
        from .fields import output_fields

        return output_fields(self.payload, self.examples[0]["payload"])


@dataclass(frozen=True, eq=False)
class Action(_Documented):
    """One action, declared by its entry in `actions/` and its file in `schemas/`, which is read on first use.

    An action is one request of the API, or a recipe: a function (`recipe`) that calls other actions, `steps`.
    `query` names the inputs of a write that go into the query. `bare`: the reply has no envelope.
    `window`: a longer range is split into several calls. `time_order`: the list is in order of time.
    `probe`: the inputs that a check of the scope sends in addition to the defaults.
    `retry`: the inputs with which a repeated call finds what an earlier one created. Either `key`, a text
    that stays the same and can't be used together with the input `unless`; or `since`, the time of the
    earlier call, and `known`, the values of `field` in the records of other calls.
    `columns`: what a table shows, the most useful first; a narrow terminal leaves out the last ones.
    `look_up`: how to find out whether a write happened; `no_look_up`: why nothing can show it.
    """

    returns: Literal["one", "many", "none"]
    scopes: tuple[str, ...]
    docs: str
    effect: Literal["read", "write", "destroy"]
    idempotent: bool
    request: str = ""
    recipe: str = ""
    steps: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    query: tuple[str, ...] = ()
    bare: bool = False
    window: TimeWindows | None = None
    time_order: TimeOrder | None = None
    probe: Mapping[str, Any] = field(default_factory=dict)
    retry: Mapping[str, str] = field(default_factory=dict)
    look_up: LookUpRule | None = None
    no_look_up: str = ""
    role: Literal["admin", "owner"] | None = None
    plan: str | None = None
    since: str | None = None
    deprecated: str | None = None

    @property
    def method(self) -> str:
        """The HTTP method; empty for a recipe."""
        return self.request.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path, with its ids in braces; empty for a recipe."""
        return self.request.partition(" ")[2]

    @cached_property
    def path_ids(self) -> tuple[str, ...]:
        """The names in the path's braces."""
        return tuple(re.findall(r"\{(\w+)\}", self.request))

    @property
    def safe_to_repeat(self) -> bool:
        """Whether a call does no harm a second time."""
        return self.effect == "read" or self.idempotent

    @property
    def hints(self) -> Mapping[str, bool]:
        """Hints for agents, with MCP's names and meaning."""
        return {
            "readOnlyHint": self.effect == "read",
            "destructiveHint": self.effect == "destroy",
            "idempotentHint": self.idempotent,
            "openWorldHint": True,
        }

    @cached_property
    def sent(self) -> Schema:
        """JSON Schema of the inputs after defaults are filled in, self-contained."""
        return json_schema.bundle(self._file["input"])

    @cached_property
    def input(self) -> Schema:
        """JSON Schema of the inputs that a caller passes; only those without a default are required."""
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
        """JSON Schema of one record, self-contained."""
        return json_schema.bundle(self._file["output"])

    @cached_property
    def fields(self) -> "tuple[Field, ...]":
        """The inputs as fields of a form, without secrets."""
        from .fields import form_fields

        return form_fields(self.input, defaults=self.defaults)

    @cached_property
    def outputs(self) -> "tuple[OutputField, ...]":
        """The values of one record, for later steps of a flow."""
        from .fields import output_fields

        return output_fields(self.output, self.examples[0]["output"])

    @cached_property
    def inputs(self) -> Mapping[str, Schema]:
        """The schema of each input, with references resolved."""
        return {name: json_schema.resolve(rule, self.sent) for name, rule in self.sent["properties"].items()}

    @cached_property
    def resource_inputs(self) -> frozenset[str]:
        """The names of inputs that refer to resources, at any depth."""
        inputs = self.inputs.items()
        return frozenset(name for name, rule in inputs if json_schema.contains(rule, "x-resource", self.sent))

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The names of inputs that hold a secret."""
        return frozenset(name for name, rule in self.inputs.items() if rule.get("writeOnly"))

    @cached_property
    def input_types(self) -> Mapping[str, frozenset[str]]:
        """The JSON types that each input accepts."""
        return {name: json_schema.types(rule) for name, rule in self.inputs.items()}

    def alternatives(self, name: str) -> frozenset[str]:
        """Return the inputs that can replace `name`, itself included (the schema's anyOf of required)."""
        choices = self.sent.get("anyOf", ())
        if {"required": [name]} not in choices:
            return frozenset()
        return frozenset(chain.from_iterable(choice.get("required", ()) for choice in choices))
