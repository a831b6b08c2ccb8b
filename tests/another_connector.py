"""A second connector, for an invented library service: only the contract and the standard library.

It is small enough to read, and has every part: the conformance kit's ConnectorSuite passes. `Shelf` is the
application itself, in memory (tests/support/shelf_application.py). What the connector declares is in
tests/support/shelf_catalog.py, and how it reads inputs in tests/support/shelf_inputs.py.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from time import time
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import shelf_application as application
from calendly_connector.contract import (
    CheckReport,
    Connection,
    Connector,
    Event,
    OAuth,
    Option,
    OptionPage,
    Polled,
    Result,
    Settled,
    SignInRequest,
    Subscription,
    SubscriptionState,
    Trigger,
)
from calendly_connector.errors import (
    CalendlyDown,
    ConnectorError,
    InvalidParams,
    NoAnswer,
    NotFound,
    PermissionDenied,
    Problem,
    SignatureError,
    SignInFailed,
    Unauthenticated,
    UnknownAction,
    UsageError,
)
from shelf_application import ReplyLost, Shelf
from shelf_catalog import ACTIONS, MANIFEST
from shelf_inputs import merged, plain, problems, walk

SIGNATURE = "shelf-signature"
_ORIGIN = "https://api.shelf.example"
_MASKED = "(secret)"
_NO_PARAMS: Mapping[str, Any] = MappingProxyType({})


class ShelfConnector(Connector):
    """Shelf as a connector."""

    def __init__(self, shelf):
        self._shelf = shelf

    @property
    def manifest(self):
        return MANIFEST

    def actions(self):
        return ACTIONS

    def oauth(self, kind="oauth"):
        if not (known := self.manifest.credentials.get(kind)) or not known.needs_sign_in:
            raise UsageError(f"Nobody signs in for a credential of the kind {kind!r}.")
        return ShelfOAuth(self, self._shelf)

    def connect(self, credential, *, origin=None, source="", store=None):
        del origin, source  # Shelf is in memory, and its messages say where keys are made
        return ShelfConnection(self, self._shelf, credential, store)


class ShelfConnection(Connection):
    def __init__(self, connector, shelf, credential, store):
        self._connector, self._shelf = connector, shelf
        self._store, self._name = store, ""
        self._credential = dict(credential)
        if credential["kind"] == "stored":
            self._name = credential["name"]
            self._credential = store.get(self._name)

    def __repr__(self):
        return f"<ShelfConnection {self._credential['kind']}>"

    def check(self, *, deep=False):
        kind = self._credential["kind"]
        del deep  # every scope is needed to read anything
        try:
            me = self.request("GET", "/me")
        except Unauthenticated as error:
            return CheckReport("invalid_token", error.message, error.fix, kind)
        except ConnectorError as error:
            return CheckReport("unexpected", error.message, error.fix, kind)
        return CheckReport("ok", f"Signed in as {me['name']}.", kind=kind, user=me, calls=1)

    def prepare(self, action, params=None, *, filter=(), limit=None):  # noqa: A002 - the contract's name
        chosen = self._action(action)
        rows = list(filter.items()) if isinstance(filter, Mapping) else list(filter)
        examples = merged(chosen.fields, params or {}, rows, self._example(chosen))
        if wrong := list(problems(chosen.fields, examples, chosen.secrets)):
            raise InvalidParams(chosen.id, wrong)
        return ShelfCall(self, chosen, params or {}, rows, limit)

    def options(self, of, field, values=None, *, search="", page=None):
        chosen = dict(walk(self._form(of))).get(field)
        if chosen is None:
            raise UnknownAction(f"{of} has no field {field!r}.")
        if chosen.choices:
            found = [one for one in chosen.choices if search.casefold() in one.label.casefold()]
            return OptionPage(tuple(found))
        if not chosen.has_options:
            return OptionPage(reason=f"{chosen.title} has no list to choose from.")
        values = values or {}
        if missing := tuple(path for path in chosen.depends_on if not values.get(path)):
            return OptionPage(reason=f"Fill in first: {', '.join(missing)}.", needs=missing)
        query = {path: values[path] for path in chosen.depends_on} | {
            "search": search,
            "page_token": page,
            "count": 100,
        }
        try:
            reply = self.request("GET", f"/{chosen.name}s" if chosen.name != "branch" else "/branches", query)
        except ConnectorError as error:
            return OptionPage(reason=str(error))
        labels = ("title", "name", "uri")
        found = [
            Option(next(one[name] for name in labels if name in one), one["uri"]) for one in reply["records"]
        ]
        return OptionPage(tuple(found), reply["next_page_token"])

    def settle(self, action, params=None, *, sent_at, **options):
        call = self.prepare(action, params, **options)
        look_up = call.action.look_up
        if look_up is None:
            return Settled("unknown", "Nothing can show it.", fix="Look it up in Shelf.")
        since = datetime.fromtimestamp(int(sent_at), UTC).isoformat()
        try:
            inputs = call.inputs()
            records = self.run(look_up.action, {"created_since": since}, all_pages=True).records
        except ConnectorError as error:
            return Settled("unknown", f"It can't be looked up. {error.message}", fix=error.fix)
        for record in records:
            if all(_at(record, path) == _at(inputs, path) for path in look_up.by):
                return Settled("done", "It was carried out.", record)
        return Settled("not_done", "It wasn't carried out.")

    def request(self, method, path, values=None):
        try:
            return self._send(method, path, values)
        except Unauthenticated:
            if not self._name or "refresh_token" not in self._credential:
                raise
        self._refresh()
        return self._send(method, path, values)

    def trigger(self, events, filters=None, *, include_raw_reschedules=False):
        del include_raw_reschedules  # loans aren't rescheduled
        for event in events:
            if event not in self._connector.manifest.triggers:
                raise InvalidParams("trigger", [Problem(event, "is not an event")])
            known = self._connector.manifest.triggers[event]
            if wrong := list(problems(known.fields, filters or {})):
                raise InvalidParams(event, wrong)
        return ShelfTrigger(self, tuple(events), dict(filters or {}))

    def receive(self, headers, body, *, subscription=""):
        del subscription  # one key signs for all of them
        signature = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE, "")
        key = self._credential.get("signing_key", "")
        if not key or not hmac.compare_digest(signature.encode(), application.sign(body, key).encode()):
            raise SignatureError("The signature doesn't match the body.", reason="mismatch")
        message = json.loads(body)
        return _event(message["loan"])

    def subscribe(self, events, callback, *, scope="", group=""):
        del scope, group  # a key sees the whole library
        events, number = tuple(events), token_urlsafe(8)
        made = self.run("webhooks.create", {"url": f"{callback}?id={number}", "events": list(events)}).record
        library = f"{_ORIGIN}/library"
        return [Subscription(number, made["uri"], made["url"], events, "organization", library)]

    def unsubscribe(self, subscription_id):
        webhooks = self.request("GET", "/webhooks", {"count": 100})["records"]
        found = [one for one in webhooks if one["url"].endswith(f"?id={subscription_id}")]
        for webhook in found:
            self.request("DELETE", urlsplit(webhook["uri"]).path)
        return bool(found)

    def subscription_states(self):
        webhooks = self.request("GET", "/webhooks", {"count": 100})["records"]
        return [_state(one) for one in webhooks]

    def repair_subscription(self, found):
        del found  # Shelf never disables one
        return False

    @property
    def rate_limit(self):
        return None  # Shelf has none

    def close(self):
        """Shelf is in memory."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def resolve(self, action):
        """Return the function that resolves functions in an action's filter."""
        stand_for = self._example(action)

        def resolved(path, name, offset):
            stand_for(path, name, offset)  # checks it
            if name == "Today":
                number, unit = (int(offset[:-1]), offset[-1]) if offset else (0, "d")
                days = timedelta(days=number) if unit == "d" else timedelta(hours=number)
                return (datetime.now(UTC) + days).date().isoformat()
            return (
                self._credential["signing_key"]
                if name == "SigningKey"
                else self.request("GET", "/me")["email"]
            )

        return resolved

    def secret_inputs(self, action):
        """Return the secret inputs of an action, from the credential."""
        return {name: self._credential.get(name, "") for name in action.secrets}

    def _action(self, name):
        known = self._connector.actions()
        for one in known.values():
            if name == one.id or name in one.aliases:
                return one
        raise UnknownAction(f"Unknown action {name!r}.", fix=f"Choose one of {', '.join(known)}.")

    def _form(self, of):
        triggers = self._connector.manifest.triggers
        return triggers[of].fields if of in triggers else self._action(of).fields

    def _example(self, action):
        def stand_for(path, name, offset):
            function = self._connector.manifest.functions.get(name)
            if function is None or (offset and not function.takes_offset):
                raise InvalidParams(action.id, [Problem(path, f"has an unknown function {name}{offset}")])
            if function.secret and path not in action.secrets:
                raise InvalidParams(action.id, [Problem(path, f"isn't secret, so {name} may not be in it")])
            return function.example_value

        return stand_for

    def _refresh(self):
        """Refresh the tokens of a stored credential, unless another process has just done it."""
        with self._store.lock(self._name):
            stored = self._store.get(self._name)
            if stored["access_token"] == self._credential["access_token"]:
                stored = self._connector.oauth(stored["kind"]).refresh(stored)
                self._store.put(self._name, stored)
            self._credential = stored

    def _send(self, method, path, values):
        token = self._credential.get("key") or self._credential.get("access_token", "")
        sent = {name: value for name, value in (values or {}).items() if value is not None}
        try:
            return self._shelf.handle(method, path, token, sent)
        except ReplyLost:
            lost = method != "GET"
            raise NoAnswer("Shelf didn't reply.", reason="broken", may_have_happened=lost) from None
        except application.Refused as error:
            raise _error(error) from None


