"""What the connections of all destinations have in common: checked calls, pages of lists, look-ups."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self

from ...contract import CheckReport, Connection, OptionPage, Result, Settled
from ...errors import (
    ConnectorError,
    InvalidCredential,
    InvalidParams,
    NoAnswer,
    PermissionDenied,
    Problem,
    SignatureError,
    Unauthenticated,
    UnknownAction,
    UsageError,
)
from ...support.redaction import quoted
from . import inputs as action_inputs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Unpack

    from ...contract import (
        CallOptions,
        Event,
        Field,
        Filter,
        Outcome,
        Params,
        RateLimit,
        Record,
        Subscription,
        SubscriptionState,
        Trigger,
    )
    from .declarations import Declarations, DeclaredAction

_MOST_OPTIONS = 100
_OUTCOMES: Mapping[type[ConnectorError], Outcome] = {
    Unauthenticated: "invalid_token",
    PermissionDenied: "forbidden",
    NoAnswer: "offline",
    InvalidCredential: "malformed_token",
}


class Page(NamedTuple):
    """Records of a list, and the token of the next page; "" if there isn't one."""

    records: list[Record]
    next_token: str = ""


class Sent(NamedTuple):
    """The record of an action that returns one, and warnings about it."""

    record: Record
    warnings: tuple[str, ...] = ()


