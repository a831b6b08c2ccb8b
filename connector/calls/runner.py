"""One action call, from inputs to records."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from ..catalog import event_scopes, json_schema, validation
from ..catalog.event_scopes import Lacks
from ..catalog.expressions import evaluate
from ..catalog.json_schema import Schema
from ..catalog.manifest import find, manifest
from ..catalog.models import Action
from ..contract import Filter, Option, Params, Record, Result
from ..errors import InvalidParams, Rejected, UnknownAction, UsageError
from ..http import protocol
from ..http.client import Client, Reply
from ..http.protocol import Request
from ..pagination.record_stream import RecordStream
from ..support.redaction import quoted
from .functions import Functions
from .inputs import Inputs, Prepared
from .pick_lists import Choices


class Runner:
    """Runs actions over one client. `lacks` tells which scopes the credential is known to lack."""

    def __init__(
        self, client: Client, functions: Functions, *, lacks: Lacks = event_scopes.unknown_scope
    ) -> None:
        self._client = client
        self._lacks = lacks
        self._choices = Choices(self._listed, self._read, lambda text: evaluate(text, functions.resolve))
        origins = tuple(dict.fromkeys((manifest().origin, client.origin)))
        self._inputs = Inputs(functions, self._choices, origins)

    def run(
        self,
        name: str,
        params: Params | None,
        rows: Filter,
        *,
        limit: int | None = None,
        all_pages: bool = False,
    ) -> Result:
        """Run an action. Of a list: one page, or up to `limit` records, or all pages."""
        prepared = self._inputs.prepare(name, params, rows, limit)
        action = prepared.action
        requests = self._requests(prepared)
        if action.returns == "many":
            stream = RecordStream(self._client, action, requests, limit=limit, one_page=not all_pages)
            records = list(stream)
            return Result(
                action=action.id,
                records=records,
                complete=stream.complete,
                next_page_token=stream.next_page_token,
                extra=stream.extra,
                calls=stream.calls,
                warnings=stream.warnings,
            )
        reply = self._send(requests[0])
        if action.returns == "none":
            return Result(action=action.id, calls=reply.calls)
        record = protocol.read_one(requests[0], reply.document, bare=action.bare)
        check = validation.RecordCheck(action)
        check.page([record])
        return Result(action=action.id, record=record, calls=reply.calls, warnings=check.warnings)

    def iterate(
        self, name: str, params: Params | None, rows: Filter, *, limit: int | None = None
    ) -> RecordStream:
        """Check the call now, and give its records as they are read."""
        prepared = self._inputs.prepare(name, params, rows, limit)
        if prepared.action.returns != "many":
            raise UsageError(f"{prepared.action.id} gives no list.", fix="Use run() for it.")
        return RecordStream(self._client, prepared.action, self._requests(prepared), limit=limit)

    def preview(
        self, name: str, params: Params | None, rows: Filter, *, limit: int | None = None
    ) -> dict[str, Any]:
        """Show the request of a call; functions and names stay as written, secrets are masked."""
        prepared = self._inputs.prepare(name, params, rows, limit)
        request = _request(prepared.action, self._inputs.shown(prepared))
        return {
            "action": prepared.action.id,
            "method": request.method,
            "url": self._client.origin + unquote(request.path),
            "query": [list(pair) for pair in request.query],
            "body": request.body,
        }

    def options(self, name: str, field: str) -> list[Option]:
        """Return what an input can be set to: its schema's values, or what Calendly lists now."""
        action = find(name)
        if field not in action.inputs:
            raise UnknownAction(
                f"{action.id} has no input {quoted(field)}.", fix=f"It has {', '.join(action.inputs)}."
            )
        rule = json_schema.resolve(action.inputs[field].get("items", action.inputs[field]), action.sent)
        if "enum" in rule:
            texts = dict.fromkeys(str(value) for value in rule["enum"] if value is not None)
            return [Option(text, text) for text in texts]
        if "x-options" not in rule:
            described = action.inputs[field].get("description", "")
            raise UsageError(f"{action.id}: {field} has no list to choose from.", fix=described)
        return self._choices.options(rule)

    def find(self, text: str, field: Schema) -> str:
        """Give the URI that a name means in a field with a pick list; ValueError if it is not just one."""
        return self._choices.find(text, field)

    def request(self, method: str, path: str, values: Mapping[str, Any]) -> Any:
        """Send any request of the API; give the reply's JSON document."""
        if problems := validation.not_json(values):
            raise InvalidParams(f"{method} {path}", problems)
        return self._send(protocol.raw_request(method.upper(), path, values)).document

    def _send(self, request: Request) -> Reply:
        events = event_scopes.subscribed_events(request.method, request.path, request.body)
        event_scopes.check(events, self._lacks)
        try:
            return self._client.send(request)
        except Rejected as error:
            raise event_scopes.explained(error, events, self._lacks) from None

    def _requests(self, prepared: Prepared) -> list[Request]:
        return [_request(prepared.action, values) for values in self._inputs.resolve(prepared)]

    def _listed(self, action: str, rows: Mapping[str, Any]) -> Iterable[Record]:
        return self.iterate(action, None, rows)

    def _read(self, action: str, uri: str) -> Record:
        return self.run(action, {find(action).path_ids[-1]: uri}, ()).record or {}


def _request(action: Action, values: Mapping[str, Any]) -> Request:
    return protocol.build_request(action.request, values, action.query, action=action.id)
