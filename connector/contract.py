"""The whole promise to a host, on one screen.

A host loads the connector by its entry point and needs nothing else:

    connector = stevedore.DriverManager("integration_platform.connectors", "calendly").driver
    with connector.connect({"kind": "personal_access_token", "token": "…"}) as connection:
        connection.check()                       # a CheckReport; never raises for a bad token
        connection.run("users.me").record        # one record
        connection.run("scheduled_events.list")  # one page; `complete` says whether that was all

Flows and hosts pass names of credentials, not credentials: `connect({"kind": "stored", "name": "work"})`.

`params` are plain values, taken as they are. `filter` is text that the author of a flow wrote:
key/value rows with `~{…}~` functions, `name[]` lists and values that take the type the action's
schema asks for. A host puts what comes from outside (a webhook, an earlier step) into `params`.
Records are plain dicts, times the ISO 8601 UTC texts that Calendly sends. Errors are in `errors`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Protocol, Self

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


@dataclass(frozen=True, slots=True)
class Result:
    """What an action gave: `record` for one, `records` for many.

    `calls` counts the HTTP requests that read them, not those for names and functions in the inputs.
    `extra` is what a list's reply says beside its records, such as `total_count`.
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
    """One choice for an input: what a person reads, and the value or URI it stands for."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Event:
    """A verified webhook. `id` is the same for every delivery of the same happening.

    `warnings` say where the payload is not as its schema has it; it is kept and handed over all the same.
    """

    id: str
    kind: str
    created_at: str
    created_by: str | None
    payload: Record
    warnings: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Polled:
    """What happened since the last look, oldest first; `cursor` is a text to give to the next one.

    `complete` is False where Calendly did not give a whole list: what is missing is found later. `calls`
    counts the requests of the look, not those for filters and for the missing halves of reschedules.
    """

    events: tuple[Event, ...]
    cursor: str
    complete: bool = True
    calls: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook subscription. `id` is ours, random, and part of its callback address `url`.

    `owner` is the URI of the organization, group or user whose events it tells, `reason` says why that
    scope. `made` is False where an equal one was there already.
    """

    id: str
    uri: str
    url: str
    events: tuple[str, ...]
    scope: Literal["organization", "user", "group"]
    owner: str
    reason: str = ""
    made: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a credential can run an action, and why (not)."""

    ability: Ability
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Headroom as Calendly's headers tell it: requests a minute, and seconds until the count restarts."""

    limit: int
    remaining: int
    reset_s: int | None


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What is known of a credential, safe to show: it never holds the secret.

    `owner` (a URI) and `expires_at` (ISO 8601, of the access token) are told of an OAuth sign-in.
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
        """Whether the credential signs in and can say who it is."""
        return self.outcome == "ok"


class Action(Protocol):
    """One entry of the catalog; data only.

    `request` is its request line, `returns` says whether one record, many or none, `effect` what it may
    change (`hints` say it in MCP's words), `scopes` what the credential must hold. `input` and `output`
    are JSON Schemas (2020-12), the latter of one record; `examples` are pairs of both.

    An input with `"writeOnly": true` is a secret: a host leaves it out of what it offers and stores, since
    the connection fills it in from the credential.
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
    def input(self) -> Mapping[str, Any]: ...
    @property
    def output(self) -> Mapping[str, Any]: ...
    @property
    def examples(self) -> Sequence[Mapping[str, Any]]: ...


class Records(Protocol):
    """Records as they arrive: iterate over them, or over `pages()` of them.

    The other fields are final when the iteration ends; a `complete` of False says that more exist.
    """

    complete: bool
    calls: int
    extra: Record
    next_page_token: str | None

    def __iter__(self) -> Iterator[Record]: ...
    def pages(self) -> Iterator[list[Record]]: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...


class Connection(Protocol):
    """Calendly on behalf of one credential. A context manager, or `close()` it.

    `check` reports on the credential (`deep` tries one harmless read per scope family). `run` gives, of
    a list, one page, or up to `limit` records, or all pages. `iterate` streams a list. `preview` shows
    the request of a call, without any network. `options` gives the choices for an input that has
    `x-options` or `enum` in its schema, and raises UsageError for any other. `request` sends what the
    catalog does not have. `rate_limit` is the headroom that the latest reply told of.

    An input that is null or "" counts as not given, unless its schema takes that as a value.

    Triggers: `subscribe` has events posted to an address, `unsubscribe` ends that (False where nothing of
    this id is known). `check_wants` refuses events and filters that there are not. `receive` verifies a
    webhook's raw body and reads it (`subscription` is the id in the address that it came to); `match`
    says what a flow is told of it, a reschedule as one event. `poll` finds the same events, with the same
    ids, by looking; keep its cursor. `sample` gives an event to design with.
    """

    @property
    def rate_limit(self) -> RateLimit | None: ...
    def check(self, *, deep: bool = False) -> CheckReport: ...
    def run(
        self,
        action: str,
        params: Params | None = None,
        *,
        filter: Filter = (),  # noqa: A002 - the platform's own word for these rows
        limit: int | None = None,
        all_pages: bool = False,
    ) -> Result: ...
    def iterate(
        self,
        action: str,
        params: Params | None = None,
        *,
        filter: Filter = (),  # noqa: A002 - the platform's own word for these rows
        limit: int | None = None,
    ) -> Records: ...
    def preview(
        self,
        action: str,
        params: Params | None = None,
        *,
        filter: Filter = (),  # noqa: A002 - the platform's own word for these rows
        limit: int | None = None,
    ) -> Mapping[str, Any]: ...
    def options(self, action: str, field: str) -> list[Option]: ...
    def request(self, method: str, path: str, values: Params | None = None) -> Any: ...
    def subscribe(
        self, events: Iterable[str], callback: str, *, scope: str = "", group: str = ""
    ) -> list[Subscription]: ...
    def unsubscribe(self, subscription_id: str) -> bool: ...
    def receive(self, headers: Mapping[str, str], body: bytes, *, subscription: str = "") -> Event: ...
    def check_wants(
        self, events: Sequence[str], filters: Params | None = None, *, halves: bool = False
    ) -> None: ...
    def match(
        self,
        event: Event,
        events: Sequence[str],
        filters: Params | None = None,
        *,
        halves: bool = False,
        find: Callable[[str], Event | None] | None = None,
        known: Callable[[str], bool] | None = None,
    ) -> tuple[Event, ...]: ...
    def poll(
        self,
        events: Sequence[str],
        cursor: str = "",
        *,
        filters: Params | None = None,
        halves: bool = False,
        since: str | None = None,
        scope: str = "",
        group: str = "",
    ) -> Polled: ...
    def sample(self, event: str) -> Event: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Connector(Protocol):
    """What the entry point gives: data without network or credential, and `connect`.

    `manifest` says who the connector is and holds the credential forms; `actions` is the catalog.
    `connect` uses no network; `origin` is for tests and sandboxes, `source` says in words where the host
    keeps the credential ("the connection 'calendly'"): errors that ask for another token name that place.
    """

    @property
    def manifest(self) -> Any: ...
    def actions(self) -> Mapping[str, Action]: ...
    def connect(
        self, credential: Mapping[str, str], *, origin: str | None = None, source: str = ""
    ) -> Connection: ...