@dataclass(frozen=True)
class ShelfCall:
    connection: ShelfConnection
    action: Any
    params: Mapping[str, Any]
    rows: list[tuple[str, Any]]
    limit: int | None

    def inputs(self):
        """Return the inputs, with their functions resolved."""
        return merged(self.action.fields, self.params, self.rows, self.connection.resolve(self.action))

    def preview(self):
        shown = {**self.params, **plain(dict(self.rows)), **dict.fromkeys(self.action.secrets, _MASKED)}
        return self._request(shown)

    def preview_resolved(self):
        return [self._request({**self.inputs(), **dict.fromkeys(self.action.secrets, _MASKED)})]

    def run(self, *, all_pages=False):
        if self.action.returns != "many":
            record, _ = self._send(self.inputs())
            return Result(self.action.id, record=record, calls=1)
        records = self.iterate()
        found = list(records) if all_pages else next(records.pages(), [])
        return Result(
            self.action.id, None, found, records.complete, records.next_page_token, calls=records.calls
        )

    def iterate(self):
        if self.action.returns != "many":
            raise UsageError(f"{self.action.id} doesn't return a list.")
        return ShelfRecords(self._send, self.inputs(), self.limit)

    def _send(self, inputs):
        sent = {**inputs, **self.connection.secret_inputs(self.action)}
        request = self._request(sent)
        path = urlsplit(request["url"]).path
        reply = self.connection.request(request["method"], path, request["body"] or request["query"])
        return (
            (reply["records"], reply["next_page_token"]) if self.action.returns == "many" else (reply, None)
        )

    def _request(self, inputs):
        method, _, path = self.action.request.partition(" ")
        rest = dict(inputs)
        url = rest.pop(path.strip("{}")) if path.startswith("{") else f"{_ORIGIN}{path}"
        reads = method == "GET"
        return {
            "action": self.action.id,
            "method": method,
            "url": url,
            "query": rest if reads else {},
            "body": {} if reads else rest,
        }


