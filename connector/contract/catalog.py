"""What the connector declares: its identity, credential forms, functions, actions and triggers. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .fields import Field, FieldType, OutputField

Returns = Literal["one", "many", "none"]
Effect = Literal["read", "write", "destroy"]


class ManifestInfo(Protocol):
    """Who the connector is, and what it declares besides actions.

    `docs` is the address of its documentation. `credentials` are by kind, in the order of preference, and
    `functions` and `triggers` by name. Every action and trigger is in one of the `groups`.
    """

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def docs(self) -> str: ...
    @property
    def icon(self) -> Icon: ...
    @property
    def credentials(self) -> Mapping[str, CredentialKind]: ...
    @property
    def functions(self) -> Mapping[str, FunctionInfo]: ...
    @property
    def triggers(self) -> Mapping[str, TriggerInfo]: ...
    @property
    def groups(self) -> tuple[ActionGroup, ...]: ...


class Icon(Protocol):
    """The connector's own icon, shipped with it: a square SVG, and a PNG of 256 by 256 pixels."""

    @property
    def svg(self) -> bytes: ...
    @property
    def png(self) -> bytes: ...


class CredentialKind(Protocol):
    """A kind of credential, and the form for it.

    `fields` are those that a person fills in; an empty value counts as missing. If `needs_sign_in`, the
    person then signs in in a browser: `connector.oauth(kind)`. `page` is the page of the application where
    credentials are made, and `docs` explains it.
    """

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def page(self) -> str: ...
    @property
    def docs(self) -> str: ...
    @property
    def fields(self) -> tuple[Field, ...]: ...
    @property
    def needs_sign_in(self) -> bool: ...


class FunctionInfo(Protocol):
    """A function for filters, written `~{Name}~`.

    `type` is that of the fields which its value fits. `example` is how it is written, such as `~{Now+7d}~`,
    and `example_value` what that could stand for. `arguments` are what it accepts in parentheses after its
    name, in words, all of them optional. If it `takes_offset`, a time such as `+7d` or `-12h` may follow.
    Only secret inputs may contain a `secret`.
    """

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def type(self) -> FieldType: ...
    @property
    def example(self) -> str: ...
    @property
    def example_value(self) -> str: ...
    @property
    def arguments(self) -> tuple[str, ...]: ...
    @property
    def takes_offset(self) -> bool: ...
    @property
    def secret(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class ActionGroup:
    """Actions and triggers about one subject, by id, in the order of a menu."""

    id: str
    title: str
    description: str
    actions: tuple[str, ...]
    triggers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LookUp:
    """How to find out whether a write happened if its reply is lost; `connection.settle` does it.

    It runs the read `action`, and compares the fields whose paths are `by`. The write happened if a record
    has their values ("record"), if the record has changed as the write would change it ("change"), or if it
    is gone ("absence"). `description` says so in a few words.
    """

    action: str
    by: tuple[str, ...]
    expects: Literal["record", "change", "absence"]
    description: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is worth reading: the dotted path of its value in a record, and its heading.

    A list on the way contributes each of its items. `names` is the pick list that has a name for each URI.
    Without a title, the heading is the last part of the path.
    """

    path: str
    title: str = ""
    names: str = ""

    @property
    def heading(self) -> str:
        """The heading, such as "Start"."""
        return self.title or self.path.rpartition(".")[2].replace("_", " ").capitalize()


class ActionInfo(Protocol):
    """One entry of the catalog.

    `request` is its request line, empty for a recipe: an action of several calls, whose actions are `steps`.
    `effect` says what it may change, `hints` say the same in MCP's terms, and `scopes` are what the
    credential needs. A `safe_to_repeat` action can be sent again if its reply is lost. For another write,
    `look_up` says how to find out whether it happened; None if nothing can show it.

    `fields` are its inputs as a form, without secrets, and `outputs` the values of its record. `columns` are
    what a table shows, the most useful first. `input` and `output` are JSON Schemas (2020-12), the latter of
    one record; `examples` are pairs of both.

    An input with `"writeOnly": true` is a secret that the connection fills in from the credential: a host
    neither shows nor stores it.
    """

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def request(self) -> str: ...
    @property
    def steps(self) -> tuple[str, ...]: ...
    @property
    def returns(self) -> Returns: ...
    @property
    def effect(self) -> Effect: ...
    @property
    def hints(self) -> Mapping[str, bool]: ...
    @property
    def safe_to_repeat(self) -> bool: ...
    @property
    def look_up(self) -> LookUp | None: ...
    @property
    def scopes(self) -> tuple[str, ...]: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def docs(self) -> str: ...
    @property
    def fields(self) -> tuple[Field, ...]: ...
    @property
    def outputs(self) -> tuple[OutputField, ...]: ...
    @property
    def columns(self) -> tuple[Column, ...]: ...
    @property
    def input(self) -> Mapping[str, Any]: ...
    @property
    def output(self) -> Mapping[str, Any]: ...
    @property
    def examples(self) -> Sequence[Mapping[str, Any]]: ...


class TriggerInfo(Protocol):
    """An event that a flow can start with.

    `fields` are its filters as a form, and `outputs` the values of its payload. `filters` and `payload` are
    JSON Schemas; `examples` are whole messages. `polling_gaps` says what a webhook reports and polling can't
    detect, and `plan` which plan of the application has it (None: any).
    """

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def scopes(self) -> tuple[str, ...]: ...
    @property
    def plan(self) -> str | None: ...
    @property
    def polling_gaps(self) -> str: ...
    @property
    def fields(self) -> tuple[Field, ...]: ...
    @property
    def outputs(self) -> tuple[OutputField, ...]: ...
    @property
    def filters(self) -> Mapping[str, Any]: ...
    @property
    def payload(self) -> Mapping[str, Any]: ...
    @property
    def examples(self) -> Sequence[Mapping[str, Any]]: ...
