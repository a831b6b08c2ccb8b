"""The interface through which the suite drives a host. A host's author implements it in the host's terms."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Inputs = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of the host's credential form: its title, whether its text is hidden, whether it is required.

    `required` is None if the host's forms can't express it.
    """

    title: str
    secret: bool
    required: bool | None


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """The host's verdict on a credential, and all the text that it shows about it."""

    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as the host reports it: all its text, and whether the host would retry (None: unknown)."""

    text: str
    retryable: bool | None = None


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """The result of a flow's step, as the host passes it to the next step."""

    record: Mapping[str, Any] | None = None
    records: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    complete: bool = True
    failure: Failure | None = None


class Host(Protocol):
    """A running host with the connector loaded.

    - `catalog` returns the parameters that the host accepts for each action, by action id.
    - `store` saves a credential under a name, replacing an existing one, as a user of the host would.
    - `check` checks a stored credential in the host's own way.
    - `run` runs a flow of one step; `all_pages` asks for a whole list.
    - `load` loads a flow without running it, and returns the host's error text, "" if the host accepts the
      flow, or None if this host finds errors only when it runs.
    - `written` returns everything the host wrote: its store, logs and results, as bytes or several of them.
    """

    def catalog(self) -> Mapping[str, Collection[str]]: ...
    def store(self, name: str, credential: Mapping[str, str]) -> None: ...
    def check(self, name: str) -> CheckOutcome: ...
    def run(self, name: str, action: str, inputs: Inputs, *, all_pages: bool = False) -> RunOutcome: ...
    def load(self, action: str, inputs: Inputs) -> str | None: ...
    def written(self) -> bytes | Iterable[bytes]: ...


class FormHost(Host, Protocol):
    """A host with a form per kind of credential; `form` returns its fields by the connector's names."""

    def form(self, kind: str) -> Mapping[str, FormField]: ...


class TriggerHost(Host, Protocol):
    """A host whose flows start with events.

    `events` returns the ids of the events that a trigger found since the last call; the first call starts it.
    """

    def events(self, name: str, event: str) -> Sequence[str]: ...
