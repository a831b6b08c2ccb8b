"""The connector, its connections and the calls, records and triggers that they return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Unpack

    from .catalog import ActionInfo, ManifestInfo
    from .fields import OptionPage
    from .results import (
        CheckReport,
        Event,
        Filter,
        Params,
        Polled,
        RateLimit,
        Records,
        Result,
        Settled,
        Subscription,
        SubscriptionState,
    )
    from .sign_in import CredentialStore, OAuth


class CallOptions(TypedDict, total=False):
    """How to call an action: `filter` rows beside the plain inputs, and the most records of a list."""

    filter: Filter
    limit: int | None


class Connector(Protocol):
    """The object behind the entry point: data that needs neither network nor credential, and `connect`."""

    @property
    def manifest(self) -> ManifestInfo:
        """The connector's identity, its credential forms, functions, triggers and groups of actions."""

    def actions(self) -> Mapping[str, ActionInfo]:
        """Return the catalog: every action by id."""

    def oauth(self, kind: str = "oauth") -> OAuth:
        """Return the sign-in for a kind of credential that `needs_sign_in`. Raises UsageError for others."""

    def connect(
        self,
        credential: Mapping[str, str],
        *,
        origin: str | None = None,
        source: str = "",
        store: CredentialStore | None = None,
    ) -> Connection:
        """Return a connection, without using the network.

        `origin` is for tests and sandboxes. `source` says where the host keeps the credential ("the
        connection 'calendly'"); errors that ask for another token name that place. A credential of the kind
        `stored` is read from `store`, by default the vault, and its refreshed tokens are written there.
        """


class Connection(Protocol):
    """Calendly on behalf of one credential. Use it as a context manager, or `close()` it.

    An input that is null or "" counts as missing, unless its schema accepts it as a value.
    """

    def check(self, *, deep: bool = False) -> CheckReport:
        """Report on the credential; `deep` also tries one harmless read per scope family."""

    def prepare(
        self, action: str, params: Params | None = None, **options: Unpack[CallOptions]
    ) -> PreparedCall:
        """Check a call without using the network. Raises InvalidParams, UnknownAction or UsageError."""

    def run(
        self,
        action: str,
        params: Params | None = None,
        *,
        all_pages: bool = False,
        **options: Unpack[CallOptions],
    ) -> Result:
        """Run an action. For a list, return one page, up to `limit` records, or all pages."""
        return self.prepare(action, params, **options).run(all_pages=all_pages)

    def iterate(self, action: str, params: Params | None = None, **options: Unpack[CallOptions]) -> Records:
        """Read a list as a stream. An invalid call raises here, not at the first record."""
        return self.prepare(action, params, **options).iterate()

    def preview(
        self, action: str, params: Params | None = None, **options: Unpack[CallOptions]
    ) -> Mapping[str, Any]:
        """Return the request that a call would send, with secrets masked, without using the network."""
        return self.prepare(action, params, **options).preview()

    def options(
        self,
        of: str,
        field: str,
        values: Params | None = None,
        *,
        search: str = "",
        page: str | None = None,
    ) -> OptionPage:
        """Return choices for a field of an action or trigger, by its path, at most 100 at a time.

        `values` are what the form holds already: the choices may depend on them. `search` keeps labels that
        contain the text. If the choices can't be listed, the page says why. Raises UnknownAction for an
        unknown action, trigger or field, and the error of a call if the application can't be reached or
        rejects the credential.
        """

    def settle(
        self, action: str, params: Params | None = None, *, sent_at: float, **options: Unpack[CallOptions]
    ) -> Settled:
        """Find out whether a write whose reply was lost happened, by the look-up that its action declares.

        Pass the inputs of the write, and when it was sent at the earliest (unix seconds). It never repeats
        the write, and never raises for a look-up that fails: the state is then "unknown".
        """

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
        """Have events posted to an address. The signing keys are kept in the vault.

        Raises UsageError if the application has no webhooks.
        """

    def unsubscribe(self, subscription_id: str) -> bool:
        """Delete a subscription and its key. Return False for an unknown id."""

    def subscription_states(self) -> list[SubscriptionState]:
        """Return every subscription that the connector keeps or the credential may list, and its state.

        It reads, and changes nothing. Return an empty list if the application has no webhooks. Raises the
        error of a call if the application can't be reached or rejects the credential.
        """

    def repair_subscription(self, found: SubscriptionState) -> bool:
        """Repair a subscription as its `repair` says. A person has agreed: it may create and delete some.

        Return False, and change nothing, if it is no longer in the state that was found, or needs no repair.
        Raises the error of a call that failed.
        """

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
