"""What a call, a check and an event return. Plain data that pickles, and is safe to show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Record = dict[str, Any]
Params = Mapping[str, Any]
Filter = Mapping[str, Any] | Iterable[tuple[str, Any]]
Ability = Literal["can", "cannot", "unknown"]
Outcome = Literal[
    "ok",
    "missing_token",
    "malformed_token",
    "invalid_token",
    "missing_scope",
    "forbidden",
    "rate_limited",
    "offline",
    "calendly_down",
    "unexpected",
]


@dataclass(frozen=True, slots=True)
class Plain:
    """A value in a row of a filter, or anywhere inside one, that is sent as it is, like one of the `params`.

    Its text is never evaluated, split into a list or converted to another type: `Plain("~{Now}~")` sends
    `~{Now}~`. For a row such as `invitee.email` whose value comes from outside.
    """

    value: Any


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of an action: `record` for one, `records` for many.

    `calls` counts the HTTP requests that read them, without those for names and functions in the inputs.
    `extra` is what a list's reply contains beside its records, such as `total_count`.
    """

    action: str
    record: Record | None = None
    records: list[Record] = field(default_factory=list)
    complete: bool = True
    next_page_token: str | None = None
    extra: Record = field(default_factory=dict)
    calls: int = 0
    warnings: tuple[str, ...] = ()


class Records(Protocol):
    """Records as they arrive: iterate over them, or over `pages()` of them.

    The other fields are final when the iteration ends; if `complete` is False, more records exist.
    """

    def __iter__(self) -> Iterator[Record]: ...
    def pages(self) -> Iterator[list[Record]]: ...
    @property
    def complete(self) -> bool: ...
    @property
    def calls(self) -> int: ...
    @property
    def extra(self) -> Record: ...
    @property
    def next_page_token(self) -> str | None: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in Calendly. Every delivery of the same occurrence has the same `id`.

    `warnings` say where the payload doesn't fit its schema; it is delivered unchanged.
    """

    id: str
    kind: str
    created_at: str
    created_by: str | None
    payload: Record
    warnings: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Polled:
    """What happened since the last poll, oldest first. Pass the text `cursor` to the next poll.

    `complete` is False if a list broke off: the next poll finds the rest. `calls` counts the requests of the
    poll, without those for filters and for the other halves of reschedules.
    """

    events: tuple[Event, ...]
    cursor: str
    complete: bool = True
    calls: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook subscription.

    `id` is the connector's: a random text that is part of the callback address `url`. `owner` is the URI of
    the organization, group or user whose events it carries, and `reason` says why it has that scope.
    `created` is False if an equal subscription existed.
    """

    id: str
    uri: str
    url: str
    events: tuple[str, ...]
    scope: Literal["organization", "user", "group"]
    owner: str
    reason: str = ""
    created: bool = True


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """A webhook subscription as it is now, whoever created it. Without secrets.

    - `active`: the application sends its events. `failing`: the same, but posts have failed since `since`
    - `disabled`: the application has stopped sending. `vanished`: the application no longer has it
    - `pending`: its creation was started, but the reply is unknown. `surplus`: another one does its work
    - `foreign`: something else created it. `unknown`: this credential can't see it

    `id` is the connector's ("" for a foreign one), `uri` the application's ("" if it has none), and `url` the
    callback address. `message` says in words what is to know, and `repair` what would repair it, "" if there
    is nothing to repair. `sends` is False if the application doesn't send its events, also for a foreign one.
    """

    state: Literal["active", "failing", "disabled", "vanished", "pending", "surplus", "foreign", "unknown"]
    id: str
    uri: str
    url: str
    events: tuple[str, ...]
    scope: str
    owner: str
    message: str = ""
    repair: str = ""
    since: str = ""
    sends: bool = True


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The limit in Calendly's headers: requests per minute, and seconds until the count restarts."""

    limit: int
    remaining: int
    reset_s: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a credential can run an action, and the reason."""

    ability: Ability
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What is known about a credential. It never contains the secret, so it is safe to show.

    An OAuth sign-in also has `owner` (a URI) and `expires_at` (ISO 8601, of the access token).
    """

    outcome: Outcome
    message: str
    fix: str = ""
    kind: str = ""
    notes: tuple[str, ...] = ()
    user: Record | None = None
    organization: str | None = None
    role: str | None = None
    scopes: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, Verdict] = field(default_factory=dict)
    rate_limit: RateLimit | None = None
    clock_skew_s: float | None = None
    calls: int = 0
    owner: str | None = None
    expires_at: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the credential signs in and can read its own user."""
        return self.outcome == "ok"


@dataclass(frozen=True, slots=True)
class Settled:
    """Whether a write whose reply was lost happened: "done", "not_done" or "unknown".

    `record` is what was found, as the look-up returns it. `message` says what is known, and `fix` what a
    person can do if it is unknown.
    """

    state: Literal["done", "not_done", "unknown"]
    message: str
    record: Record | None = None
    fix: str = ""
