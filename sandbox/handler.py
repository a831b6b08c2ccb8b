"""From a request to its reply: token, limit, route, scopes, plan, parameters, operation, page."""

from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

import orjson

from . import errors, leniency
from .api import access, replies
from .api.body_rules import read_body
from .api.calls import Answer, Bare, Call, Many, Nothing, One, Route, Whole
from .api.checking import ReplyChecker
from .api.limits import Limiter
from .api.paging import TOKEN_PARAMETER, PageTokens, Query, page
from .api.parameters import page_size, read_query
from .api.replies import Headers, Reply
from .api.requests import Reading, Request
from .api.tokens import Caller, TokenBook
from .errors import ApiError
from .faults import REPLACING, Fault
from .operations.routes import Match, RouteTable
from .world import times
from .world.happenings import Happening
from .world.shapes import Record
from .world.world import World

_MOST_KEPT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Answered:
    """A reply, the operation it belongs to (`METHOD /template`), and what subscribers are to be told."""

    operation: str
    reply: Reply
    happened: list[Happening] = field(default_factory=list)


class Api:
    """All operations over one world."""

    def __init__(
        self,
        *,
        world: World,
        tokens: TokenBook,
        limiter: Limiter,
        page_tokens: PageTokens,
        reading: Reading,
        clock: Callable[[], float],
        checker: ReplyChecker | None,
        kept: "KeptReplies | None",
    ) -> None:
        self._world = world
        self._tokens = tokens
        self._limiter = limiter
        self._page_tokens = page_tokens
        self._origins = reading.origins
        self._strict = reading.strict
        self._clock = clock
        self._checker = checker
        self._kept = kept
        self._routes = RouteTable(unrouted_verb=405 if reading.strict else 404)
        self._requests = 0

    def answer(self, request: Request, fault: Fault | None = None) -> Answered:
        """Answer one request; a fault that replaces the operation wins over all but the rate headers."""
        self._requests += 1
        common: Headers = [
            ("Date", formatdate(self._clock(), usegmt=True)),
            ("X-Request-Id", self._world.ids.make("request", self._requests)),
        ]
        if not self._strict:
            common += leniency.CORS
            request = leniency.of_method(request)
        headers = common
        operation = f"{request.method} (unknown)"
        try:
            if request.method == "OPTIONS" and not self._strict:
                return self._preflight(fault, headers)
            caller = self._tokens.caller(request.authorization)
            budget = self._limiter.spend(caller) if caller else None
            headers = common + (budget.headers if budget else [])
            match = self._routes.find(request.method, request.path)
            operation = match.route.request
            if fault and fault.kind in REPLACING:
                return Answered(operation, replies.of_fault(fault, headers))
            if caller is None:
                raise errors.unauthenticated()
            if budget and budget.exceeded:
                raise errors.of_status(429)
            limits = match.route.limits
            refused = self._limiter.spend_own(caller, operation, limits) if limits else None
            if refused:
                headers = common + refused.headers
                raise errors.of_status(429)
            if not self._strict:
                request = leniency.documented(request, match.route)
            happened: list[Happening] = []
            reply = self._run(request, caller, match, headers, happened, fault)
            return Answered(operation, reply, happened)
        except ApiError as error:
            if fault and fault.kind in REPLACING:
                return Answered(operation, replies.of_fault(fault, headers))
            return Answered(operation, replies.of_error(error, headers))

    def _preflight(self, fault: Fault | None, headers: Headers) -> Answered:
        """Answer a browser that asks what it may send: without a token, and counted nowhere."""
        replaced = fault is not None and fault.kind in REPLACING
        reply = replies.of_fault(fault, headers) if fault and replaced else Reply(204, b"", headers)
        return Answered("OPTIONS (any)", reply)

    def _run(
        self,
        request: Request,
        caller: Caller,
        match: Match,
        headers: Headers,
        happened: list[Happening],
        fault: Fault | None,
    ) -> Reply:
        key = (caller.token, caller.scopes, caller.paid, request.path, request.query)
        kept = self._kept if request.method == "GET" and fault is None else None
        body = kept.get(key, self._world.version) if kept else None
        if body is not None:
            return Reply(200, body, [("Content-Type", replies.JSON), *headers])
        route = match.route
        access.require_right(caller, route)
        pairs = parse_qsl(request.query, keep_blank_values=True)
        call = self._call(request, caller, match, pairs, happened)
        answer = route.run(call)
        if isinstance(answer, Nothing):
            return Reply(204, b"", headers)
        status, value = self._body(answer, call, request.path, pairs, fault)
        self._check(route, value)
        reply = replies.of_json(status, value, headers)
        if kept and isinstance(answer, One | Many):  # all others depend on the time of day
            kept.put(key, self._world.version, reply.body)
        return reply

    def _call(
        self,
        request: Request,
        caller: Caller,
        match: Match,
        pairs: list[tuple[str, str]],
        happened: list[Happening],
    ) -> Call:
        """Read parameters and body; one 400 names what is wrong with either."""
        route, raw = match.route, _read_json(request)
        query, wrong = read_query(route.parameters, pairs, self._origins, strict=route.strict)
        body, wrong_body = read_body(route.body, raw, self._origins) if route.body else (raw, [])
        if wrong or wrong_body:
            raise errors.invalid(*wrong, *wrong_body)
        return Call(
            world=self._world,
            caller=caller,
            now=times.of_unix(self._clock()),
            ids=match.ids,
            query=query,
            body=body,
            origins=self._origins,
            happened=happened,
        )

    def _body(
        self, answer: Answer, call: Call, path: str, pairs: list[tuple[str, str]], fault: Fault | None
    ) -> tuple[int, Record]:
        if isinstance(answer, One):
            return answer.status, {"resource": answer.record}
        if isinstance(answer, Whole):
            return 200, {"collection": answer.records, **answer.beside}
        if isinstance(answer, Bare):
            return answer.status, answer.body
        assert isinstance(answer, Many)  # noqa: S101 - Nothing has no body and does not get here
        rest = [(name, value) for name, value in pairs if name != TOKEN_PARAMETER]
        body = page(
            answer.listing,
            Query(call.caller.member.uuid, self._world.origin + path, rest),
            count=page_size(call.query),
            token=call.query[TOKEN_PARAMETER],
            tokens=self._page_tokens,
            fault=fault,
        )
        return 200, {**body, **answer.beside}

    def _check(self, route: Route, body: Record) -> None:
        complaint = self._checker.complaint(route.action, body) if self._checker else None
        if complaint:
            raise ApiError(500, "Reply does not fit its schema", complaint)


def _read_json(request: Request) -> Record:
    """Give the JSON object a request carries; none at all counts as an empty one."""
    if not request.body:
        return {}
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise errors.invalid(errors.detail("the body must be a JSON object"))
    return body


class KeptReplies:
    """Rendered replies by key until the world changes; what no longer fits is rendered each time."""

    def __init__(self) -> None:
        self._bodies: dict[Any, bytes] = {}
        self._version = -1
        self._bytes = 0

    def get(self, key: Any, version: int) -> bytes | None:
        """Give the body kept under a key in this version of the world."""
        return self._bodies.get(key) if version == self._version else None

    def put(self, key: Any, version: int, body: bytes) -> None:
        """Keep a body."""
        if version != self._version:
            self.clear()
            self._version = version
        if self._bytes + len(body) <= _MOST_KEPT_BYTES:
            self._bodies[key] = body
            self._bytes += len(body)

    def clear(self) -> None:
        """Forget all bodies."""
        self._bodies.clear()
        self._bytes = 0
