"""One action call, from inputs to records: check, resolve, send, page, compare with the schema."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from . import expressions, manifest, validation
from .api import protocol
from .api.client import Client, Reply
from .api.protocol import Request
from .contract import Filter, Params, Record, Result
from .errors import InvalidParams, Problem, UnexpectedAnswer, UsageError
from .functions import Functions
from .manifest import Action
from .redaction import MASK

_PAGE: Final = 100  # records; the most that Calendly gives on a page, and so the fewest calls


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call that passed every check that needs no network; functions are still to be resolved."""

    action: Action
    values: Mapping[str, Any]
    params: Mapping[str, Any]


class Runner:
    """Runs actions over one client."""

    def __init__(self, client: Client, resolver: Functions) -> None:
        self._client = client
        self._functions = resolver
        self._origins = tuple(dict.fromkeys((manifest.manifest().origin, client.origin)))

    def run(
        self,
        name: str,
        params: Params | None,
        rows: Filter,
        *,
        limit: int | None,
        all_pages: bool,
    ) -> Result:
        """Run an action. Of a list: one page, or up to `limit` records, or all pages."""
        prepared = self._prepare(name, params, rows, limit)
        action = prepared.action
        if action.returns == "many":
            stream = RecordStream(
                self._client, action, self._request(prepared), limit, one_page=not all_pages
            )
            records = list(stream)
            return Result(
                action=action.id,
                records=records,
                complete=stream.complete,
                next_page_token=stream.next_page_token,
                calls=stream.calls,
                warnings=stream.warnings,
            )
        request = self._request(prepared)
        reply = self._client.send(request)
        if action.returns == "none":
            return Result(action=action.id, calls=reply.calls)
        record = protocol.read_one(request, reply.document)
        check = validation.RecordCheck(action)
        check.page([record])
        return Result(action=action.id, record=record, calls=reply.calls, warnings=check.warnings)

    def iterate(self, name: str, params: Params | None, rows: Filter, *, limit: int | None) -> "RecordStream":
        """Check the call now, and give its records as they are read."""
        prepared = self._prepare(name, params, rows, limit)
        if prepared.action.returns != "many":
            raise UsageError(f"{prepared.action.id} gives no list.", fix="Use run() for it.")
        return RecordStream(self._client, prepared.action, self._request(prepared), limit, one_page=False)

    def preview(
        self, name: str, params: Params | None, rows: Filter, *, limit: int | None = None
    ) -> dict[str, Any]:
        """Show the request that a call would send; functions stay as written, secrets are masked."""
        prepared = self._prepare(name, params, rows, limit)
        action = prepared.action
        shown = {
            key: MASK if action.inputs[key].get("writeOnly") else value
            for key, value in {**prepared.params, **prepared.values}.items()
        }
        request = protocol.build_request(action.request, self._identified(action, shown, []))
        return {
            "action": action.id,
            "method": request.method,
            "url": self._client.origin + request.path,
            "query": [list(pair) for pair in request.query],
            "body": request.body,
        }

    def _prepare(self, name: str, params: Params | None, rows: Filter, limit: int | None) -> Prepared:
        plain = dict(params or {})
        rows = list(rows.items() if isinstance(rows, Mapping) else rows)
        given = frozenset(plain) | {key.removesuffix("[]") for key, _ in rows}
        action = manifest.find(name, given)
        if limit is not None and (limit < 1 or action.returns != "many"):
            raise UsageError(f"limit is how many records of a list to give, from 1; {action.id} got {limit}.")
        written, problems = expressions.gather(rows, action.input_types)
        problems += [
            Problem(key, "was given twice, in params and in filter") for key in plain.keys() & written
        ]
        written |= _defaults(action, given, limit)
        problems += self._functions.problems(written, skip={problem.path for problem in problems})
        refused = {problem.path for problem in problems}
        readable = {key: value for key, value in written.items() if key not in refused}
        sketch = plain | expressions.evaluate(readable, self._functions.example)
        validation.check_input(action, self._identified(action, sketch, problems), problems)
        return Prepared(action, written, plain)

    def _request(self, prepared: Prepared) -> Request:
        values = {**prepared.params, **expressions.evaluate(prepared.values, self._functions.resolve)}
        problems: list[Problem] = []
        values = self._identified(prepared.action, values, problems)
        if problems:
            raise InvalidParams(prepared.action.id, problems)
        return protocol.build_request(prepared.action.request, values)

    def _identified(
        self, action: Action, values: Mapping[str, Any], problems: list[Problem]
    ) -> dict[str, Any]:
        """Bring every input that names a resource into the form that Calendly wants: URI or path id."""
        identified = dict(values)
        for key, schema in action.inputs.items():
            value, kinds = values.get(key), schema.get("x-resource")
            if kinds is None or not isinstance(value, str) or "~{" in value:
                continue
            collections = [kinds] if isinstance(kinds, str) else kinds
            form = protocol.resource_id if key in action.path_ids else protocol.resource_uri
            try:
                identified[key] = form(value, collections, self._origins)
            except ValueError as error:
                problems.append(Problem(key, str(error)))
        return identified


class RecordStream:
    """Records of a list as they are read; `complete` and the rest are final when the iteration ends."""

    def __init__(
        self, client: Client, action: Action, request: Request, limit: int | None, *, one_page: bool
    ) -> None:
        self.complete = False
        self.calls = 0
        self.next_page_token: str | None = None
        self._client = client
        self._action = action
        self._request = request
        self._limit = limit
        self._one_page = one_page and limit is None
        self._check = validation.RecordCheck(action)

    def __iter__(self) -> Iterator[Record]:
        return chain.from_iterable(self.pages())

    def pages(self) -> Iterator[list[Record]]:
        """Give the records page by page; an empty page in the middle does not end the list."""
        request, left = self._request, self._limit
        seen: set[str] = set()
        while True:
            page = protocol.read_page(request, self._sent(request).document)
            token = page.next_token
            if token is not None and token in seen:
                raise UnexpectedAnswer(
                    f"{self._action.id}: Calendly gave the same page token twice, so the list has no end.",
                    fix="Start the list anew.",
                )
            records = page.records if left is None else page.records[:left]
            cut = len(records) < len(page.records)
            self._check.page(records)
            self.next_page_token = token
            self.complete = token is None and not cut
            yield records
            left = None if left is None else left - len(records)
            if token is None or left == 0 or self._one_page:
                return
            seen.add(token)
            query = tuple(pair for pair in self._request.query if pair[0] != "page_token")
            request = Request(request.method, request.path, (*query, ("page_token", token)))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the records should know."""
        return self._check.warnings

    def _sent(self, request: Request) -> Reply:
        reply = self._client.send(request)
        self.calls += reply.calls
        return reply


def _defaults(action: Action, given: frozenset[str], limit: int | None) -> dict[str, Any]:
    """Give the declared values of what was not given, and the largest useful page."""
    defaults = {
        key: value
        for key, value in action.defaults.items()
        if key not in given and not manifest.rivals(action, key) & given
    }
    if "page_token" in action.inputs and "count" not in given:
        defaults["count"] = min(_PAGE, limit or _PAGE)
    return defaults