class Destination(Connection):
    """A connection to a destination. Threads may share it.

    A class of a destination defines `reach`, `place`, `send`, and `read` if it has lists.
    """

    def __init__(self, declarations: Declarations, credential: Mapping[str, str]) -> None:
        self._declarations = declarations
        self._credential = credential

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._credential['kind']}>"

    # What a destination defines

    def reach(self) -> str:
        """Reach the destination without changing it; return a sentence that names it."""
        raise NotImplementedError

    def place(self, inputs: Params) -> str:
        """Return the address that a call goes to, without secrets."""
        raise NotImplementedError

    def shown(self, action: DeclaredAction, inputs: Params) -> Record:
        """Return a call for a preview: its `method`, `url`, `query` and `body`, without secrets."""
        method, is_read = action.request.partition(" ")[0], action.effect == "read"
        query, body = (inputs, {}) if is_read else ({}, inputs)
        return {"method": method, "url": self.place(inputs), "query": dict(query), "body": dict(body)}

    def problems(self, action: DeclaredAction, inputs: Params) -> Iterable[Problem]:
        """Yield what is wrong with inputs that fit their schema."""
        del action, inputs
        return ()

    def send(self, action: DeclaredAction, inputs: Params) -> Sent:
        """Run an action that returns one record."""
        raise NotImplementedError

    def read(self, action: DeclaredAction, inputs: Params, token: str, count: int) -> Page:
        """Return the page of a list that has this token, with at most `count` records."""
        raise NotImplementedError

    # The contract

    def check(self, *, deep: bool = False) -> CheckReport:
        """Report whether the destination can be reached. There are no scopes, so `deep` changes nothing."""
        del deep
        kind = self._credential["kind"]
        try:
            return CheckReport("ok", self.reach(), kind=kind, calls=1)
        except ConnectorError as error:
            outcome = _OUTCOMES.get(type(error), "unexpected")
            return CheckReport(outcome, error.message, error.fix, kind)

    def prepare(
        self, action: str, params: Params | None = None, **options: Unpack[CallOptions]
    ) -> DeclaredCall:
        return self._prepare(self._action(action), params or {}, **options)

    def options(
        self,
        of: str,
        field: str,
        values: Params | None = None,
        *,
        search: str = "",
        page: str | None = None,
    ) -> OptionPage:
        del values  # no choices depend on others
        trigger = self._declarations.manifest.triggers.get(of)
        form = trigger.fields if trigger else self._action(of).fields
        found = {one.path: one for one in _walk(form)}.get(field)
        if found is None:
            raise UnknownAction(f"{of} has no field {quoted(field)}.")
        if not found.choices:
            return OptionPage(reason=f"{found.title} has no list to choose from.")
        fitting = [one for one in found.choices if search.casefold() in one.label.casefold()]
        start = int(page or 0)
        end = start + _MOST_OPTIONS
        return OptionPage(tuple(fitting[start:end]), str(end) if len(fitting) > end else None)

    def settle(
        self, action: str, params: Params | None = None, *, sent_at: float, **options: Unpack[CallOptions]
    ) -> Settled:
        del sent_at  # what is compared identifies the write
        call = self.prepare(action, params, **options)
        look_up = call.action.look_up
        if look_up is None or not all(path in call.inputs for path in look_up.by):
            return Settled("unknown", "Nothing can show whether it happened.", fix="Look at the destination.")
        try:
            found = self.run(look_up.action, {path: call.inputs[path] for path in look_up.by}).records
        except ConnectorError as error:
            return Settled(
                "unknown", f"It can't be looked up. {error.message}", fix=error.fix or "Try again."
            )
        if found:
            return Settled("done", "It was carried out.", found[0])
        return Settled("not_done", "It wasn't carried out.")

    def request(self, method: str, path: str, values: Params | None = None) -> NoReturn:
        """Raise UsageError: everything that a destination can do is an action."""
        del values
        raise UsageError(f"{method} {path} can't be sent here.", fix=f"Use an action: {self._names()}.")

    def trigger(
        self,
        events: Sequence[str],
        filters: Params | None = None,
        *,
        include_raw_reschedules: bool = False,
    ) -> Trigger:
        """Raise InvalidParams: a destination has no events."""
        del filters, include_raw_reschedules
        self._refuse(events)

    def _refuse(self, events: Iterable[str]) -> NoReturn:
        name = self._declarations.manifest.name
        raise InvalidParams("trigger", [Problem(event, f"is not an event of {name}") for event in events])

    def receive(self, headers: Mapping[str, str], body: bytes, *, subscription: str = "") -> Event:
        """Raise SignatureError: a destination sends no webhooks."""
        del headers, body, subscription
        raise SignatureError(f"{self._declarations.manifest.name} sends no webhooks.", reason="unexpected")

    def subscribe(
        self, events: Iterable[str], callback: str, *, scope: str = "", group: str = ""
    ) -> list[Subscription]:
        """Raise InvalidParams: a destination has no events."""
        del callback, scope, group
        self._refuse(events)

    def unsubscribe(self, subscription_id: str) -> bool:
        del subscription_id
        return False

    def subscription_states(self) -> list[SubscriptionState]:
        return []

    def repair_subscription(self, found: SubscriptionState) -> bool:
        del found
        return False

    @property
    def rate_limit(self) -> RateLimit | None:
        return None

    def close(self) -> None:
        """Close what is open. The default is for destinations that keep nothing open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    def _prepare(
        self,
        action: DeclaredAction,
        params: Params,
        *,
        filter: Filter = (),  # noqa: A002 - the host platform's word for these rows
        limit: int | None = None,
    ) -> DeclaredCall:
        if limit is not None and (limit < 1 or action.returns != "many"):
            raise UsageError(f"Invalid limit {limit} for {action.id}: only lists have one, of at least 1.")
        values = action_inputs.checked(action, params, filter)
        if problems := list(self.problems(action, values)):
            raise InvalidParams(action.id, problems)
        return DeclaredCall(self, action, values, limit)

    def _action(self, name: str) -> DeclaredAction:
        actions = self._declarations.actions
        if name not in actions:
            near = get_close_matches(name, actions, 1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise UnknownAction(
                f"Unknown action {quoted(name)}.", fix=f"{hint}Choose one of {self._names()}."
            )
        return actions[name]

    def _names(self) -> str:
        return ", ".join(self._declarations.actions)


@dataclass(frozen=True, slots=True)
class DeclaredCall:
    """A call with checked inputs. It is a `contract.PreparedCall`."""

    destination: Destination
    action: DeclaredAction
    inputs: Mapping[str, Any] = field(repr=False)  # may be personal
    limit: int | None = None

    def preview(self) -> Mapping[str, Any]:
        return {"action": self.action.id, **self.destination.shown(self.action, self.inputs)}

    def preview_resolved(self) -> Sequence[Mapping[str, Any]]:
        return [self.preview()]

    def run(self, *, all_pages: bool = False) -> Result:
        if self.action.returns == "one":
            record, warnings = self.destination.send(self.action, self.inputs)
            return Result(self.action.id, record, calls=1, warnings=warnings)
        listed = self.iterate()
        found = list(listed) if all_pages else next(listed.pages(), [])
        return Result(
            self.action.id,
            records=found,
            complete=listed.complete,
            next_page_token=listed.next_page_token,
            calls=listed.calls,
        )

    def iterate(self) -> ListedRecords:
        if self.action.returns != "many":
            raise UsageError(f"{self.action.id} doesn't return a list.")
        return ListedRecords(self)


class ListedRecords:
    """The records of a list as they are read, up to the limit. It is a `contract.Records`."""

    extra: Record = {}  # noqa: RUF012 - always empty
    warnings: tuple[str, ...] = ()

    def __init__(self, call: DeclaredCall) -> None:
        self._call = call
        self.complete = False
        self.calls = 0
        self.next_page_token: str | None = call.inputs.get("page_token")

    def __iter__(self) -> Iterator[Record]:
        for page in self.pages():
            yield from page

    def pages(self) -> Iterator[list[Record]]:
        call, left = self._call, self._call.limit
        count: int = call.inputs["count"]
        while not self.complete and left != 0:
            most = count if left is None else min(count, left)
            page = call.destination.read(call.action, call.inputs, self.next_page_token or "", most)
            self.calls += 1
            self.next_page_token = page.next_token or None
            self.complete = not page.next_token
            left = None if left is None else left - len(page.records)
            yield page.records


def _walk(fields: Iterable[Field]) -> Iterator[Field]:
    for one in fields:
        yield one
        yield from _walk(one.fields)
