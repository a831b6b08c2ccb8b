"""The connector, its connections and its trigger."""

import json
import os
import re
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlencode, urlsplit

from calendly_connector import contract, errors

from .calls import NoteboardCall, find_problems, read_inputs
from .declared import ACTIONS, CREATED, KEY, KEYS, MANIFEST, TRIGGERS

ORIGIN = "https://api.noteboard.example"
TIMEOUT_S = 30


class NoteboardConnector(contract.Connector):
    manifest = MANIFEST

    def actions(self):
        return ACTIONS

    def oauth(self, kind="oauth"):
        raise errors.UsageError(f"Nobody signs in for a credential of the kind {kind!r}.", fix="Use a key.")

    def connect(self, credential, *, origin=None, source="", store=None):
        if credential["kind"] == "stored":
            credential = store.get(credential["name"])
        key = credential.get("key", "")
        if not re.fullmatch(KEY.pattern, key):
            raise errors.InvalidCredential(f"The key isn't {KEY.expected}.", fix=f"Copy it from {KEYS}.")
        return NoteboardConnection(origin or os.environ.get("NOTEBOARD_URL", ORIGIN), key)


class NoteboardConnection(contract.Connection):
    rate_limit = None  # Noteboard has none

    def __init__(self, origin, key):
        self.origin, self._key = origin, key

    def check(self, *, deep=False):
        try:
            me = self.request("GET", "/me")
        except errors.ConnectorError as error:
            outcome = "invalid_token" if isinstance(error, errors.Unauthenticated) else "unexpected"
            return contract.CheckReport(outcome, error.message, error.fix, "key")
        return contract.CheckReport("ok", f"Signed in as {me['name']}.", kind="key", user=me, calls=1)

    def prepare(self, action, params=None, *, filter=(), limit=None):  # noqa: A002 - the contract's name
        if action not in ACTIONS:
            known = ", ".join(ACTIONS)
            raise errors.UnknownAction(f"Unknown action {action!r}.", fix=f"Choose one of {known}.")
        inputs, problems = read_inputs(ACTIONS[action].fields, params or {}, dict(filter))
        if problems:
            raise errors.InvalidParams(action, problems)
        return NoteboardCall(self, ACTIONS[action], inputs, limit)

    def options(self, of, field, values=None, *, search="", page=None):
        declared = {**ACTIONS, **TRIGGERS}
        fields = {one.path: one for one in declared[of].fields} if of in declared else {}
        if field not in fields:
            raise errors.UnknownAction(f"{of} has no field {field!r}.")
        choices = fields[field].choices
        if not choices:
            return contract.OptionPage(reason=f"{fields[field].title} has no choices.")
        text = search.casefold()
        return contract.OptionPage(tuple(one for one in choices if text in one.label.casefold()))

    def settle(self, action, params=None, *, sent_at, **options):
        call = self.prepare(action, params, **options)
        if call.action.look_up is None:
            return contract.Settled("unknown", "A read leaves no trace.", fix="Read again.")
        try:
            for note in self.iterate("notes.list"):
                if call.inputs.items() <= note.items() and created(note) >= int(sent_at):
                    return contract.Settled("done", "The note is on the board.", note)
        except errors.ConnectorError as error:
            return contract.Settled("unknown", error.message, fix="Look for the note on the board.")
        return contract.Settled("not_done", "The note isn't on the board.")

    def request(self, method, path, values=None):
        reads, url = method == "GET", urlsplit(self.origin)
        query = f"?{urlencode(values)}" if reads and values else ""
        body = None if reads else json.dumps(values or {})
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        connect = HTTPSConnection if url.scheme == "https" else HTTPConnection
        try:
            with closing(connect(url.netloc, timeout=TIMEOUT_S)) as wire:
                wire.request(method, f"{path}{query}", body, headers)
                reply = wire.getresponse()
                text = reply.read()
        except (OSError, HTTPException) as error:
            message = f"Noteboard didn't reply: {type(error).__name__}."
            raise errors.NoAnswer(message, reason="broken", may_have_happened=not reads) from None
        raise_for(reply.status, reads=reads)
        try:
            return json.loads(text)
        except ValueError:
            message = "Noteboard's reply isn't JSON."
            raise errors.NoAnswer(message, reason="broken", may_have_happened=not reads) from None

    def trigger(self, events, filters=None, *, include_raw_reschedules=False):
        if unknown := [errors.Problem(event, "isn't an event") for event in events if event not in TRIGGERS]:
            raise errors.InvalidParams("trigger", unknown)
        if problems := list(find_problems(CREATED.fields, filters or {})):
            raise errors.InvalidParams(CREATED.id, problems)
        return NoteboardTrigger(self, dict(filters or {}))

    def receive(self, headers, body, *, subscription=""):
        raise errors.SignatureError("Noteboard sends no webhooks.", fix="Poll for events.", reason="none")

    def subscribe(self, events, callback, *, scope="", group=""):
        raise errors.UsageError("Noteboard sends no webhooks.", fix="Poll for events.")

    def unsubscribe(self, subscription_id):
        return False

    def subscription_states(self):
        return []

    def repair_subscription(self, found):
        return False

    def close(self):
        """Every request has a connection of its own."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@dataclass(frozen=True)
class NoteboardTrigger(contract.Trigger):
    connection: NoteboardConnection
    filters: dict[str, str]

    def match(self, event):
        return (event,) if self.filters.items() <= event.payload.items() else ()

    def poll(self, cursor="", *, since=None, scope="", group=""):
        """The cursor is the id of the newest note; 0 for an empty board."""
        notes = self.connection.run("notes.list", {"after": cursor}, all_pages=True)
        newest = notes.records[-1]["id"] if notes.records else cursor or "0"
        found = notes.records
        if not cursor:  # what was on the board before isn't new
            since_s = datetime.fromisoformat(since).timestamp() if since else float("inf")
            found = [note for note in found if created(note) >= since_s]
        events = [event for note in found for event in self.match(to_event(note))]
        return contract.Polled(tuple(events), newest, calls=notes.calls)

    def sample(self):
        return to_event(CREATED.examples[0])


def to_event(note):
    return contract.Event(f"note.created:{note['id']}", CREATED.id, note["created_at"], None, note)


def created(note):
    """Return when a note was put on the board, in unix seconds."""
    return datetime.fromisoformat(note["created_at"]).astimezone(UTC).timestamp()


def raise_for(status, *, reads):
    """Raise the error for a status. Its class says whether a host may repeat the call."""
    message = f"Noteboard answered {status}."
    if status == 401:
        raise errors.Unauthenticated(message, fix=f"Make a new key on {KEYS}.", status=status)
    if status >= 500:
        raise errors.CalendlyDown(message, fix="Try later.", status=status, may_have_happened=not reads)
    if status >= 300:
        raise errors.Rejected(message, fix="Check the inputs.", status=status)
