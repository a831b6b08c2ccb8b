"""Calendly on behalf of one credential: what `connect` returns."""

from __future__ import annotations  # a host that only looks at the catalog does not pay for the types

from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from .catalog import manifest
from .errors import InvalidCredential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from .auth.authenticators import Access
    from .calls.runner import Runner
    from .contract import (
        CheckReport,
        Event,
        Filter,
        Option,
        Params,
        Polled,
        RateLimit,
        Record,
        Result,
        Subscription,
    )
    from .events.event_filter import Wants
    from .events.matcher import Matcher
    from .events.subscriptions import SigningKeys, Store, Subscriptions
    from .http.api_errors import CredentialLocation
    from .http.client import Client
    from .pagination.record_stream import RecordStream
    from .support.clock import Timeouts, Timing


class CalendlyConnection:
    """Calendly on behalf of one credential; `name` is its name in the vault, if it comes from there."""

    def __init__(
        self,
        credential: Mapping[str, str],
        origin: str,
        timing: Timing,
        name: str = "",
        source: str = "",
        timeouts: Timeouts | None = None,
    ) -> None:
        self._credential = credential
        self._origin = origin
        self._timing = timing
        self._stored_as = name
        self._checked_scopes: Mapping[str, str] = {}
        self._source = source
        self._timeouts = timeouts

    def __repr__(self) -> str:
        return f"<CalendlyConnection {self._credential['kind']} at {self._origin}>"

    def check(self, *, deep: bool = False) -> CheckReport:
        """Report on the credential; `deep` tries one harmless read per scope family."""
        from .auth import credential_check

        kind = self._credential["kind"]
        try:
            access = self._access
        except InvalidCredential as error:
            return credential_check.refused(error, kind)
        told = credential_check.check(self._client, kind, access.mended, deep=deep, holding=access.holding)
        self._checked_scopes = told.scopes
        return told

    def run(
        self,
        action: str,
        params: Params | None = None,
        *,
        filter: Filter = (),  # noqa: A002 - the platform's own word for these rows
        limit: int | None = None,
        all_pages: bool = False,
    ) -> Result:
        """Run an action; of a list one page, up to `limit` records, or all pages."""
        return self._runner.run(action, params, filter, limit=limit, all_pages=all_pages)

    def iterate(
        self,
        action: str,
        params: Params | None = None,
        *,
        filter: Filter = (),  # noqa: A002 - the platform's own word for these rows
        limit: int | None = None,
    ) -> RecordStream:
        """Read a list as a stream; a wrong call is refused here, not at the first record."""
        return self._runner.iterate(action, params, filter, limit=limit)

    def preview(
        self,
        action: str,
        params: Params | None = None,
        *,
        filter: Filter = (),  # noqa: A002 - the platform's own word for these rows
        limit: int | None = None,
    ) -> dict[str, Any]:
        """Show the request that a call would send; uses no network and masks secrets."""
        return self._runner.preview(action, params, filter, limit=limit)

    def options(self, action: str, field: str) -> list[Option]:
        """Return what an input can be set to: its schema's values, or resources as Calendly has them now."""
        return self._runner.options(action, field)

    def request(self, method: str, path: str, values: Params | None = None) -> Any:
        """Send any request of the API: values are a read's query or a write's body; gives the JSON reply."""
        return self._runner.request(method, path, values or {})

    def receive(self, headers: Mapping[str, str], body: bytes, *, subscription: str = "") -> Event:
        """Verify a webhook's raw body, then read it. Raises SignatureError for anything not signed by us.

        `subscription` is the id in the address that it came to: what `subscribe` made has a key of its own,
        in the vault. Without it the credential's signing key counts.
        """
        from .catalog.validation import with_warnings
        from .events.webhooks import event, signature

        header = next(
            (value for name, value in headers.items() if name.lower() == signature.HEADER.lower()), None
        )
        signature.verify(header, body, self.signing_keys(subscription), self._timing.clock())
        return with_warnings(event.read_event(body))

    def signing_keys(self, subscription: str = "") -> list[str]:
        """Give the keys that may have signed what came to a subscription; for a receiver."""
        if subscription:
            return self._keys_by_subscription(subscription)
        key = self._credential.get("signing_key")
        return [key] if key else []

    def check_wants(
        self, events: Sequence[str], filters: Params | None = None, *, halves: bool = False
    ) -> None:
        """Refuse events and filters that there are not, before anything happens. Raises InvalidParams."""
        self._wants(events, filters, halves=halves)

    def match(
        self,
        event: Event,
        events: Sequence[str],
        filters: Params | None = None,
        *,
        halves: bool = False,
        find: Callable[[str], Event | None] | None = None,
        known: Callable[[str], bool] | None = None,
    ) -> tuple[Event, ...]:
        """Give what a flow that wants these events is told of one of Calendly's; nothing where none fits.

        The two halves of a reschedule give the same `invitee.rescheduled`, with the same id; the missing half
        is read (two calls), unless `find` (event id to event) has it or `known` says that the id was told
        before. `halves` tells the halves, too.
        """
        wants = self._wants(events, filters, halves=halves)
        return self._triggers.match(event, wants, find or _nowhere, known or _never)

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
    ) -> Polled:
        """Find what happened since the look that gave `cursor`. The first look only learns what is there.

        `since` (ISO 8601) tells what happened after it on the first look. `scope` is organization, user or
        group; by default the widest that the token's user may see.
        """
        from .events.polling.poll import poll

        wants = self._wants(events, filters, halves=halves)
        now = self._timing.clock()
        return poll(self, self._triggers, wants, cursor, now=now, since=since, scope=scope, group=group)

    def sample(self, event: str) -> Event:
        """Give an event to design a flow with: Calendly's own sample, or a declared one where it has none."""
        from .events.samples import sample

        return sample(self, self._triggers, event)

    def subscribe(
        self, events: Iterable[str], callback: str, *, scope: str = "", group: str = ""
    ) -> list[Subscription]:
        """Have events posted to an address, with a signing key that is kept in the vault."""
        return self.subscriptions().subscribe(events, callback, scope=scope, group=group)

    def unsubscribe(self, subscription_id: str) -> bool:
        """End a subscription of ours and forget its key; False where there is none of this id."""
        return self.subscriptions().unsubscribe(subscription_id)

    def subscriptions(self, store: Store | None = None) -> Subscriptions:
        """Give the life cycle of webhook subscriptions, kept in the vault or in a store of the host."""
        from .events.subscriptions import Subscriptions, signer_of

        kept_in = store or _vault_store()
        return Subscriptions(
            self, kept_in, signer_of(self._credential), clock=self._timing.clock, lacks=self._lacks
        )

    @property
    def rate_limit(self) -> RateLimit | None:
        """Headroom as of the last reply; None before the first, and where Calendly does not tell it."""
        return self._client.rate_limit

    @property
    def waits(self) -> tuple[float, float]:
        """Seconds that calls still wait for the account's limit, and seconds in all, that wait included."""
        return self._client.waits

    def close(self) -> None:
        """Close the network connections that are kept open."""
        if "_client" in vars(self):
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    @cached_property
    def _access(self) -> Access:
        from .auth.authenticators import open_access

        return open_access(self._credential, self._stored_as, self._timing, self._location.place)

    @cached_property
    def _location(self) -> CredentialLocation:
        from .auth.authenticators import credential_location

        is_for_calendly = self._origin == manifest.manifest().origin
        return credential_location(
            self._credential, self._stored_as, self._source, is_for_calendly=is_for_calendly
        )

    @cached_property
    def _client(self) -> Client:
        from .http.client import Client

        return Client(
            self._origin,
            self._authorization,
            account=self._account,
            plan=self._credential.get("plan", ""),
            location=self._location,
            timeouts=self._timeouts,
            timing=self._timing,
        )

    def _authorization(self, refused: str | None) -> str:
        return self._access.authorization(refused)

    @property
    def _account(self) -> str:
        """Whose requests these are, where the token does not tell for long: OAuth's changes."""
        if self._credential["kind"] != "oauth":
            return ""
        return " ".join(self._credential.get(name, "") for name in ("kind", "client_id", "owner"))

    @cached_property
    def _keys_by_subscription(self) -> SigningKeys:
        from .events.subscriptions import SigningKeys, signer_of

        return SigningKeys(_vault_store(), signer_of(self._credential), monotonic=self._timing.monotonic)

    @cached_property
    def _triggers(self) -> Matcher:
        from .events.matcher import Matcher

        return Matcher(self)

    def _wants(self, events: Sequence[str], filters: Params | None, *, halves: bool) -> Wants:
        """Read what is wanted, once: a name in a filter may cost calls."""
        from .events.event_filter import read_wants

        asked = repr((tuple(events), filters, halves))
        if asked not in self._known_wants:
            origins = tuple(dict.fromkeys((manifest.manifest().origin, self._origin)))
            self._known_wants[asked] = read_wants(
                events, filters or {}, halves=halves, lookup=self._runner.find, origins=origins
            )
        return self._known_wants[asked]

    @cached_property
    def _known_wants(self) -> dict[str, Wants]:
        return {}

    @cached_property
    def _runner(self) -> Runner:
        from .calls.functions import Functions
        from .calls.runner import Runner

        def fetch_user() -> Record:
            return runner.run("users.me", None, ()).record or {}

        functions = Functions(fetch_user, self._credential, self._timing.clock)
        runner = Runner(self._client, functions, lacks=self._lacks)
        return runner

    def _lacks(self, scope: str) -> bool | None:
        from .catalog.event_scopes import is_missing

        return is_missing(scope, self._access.granted(), self._checked_scopes)


def _vault_store() -> Store:
    from .auth.vault import open_vault
    from .events.subscriptions import VaultStore

    return VaultStore(open_vault())


def _nowhere(_event_id: str) -> Event | None:
    return None


def _never(_event_id: str) -> bool:
    return False
