"""One action call whose inputs are checked: preview it, run it, or iterate over its records."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from ..catalog import event_scopes, manifest, validation
from ..catalog.event_scopes import Lacks
from ..catalog.models import Action
from ..contract import Record, Result
from ..errors import Rejected, UsageError
from ..http import protocol
from ..http.client import Client, Reply
from ..http.request import Request
from ..pagination.record_stream import RecordStream
from .inputs import CheckedInputs, Inputs


class ActionCall:
    """A call that passed every check that needs no network.

    Names and `~{…}~` functions in its inputs are resolved when it is sent. `is_missing` says whether the
    credential lacks a scope.
    """

    def __init__(
        self,
        client: Client,
        inputs: Inputs,
        checked: CheckedInputs,
        *,
        limit: int | None = None,
        is_missing: Lacks = event_scopes.unknown_scope,
    ) -> None:
        self.action = checked.action
        self._client = client
        self._inputs = inputs
        self._checked = checked
        self._limit = limit
        self._is_missing = is_missing

    def preview(self) -> dict[str, Any]:
        """Return the request, with secrets masked and with names and functions as written."""
        return self._shown(self._inputs.shown(self._checked))

    def preview_resolved(self) -> list[dict[str, Any]]:
        """Return the requests as they will be sent, with secrets masked, after looking names up."""
        return [
            self._shown(self._inputs.masked(self.action, values))
            for values in self._inputs.resolve(self._checked)
        ]

    def _shown(self, values: Mapping[str, Any]) -> dict[str, Any]:
        request = _build(self.action, values)
        return {
            "action": self.action.id,
            "method": request.method,
            "url": self._client.origin + unquote(request.path),
            "query": [list(pair) for pair in request.query],
            "body": request.body,
        }

    def run(self, *, all_pages: bool = False) -> Result:
        """Send it. Of a list, read one page, up to the limit, or all pages."""
        requests = self._requests()
        if self.action.returns != "many":
            reply = send(self._client, requests[0], self._is_missing)
            return read_result(self.action, requests[0], reply)
        one_page = not all_pages
        stream = RecordStream(self._client, self.action, requests, limit=self._limit, one_page=one_page)
        records = list(stream)
        return Result(
            action=self.action.id,
            records=records,
            complete=stream.complete,
            next_page_token=stream.next_page_token,
            extra=stream.extra,
            calls=stream.calls,
            warnings=stream.warnings,
        )

    def iterate(self) -> RecordStream:
        """Return the records of a list as a stream. Raises UsageError for any other action."""
        if self.action.returns != "many":
            raise UsageError(f"{self.action.id} doesn't return a list.", fix="Use run() instead.")
        return RecordStream(self._client, self.action, self._requests(), limit=self._limit)

    def _requests(self) -> list[Request]:
        return [_build(self.action, values) for values in self._inputs.resolve(self._checked)]


def send(client: Client, request: Request, is_missing: Lacks) -> Reply:
    """Send a request; if it creates a subscription, check its scopes first and explain a rejection."""
    events = event_scopes.subscribed_events(request.method, request.path, request.body)
    event_scopes.check(events, is_missing)
    try:
        return client.send(request)
    except Rejected as error:
        raise event_scopes.explained(error, events, is_missing) from None


def read_result(action: Action, request: Request, reply: Reply) -> Result:
    """Return the result of an action that returns one record or none."""
    if action.returns == "none":
        return Result(action=action.id, calls=reply.calls)
    record = protocol.read_one(request, reply.document, bare=action.bare)
    check = validation.RecordCheck(action)
    check.page([record])
    return Result(action=action.id, record=record, calls=reply.calls, warnings=check.warnings)


def read_user(client: Client) -> Record:
    """Read the signed-in user through `users.me`, which has no inputs to resolve."""
    request = _build(manifest.find("users.me"), {})
    return protocol.read_one(request, client.send(request).document)


def _build(action: Action, values: Mapping[str, Any]) -> Request:
    return protocol.build_request(action.request, values, action.query, action=action.id)
