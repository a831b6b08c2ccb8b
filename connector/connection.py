"""Calendly on behalf of one credential: the object that `connect` returns.

See docs/decisions/one-page-by-default.md.
"""

from __future__ import annotations  # a host that only reads the catalog does not load the types

from contextlib import contextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Self

from .catalog import manifest
from .contract import Connection
from .errors import InvalidCredential, InvalidParams

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Unpack

    from .auth.authenticators import Authenticator
    from .calls.functions import Functions
    from .calls.inputs import Inputs
    from .calls.options import FieldOptions
    from .calls.pick_lists import PickLists
    from .catalog.json_schema import Schema
    from .contract import (
        CallOptions,
        CheckReport,
        CredentialStore,
        Event,
        Filter,
        OptionPage,
        Params,
        PreparedCall,
        RateLimit,
        Record,
        Settled,
        Subscription,
        SubscriptionState,
    )
    from .events.subscriptions import SigningKeys, Subscriptions, SubscriptionStore
    from .events.trigger import EventTrigger
    from .http.api_errors import CredentialLocation
    from .http.client import Client
    from .recipes.steps import Steps
    from .support.clock import Timeouts, Timing


class CalendlyConnection(Connection):
    """The connection that hosts use, as `contract.Connection` describes it. Threads may share it."""

    def __init__(
        self,
        credential: Mapping[str, str],
        origin: str,
        location: CredentialLocation,
        timing: Timing,
        timeouts: Timeouts | None = None,
        store: CredentialStore | None = None,
    ) -> None:
        self._credential = credential
        self._origin = origin
        self._location = location
        self._timing = timing
        self._timeouts = timeouts
        self._store = store  # of a stored credential
        self._checked_scopes: Mapping[str, str] = {}
        self._memory: dict[Any, Any] | None = None
        # Where URIs of resources may point: Calendly's origin, and the one that is called.
        self._origins = tuple(dict.fromkeys((manifest.manifest().origin, origin)))

    def __repr__(self) -> str:
        return f"<CalendlyConnection {self._credential['kind']} at {self._origin}>"

    def check(self, *, deep: bool = False) -> CheckReport:
        from .auth import credential_check

        kind = self._credential["kind"]
        try:
            authenticator = self._authenticator
        except InvalidCredential as error:
            return credential_check.unusable(error, kind)
        report = credential_check.CredentialCheck(self._client, kind, authenticator).run(deep=deep)
        self._checked_scopes = report.scopes
        return report

    def prepare(
        self, action: str, params: Params | None = None, **options: Unpack[CallOptions]
    ) -> PreparedCall:
        from .calls.action_call import ActionCall

        checked = self._inputs.check(action, params, **options)
        limit = options.get("limit")
        if checked.action.recipe:
            from .recipes.recipe_call import RecipeCall

            return RecipeCall(self._inputs, checked, self._begin_recipe, limit=limit)
        return ActionCall(self._client, self._inputs, checked, limit=limit, is_missing=self._lacks)

    def options(
        self,
        of: str,
        field: str,
        values: Params | None = None,
        *,
        search: str = "",
        page: str | None = None,
    ) -> OptionPage:
        return self._field_options.page(of, field, values or {}, search=search, page=page)

    def settle(
        self, action: str, params: Params | None = None, *, sent_at: float, **options: Unpack[CallOptions]
    ) -> Settled:
        from .calls.functions import Functions
        from .recipes.settling import settle
        from .support.clock import Timeouts

        checked = self._inputs.check(action, params, **options)
        then = Functions(self._functions.user, self._credential, lambda: sent_at)
        return settle(
            self._begin_recipe(),
            self._inputs,
            checked,
            sent_at=sent_at,
            deadline_s=(self._timeouts or Timeouts()).call_s,
            resolve_then=then.resolve,
        )

    def request(self, method: str, path: str, values: Params | None = None) -> Any:
        from .calls.action_call import send
        from .catalog.validation import not_json
        from .http.protocol import raw_request

        if problems := not_json(values or {}):
            raise InvalidParams(f"{method} {path}", problems)
        return send(self._client, raw_request(method.upper(), path, values or {}), self._lacks).document

    def trigger(
        self,
        events: Sequence[str],
        filters: Params | None = None,
        *,
        include_raw_reschedules: bool = False,
    ) -> EventTrigger:
        from .events.event_filter import read_event_filter
        from .events.trigger import EventTrigger

        chosen = read_event_filter(
            events,
            filters or {},
            include_raw_reschedules=include_raw_reschedules,
            lookup=self._find_resource,
            origins=self._origins,
        )
        return EventTrigger(self, chosen, self._timing.clock)

    def receive(self, headers: Mapping[str, str], body: bytes, *, subscription: str = "") -> Event:
        from .catalog.validation import with_warnings
        from .events.webhooks import event, signature

        header = next(
            (value for name, value in headers.items() if name.lower() == signature.HEADER.lower()), None
        )
        signature.verify(header, body, self.signing_keys(subscription), self._timing.clock())
        return with_warnings(event.read_event(body))

    def signing_keys(self, subscription: str = "") -> list[str]:
        """Return the keys that may sign webhooks to a subscription's address, or to one without an id."""
        if subscription:
            return self._keys_by_subscription(subscription)
        key = self._credential.get("signing_key")
        return [key] if key else []

    def subscribe(
        self, events: Iterable[str], callback: str, *, scope: str = "", group: str = ""
    ) -> list[Subscription]:
        return self.subscriptions().subscribe(events, callback, scope=scope, group=group)

    def unsubscribe(self, subscription_id: str) -> bool:
        return self.subscriptions().unsubscribe(subscription_id)

    def subscription_states(self) -> list[SubscriptionState]:
        from .events.subscriptions.states import states

        return states(self.subscriptions().audit())

    def repair_subscription(self, found: SubscriptionState) -> bool:
        return self.subscriptions().repair(found)

    def subscriptions(self, store: SubscriptionStore | None = None) -> Subscriptions:
        """Return the manager of webhook subscriptions, kept in the vault or in a store of the host."""
        from .events.subscriptions import Subscriptions, signer_of

        kept_in = store or _vault_store()
        return Subscriptions(
            self, kept_in, signer_of(self._credential), clock=self._timing.clock, is_missing=self._lacks
        )

    @property
    def user(self) -> Record:
        """The signed-in user; read once."""
        return self._functions.user()

    @property
    def rate_limit(self) -> RateLimit | None:
        return self._client.rate_limit

    @property
    def waits(self) -> tuple[float, float]:
        """Seconds that calls still wait for the rate limit, and seconds waited in total, these included."""
        return self._client.waits

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Within the block, pick lists are read once for all calls, and so is what recipes may remember."""
        self._memory = {}
        try:
            yield
        finally:
            self._memory = None

    def close(self) -> None:
        if "_client" in vars(self):
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    @cached_property
    def _authenticator(self) -> Authenticator:
        from .auth.authenticators import open_authenticator

        return open_authenticator(self._credential, self._location, self._timing, self._store)

    @cached_property
    def _client(self) -> Client:
        from .http.client import Client

        account = ""
        if self._credential["kind"] == "oauth":  # its token changes, so it doesn't identify the account
            account = " ".join(self._credential.get(name, "") for name in ("kind", "client_id", "owner"))
        return Client(
            self._origin,
            self._authorization,
            account=account,
            plan=self._credential.get("plan", ""),
            location=self._location,
            timing=self._timing,
            timeouts=self._timeouts,
        )

    def _authorization(self, refused: str | None) -> str:
        return self._authenticator.authorization(refused)

    @cached_property
    def _functions(self) -> Functions:
        from .calls.action_call import read_user
        from .calls.functions import Functions

        return Functions(partial(read_user, self._client), self._credential, self._timing.clock)

    def _begin_recipe(self) -> Steps:
        from .recipes.steps import Steps

        return Steps(
            self.prepare,
            self._functions.user,
            self._timing.clock,
            self._client.quota_wait_s,
            memory=self._memory,
        )

    @cached_property
    def _pick_lists(self) -> PickLists:
        from .calls.action_call import ActionCall
        from .calls.inputs import Inputs
        from .calls.pick_lists import PickLists

        inputs = Inputs(self._functions, self._origins)  # without names, which only pick lists resolve

        def prepare(action: str, params: Params, rows: Filter) -> ActionCall:
            return ActionCall(self._client, inputs, inputs.check(action, params, filter=rows))

        return PickLists(prepare, self._functions, lambda: self._memory)

    @cached_property
    def _field_options(self) -> FieldOptions:
        from .calls.listed_choices import ListedChoices
        from .calls.options import FieldOptions

        def prepare(action: str, params: Params, rows: Filter) -> PreparedCall:
            return self.prepare(action, params, filter=rows)

        listed = ListedChoices(prepare, self._functions, self._pick_lists.names, self._inputs.uri_of)
        return FieldOptions(listed, self._timing.clock)

    def _find_resource(self, name: str, field: Schema) -> str:
        """Return the URI that a name stands for. Without a name in a call, no pick list is prepared."""
        return self._pick_lists.find(name, field)

    @cached_property
    def _inputs(self) -> Inputs:
        from .calls.inputs import Inputs

        return Inputs(self._functions, self._origins, self._find_resource)

    @cached_property
    def _keys_by_subscription(self) -> SigningKeys:
        from .events.subscriptions import SigningKeys, signer_of

        return SigningKeys(_vault_store(), signer_of(self._credential), monotonic=self._timing.monotonic)

    def _lacks(self, scope: str) -> bool | None:
        from .catalog.event_scopes import is_missing

        return is_missing(scope, self._authenticator.granted_scopes(), self._checked_scopes)


def _vault_store() -> SubscriptionStore:
    from .auth.vault import open_vault
    from .events.subscriptions import VaultStore

    return VaultStore(open_vault())