class ShelfRecords:
    """Records as they arrive, up to a limit."""

    extra: Mapping[str, Any] = MappingProxyType({})
    warnings = ()

    def __init__(self, send, inputs, limit):
        self._send, self._inputs, self._limit = send, inputs, limit
        self.complete, self.calls, self.next_page_token = False, 0, inputs.get("page_token")

    def __iter__(self):
        for page in self.pages():
            yield from page

    def pages(self):
        left = self._limit
        while not self.complete and left != 0:
            inputs = {**self._inputs, "page_token": self.next_page_token}
            if left is not None:
                inputs["count"] = min(left, inputs.get("count", left))
            records, self.next_page_token = self._send(inputs)
            self.calls += 1
            self.complete = self.next_page_token is None
            left = None if left is None else left - len(records)
            yield records


class ShelfTrigger(Trigger):
    def __init__(self, connection, events, filters):
        self._connection, self._events, self._filters = connection, events, filters

    def match(self, event):
        fits = event.kind in self._events and self._filters.items() <= event.payload.items()
        return (event,) if fits else ()

    def poll(self, cursor="", *, since=None, scope="", group=""):
        del scope, group  # a key sees the whole library
        loans = self._connection.run("loans.list", all_pages=True).records
        seen = (
            int(cursor)
            if cursor
            else sum(one["created_at"] < since for one in loans)
            if since
            else len(loans)
        )
        events = [event for one in loans[seen:] for event in self.match(_event(one))]
        return Polled(tuple(events), str(len(loans)), calls=1)

    def sample(self):
        return _event(MANIFEST.triggers[self._events[0]].examples[0]["loan"])


