"""Everything that the connector promises to a host.

A host loads the connector by its entry point and needs nothing else:

    connector = stevedore.DriverManager("integration_platform.connectors", "calendly").driver
    with connector.connect({"kind": "personal_access_token", "token": "…"}) as connection:
        connection.check()                       # a CheckReport; never raises for a bad token
        connection.run("users.me").record        # one record
        connection.run("scheduled_events.list")  # one page; `complete` says whether that was all

Flows and hosts pass names of credentials, not credentials: `connect({"kind": "stored", "name": "work"})`.

`params` are plain values that are sent unchanged. `filter` is text that the author of a flow wrote: key/value
rows with `~{…}~` functions, `name[]` lists, `name.field` keys, and values that are converted to the type in
the action's schema. A host puts what comes from outside (a webhook, an earlier step) into `params`. Records
are plain dicts, times the ISO 8601 UTC texts that Calendly sends. Errors are in `errors`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType

Record = dict[str, Any]
Params = Mapping[str, Any]
Filter = Mapping[str, Any] | Iterable[tuple[str, Any]]
Returns = Literal["one", "many", "none"]
Effect = Literal["read", "write", "destroy"]
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


class Connector(Protocol):
    """The object behind the entry point: data that needs neither network nor credential, and `connect`."""

    @property
    def manifest(self) -> Any:
        """The connector's identity, its credential forms, functions and events."""

    def actions(self) -> Mapping[str, ActionInfo]:
        """Return the catalog: every action by id."""

    def connect(
        self, credential: Mapping[str, str], *, origin: str | None = None, source: str = ""
    ) -> Connection:
        """Return a connection, without using the network.

        `origin` is for tests and sandboxes. `source` says where the host keeps the credential ("the
        connection 'calendly'"); errors that ask for another token name that place.
        """


