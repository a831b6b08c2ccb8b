"""How the suite drives a host: what its author writes, in the host's own terms."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Inputs = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of the host's form for a credential: whether it hides what is typed, and must be filled in.

    `required` is None where the host's forms cannot say so.
    """

    secret: bool
    required: bool | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What the host says after a check: its verdict, and all the words a person is shown."""

    ok: bool
    words: str


@dataclass(frozen=True, slots=True)
class Failure:
    """How the host tells of an error: all its words, and whether it would try again (None: not said)."""

    words: str
    retryable: bool | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """What a step of a flow gave, as the next step of the host gets it."""

    record: Mapping[str, Any] | None = None
    records: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    complete: bool = True
    failure: Failure | None = None


class Host(Protocol):
    """A running host with the connector loaded.

    `catalog` gives the parameters that the host takes of each action, by action id. `store` keeps a
    credential under a name, in place of one that is there, as a user of the host does. `check` is the host's
    way to try one; `run` a flow of one step, `all_pages` for a whole list. `load` refuses a flow before it
    runs: it gives the host's words, "" where the host takes it, None where this host can only tell when it
    runs. `written` gives all that the host wrote down: its store, logs and results, as bytes or several.
    """

    def catalog(self) -> Mapping[str, Collection[str]]: ...
    def store(self, name: str, credential: Mapping[str, str]) -> None: ...
    def check(self, name: str) -> Checked: ...
    def run(self, name: str, action: str, inputs: Inputs, *, all_pages: bool = False) -> Ran: ...
    def load(self, action: str, inputs: Inputs) -> str | None: ...
    def written(self) -> bytes | Iterable[bytes]: ...


class FormHost(Host, Protocol):
    """A host with a form for each kind of credential: `form` gives its fields, by the connector's names."""

    def form(self, kind: str) -> Mapping[str, FormField]: ...


class TriggerHost(Host, Protocol):
    """A host whose flows begin with events.

    `events` gives the ids of what a trigger told since it was last called; the first call begins to look.
    """

    def events(self, name: str, event: str) -> Sequence[str]: ...