@dataclass(frozen=True)
class ShelfOAuth(OAuth):
    connector: Any
    shelf: Shelf

    def required_scopes(self, uses):
        declared = {**self.connector.actions(), **self.connector.manifest.triggers}
        if unknown := sorted(set(uses) - declared.keys()):
            raise UnknownAction(f"Unknown action {unknown[0]!r}.")
        return tuple(sorted({scope for use in uses for scope in declared[use].scopes}))

    def authorize(self, credential, *, uses=(), scopes=(), redirect_uri=""):
        state, verifier = token_urlsafe(32), token_urlsafe(48)
        asked = tuple(sorted({*self.required_scopes(list(uses)), *scopes}))
        where = redirect_uri or credential["redirect_uri"]
        query = {
            "response_type": "code",
            "client_id": credential["client_id"],
            "redirect_uri": where,
            "scope": " ".join(asked),
            "state": state,
            "code_challenge": application.challenge(verifier),
            "code_challenge_method": "S256",
        }
        url = f"https://shelf.example/authorize?{urlencode(query)}"
        return SignInRequest(url, where, asked, time(), state, verifier)

    def exchange(self, credential, request, redirected_to):
        reply = {name: values[0] for name, values in parse_qs(urlsplit(redirected_to).query).items()}
        if not hmac.compare_digest(reply.get("state", "").encode(), request.state.encode()):
            raise SignInFailed("The redirect belongs to another sign-in.", reason="state")
        return self._grant(
            credential, grant_type="authorization_code", code=reply["code"], code_verifier=request.verifier
        )

    def refresh(self, credential):
        return self._grant(credential, grant_type="refresh_token", refresh_token=credential["refresh_token"])

    def revoke(self, credential):
        for name in ("access_token", "refresh_token"):
            self.shelf.revoke(credential.get(name))
        return {name: value for name, value in credential.items() if not name.endswith("_token")}

    def _grant(self, credential, **form):
        client = {name: credential[name] for name in application.CLIENT}
        try:
            return {**credential, **self.shelf.grant({**client, **form})}
        except application.Refused as error:
            raise SignInFailed(f"Shelf refused the sign-in: {error}.", reason="refused") from None


def _event(loan):
    return Event(f"loan.created:{loan['uri']}", "loan.created", loan["created_at"], None, loan)


def _state(webhook):
    number = webhook["url"].partition("?id=")[2]
    events = tuple(webhook["events"])
    library = f"{_ORIGIN}/library"
    return SubscriptionState(
        "active", number, webhook["uri"], webhook["url"], events, "organization", library
    )


def _at(record, path):
    for part in path.split("."):
        record = record.get(part) if isinstance(record, dict) else None
    return record


def _error(refused):
    """Return the error for an error reply."""
    message = f"Shelf answered {refused.status}: {refused}."
    if refused.status == 401:
        return Unauthenticated(message, fix="Make a new key in Shelf's settings.", status=401)
    if refused.status == 403:
        return PermissionDenied(message, fix="Sign in again.", status=403, reason="scope")
    if refused.status == 404:
        return NotFound(message, fix="List what exists.", status=404)
    return CalendlyDown(message, fix="Try again later.", status=refused.status)


connector = ShelfConnector(Shelf())
"""What a host finds at the entry point."""
