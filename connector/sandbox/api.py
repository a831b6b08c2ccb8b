"""From a request to its reply: token, limit, route, scopes, plan, parameters, operation, page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from . import access, errors, replies, times
from .calls import Call, Many, Nothing, One, Route
from .checking import ReplyChecker
from .errors import ApiError
from .faults import REPLACING, Fault
from .limits import Limiter
from .paging import TOKEN_PARAMETER, PageTokens, Query, page
from .parameters import page_size, read_query
from .replies import Headers, Reply
from .routes import Match, RouteTable
from .shapes import Record
from .tokens import Caller, TokenBook
from .world import World

_MOST_KEPT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    query: str
    authorization: str | None
    body: bytes


@dataclass(frozen=True)
class Answered:
    """A reply and the operation it belongs to, `METHOD /template`."""

    operation: str
    reply: Reply


class Api:
    """All operations over one world."""

    def __init__(
        self,
        *,
        world: World,
        tokens: TokenBook,
        limiter: Limiter,
        page_tokens: PageTokens,
        origins: frozenset[str],
        clock: Callable[[], float],
        checker: ReplyChecker | None,
        kept: "KeptReplies | None",
    ) -> None:
        self._world = world
        self._tokens = tokens
        self._limiter = limiter
        self._page_tokens = page_tokens
        self._origins = origins
        self._clock = clock
        self._checker = checker
        self._kept = kept
        self._routes = RouteTable()
        self._requests = 0

    def answer(self, request: Request, fault: Fault | None = None) -> Answered:
        """Answer one request; a fault that replaces the operation wins over all but the rate headers."""
        self._requests += 1
        headers: Headers = [("X-Request-Id", self._world.ids.make("request", self._requests))]
        operation = f"{request.method} (unknown)"
        try:
            caller = self._tokens.caller(request.authorization)
            budget = self._limiter.spend(caller) if caller else None
            headers += budget.headers if budget else []
            match = self._routes.find(request.method, request.path)
            operation = match.route.request
            if fault and fault.kind in REPLACING:
                return Answered(operation, replies.of_fault(fault, headers))
            if caller is None:
                raise errors.unauthenticated()
            if budget and budget.exceeded:
                raise errors.of_status(429)
            return Answered(operation, self._run(request, caller, match, headers))
        except ApiError as error:
            if fault and fault.kind in REPLACING:
                return Answered(operation, replies.of_fault(fault, headers))
            return Answered(operation, replies.of_error(error, headers))

    def _run(self, request: Request, caller: Caller, match: Match, headers: Headers) -> Reply:
        key = (caller.token, caller.scopes, caller.paid, request.path, request.query)
        kept = self._kept.get(key, self._world.version) if self._kept else None
        if kept is not None:
            return Reply(200, kept, [("Content-Type", replies.JSON), *headers])
        route = match.route
        access.require_scopes(caller, route.scopes)
        pairs = parse_qsl(request.query, keep_blank_values=True)
        call = Call(
            world=self._world,
            caller=caller,
            now=times.of_unix(self._clock()),
            ids=match.ids,
            query=read_query(route.parameters, pairs, self._origins),
            body=_read_body(request),
            origins=self._origins,
        )
        answer = route.run(call)
        if isinstance(answer, Nothing):
            return Reply(204, b"", headers)
        status, body = self._body(answer, call, request.path, pairs)
        self._check(route, body)
        reply = replies.of_json(status, body, headers)
        if self._kept and request.method == "GET":
            self._kept.put(key, self._world.version, reply.body)
        return reply

    def _body(
        self, answer: One | Many, call: Call, path: str, pairs: list[tuple[str, str]]
    ) -> tuple[int, Record]:
        if isinstance(answer, One):
            return answer.status, {"resource": answer.record}
        rest = [(name, value) for name, value in pairs if name != TOKEN_PARAMETER]
        body = page(
            answer.listing,
            Query(call.caller.member.uuid, self._world.origin + path, rest),
            count=page_size(call.query),
            token=call.query[TOKEN_PARAMETER],
            tokens=self._page_tokens,
        )
        return 200, body

    def _check(self, route: Route, body: Record) -> None:
        complaint = self._checker.complaint(route.action, body) if self._checker else None
        if complaint:
            raise ApiError(500, "Reply does not fit its schema", complaint)


def _read_body(request: Request) -> Record:
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