class Connection(Protocol):
    """Calendly on behalf of one credential. Use it as a context manager, or `close()` it.

    An input that is null or "" counts as missing, unless its schema accepts it as a value.
    """

    def check(self, *, deep: bool = False) -> CheckReport:
        """Report on the credential; `deep` also tries one harmless read per scope family."""

    def prepare(
        self,
        action: str,
        params: Params | None = None,
        *,
        filter: Filter = (),  # noqa: A002 - the host platform's word for these rows
        limit: int | None = None,
    ) -> PreparedCall:
        """Check a call without using the network. Raises InvalidParams, UnknownAction or UsageError."""

    def run(
        self,
        action: str,
        params: Params | None = None,
        *,
        filter: Filter = (),  # noqa: A002 - the host platform's word for these rows
        limit: int | None = None,
        all_pages: bool = False,
    ) -> Result:
        """Run an action. For a list, return one page, up to `limit` records, or all pages."""
        return self.prepare(action, params, filter=filter, limit=limit).run(all_pages=all_pages)

    def iterate(
        self,
        action: str,
        params: Params | None = None,
        *,
        filter: Filter = (),  # noqa: A002 - the host platform's word for these rows
        limit: int | None = None,
    ) -> Records:
        """Read a list as a stream. An invalid call raises here, not at the first record."""
        return self.prepare(action, params, filter=filter, limit=limit).iterate()

    def preview(
        self,
        action: str,
        params: Params | None = None,
        *,
        filter: Filter = (),  # noqa: A002 - the host platform's word for these rows
        limit: int | None = None,
    ) -> Mapping[str, Any]:
        """Return the request that a call would send, with secrets masked, without using the network."""
        return self.prepare(action, params, filter=filter, limit=limit).preview()

    def options(self, action: str, field: str) -> list[Option]:
        """Return the choices for an input with `x-options` or `enum` in its schema, else raise UsageError."""

    def request(self, method: str, path: str, values: Params | None = None) -> Any:
        """Send any API request and return the JSON reply. `values` are a read's query or a write's body."""

    def trigger(
        self,
        events: Sequence[str],
        filters: Params | None = None,
        *,
        include_raw_reschedules: bool = False,
    ) -> Trigger:
        """Return a trigger for these events. Raises InvalidParams for unknown events or filters.

        With `invitee.rescheduled`, the cancellation and the booking that make up a reschedule are left out,
        unless `include_raw_reschedules` is set.
        """

    def receive(self, headers: Mapping[str, str], body: bytes, *, subscription: str = "") -> Event:
        """Verify a webhook's raw body and return its event. Raises SignatureError.

        `subscription` is the id in the address that it was posted to: the subscription's own key in the vault
        verifies it. Without an id the credential's signing key does.
        """

    def subscribe(
        self, events: Iterable[str], callback: str, *, scope: str = "", group: str = ""
    ) -> list[Subscription]:
        """Have events posted to an address. The signing keys are kept in the vault."""

    def unsubscribe(self, subscription_id: str) -> bool:
        """Delete a subscription and its key. Return False for an unknown id."""

    @property
    def rate_limit(self) -> RateLimit | None:
        """The limit as of the last reply; None before the first, or if Calendly doesn't report it."""

    def close(self) -> None:
        """Close the network connections."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class PreparedCall(Protocol):
    """A call that passed its checks. Names and functions in its inputs are resolved when it is sent."""

    @property
    def action(self) -> ActionInfo:
        """The action; an alias is resolved."""

    def preview(self) -> Mapping[str, Any]:
        """Return the request: `action`, `method`, `url`, `query` and `body`, with secrets masked.

        For a recipe, return `action`, `steps` and `inputs`.
        """

    def preview_resolved(self) -> Sequence[Mapping[str, Any]]:
        """Return the requests as they will be sent: a long range needs several.

        Looks names and functions up, which may send reads.
        """

    def run(self, *, all_pages: bool = False) -> Result:
        """Send it. For a list, return one page, up to the limit, or all pages."""

    def iterate(self) -> Records:
        """Read a list as a stream. Raises UsageError for other actions."""


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


class Trigger(Protocol):
    """One interest in events. Webhooks and polling find the same events with the same ids."""

    def match(self, event: Event) -> tuple[Event, ...]:
        """Return the events of this trigger that a received event leads to; usually one or none.

        Both halves of a reschedule lead to the same `invitee.rescheduled`; the other half is read (two
        calls).
        """

    def poll(self, cursor: str = "", *, since: str | None = None, scope: str = "", group: str = "") -> Polled:
        """Find what happened since the poll that returned `cursor`. The first poll only sets the baseline.

        `since` (ISO 8601) makes the first poll return what happened after it. `scope` is organization, user
        or group; the default is the widest that the token's user may see.
        """

    def sample(self) -> Event:
        """Return an example of the first event: Calendly's own sample, or a declared one without it."""


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
    """One entry of the catalog; data only.

    `request` is its request line, empty for a recipe: an action of several calls, whose actions are `steps`.
    `effect` says what it may change, `hints` say the same in MCP's terms, and `scopes` are what the
    credential needs. `columns` are what a table shows, the most useful first. `input` and `output` are JSON
    Schemas (2020-12), the latter of one record; `examples` are pairs of both.

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
    def scopes(self) -> tuple[str, ...]: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def docs(self) -> str: ...
    @property
    def columns(self) -> tuple[Column, ...]: ...
    @property
    def input(self) -> Mapping[str, Any]: ...
    @property
    def output(self) -> Mapping[str, Any]: ...
    @property
    def examples(self) -> Sequence[Mapping[str, Any]]: ...


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


@dataclass(frozen=True, slots=True)
class Option:
    """One choice for an input: the text to show, and the value or URI it stands for."""

    label: str
    value: str


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
class Verdict:
    """Whether a credential can run an action, and the reason."""

    ability: Ability
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The limit in Calendly's headers: requests per minute, and seconds until the count restarts."""

    limit: int
    remaining: int
    reset_s: int | None


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
