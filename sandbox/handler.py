"""Handle a request to the API: token, rate limit, route, scopes, plan, parameters, operation, page."""

from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

import orjson

from . import errors, leniency
from .api import access, http_messages
from .api.body_schema import read_body
from .api.calls import ApiCall, FullList, NoContent, OperationResult, PagedList, RawBody, Route, SingleRecord
from .api.http_messages import Headers, HttpRequest, HttpResponse, RequestRules
from .api.paging import TOKEN_PARAMETER, PageQuery, PageTokens, page
from .api.parameters import page_size, read_query
from .api.rate_limits import RequestLimiter
from .api.response_checks import ResponseChecker
from .api.tokens import BearerTokens, Caller
from .errors import ApiError
from .faults import REPLACING, Fault
from .operations.routes import RouteMatch, RouteTable
from .world import times
from .world.domain_events import DomainEvent
from .world.records import Record
from .world.world import World

_MAX_CACHE_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class HandledRequest:
    """A response, its operation (`METHOD /template`), and the events for webhook subscriptions."""

    operation: str
    response: HttpResponse
    domain_events: list[DomainEvent] = field(default_factory=list)


class ApiHandler:
    """Runs all operations on one world."""

    def __init__(
        self,
        *,
        world: World,
        tokens: BearerTokens,
        limiter: RequestLimiter,
        page_tokens: PageTokens,
        rules: RequestRules,
        clock: Callable[[], float],
        checker: ResponseChecker | None,
        cache: "ResponseCache | None",
    ) -> None:
        self._world = world
        self._tokens = tokens
        self._limiter = limiter
        self._page_tokens = page_tokens
        self._origins = rules.origins
        self._strict = rules.strict
        self._clock = clock
        self._checker = checker
        self._cache = cache
        self._routes = RouteTable(unknown_method_status=405 if rules.strict else 404)
        self._requests = 0

    def handle(self, request: HttpRequest, fault: Fault | None = None) -> HandledRequest:
        """Handle one request; a fault of the kinds `REPLACING` overrides everything but the rate headers."""
        self._requests += 1
        common: Headers = [
            ("Date", formatdate(self._clock(), usegmt=True)),
            ("X-Request-Id", self._world.ids.make("request", self._requests)),
        ]
        if not self._strict:
            common += leniency.CORS
            request = leniency.head_as_get(request)
        headers = common
        operation = f"{request.method} (unknown)"
        try:
            if request.method == "OPTIONS" and not self._strict:
                return self._preflight(fault, headers)
            caller = self._tokens.caller(request.authorization)
            limit_status = self._limiter.spend(caller) if caller else None
            headers = common + (limit_status.headers if limit_status else [])
            match = self._routes.find(request.method, request.path)
            operation = match.route.request
            if fault and fault.kind in REPLACING:
                return HandledRequest(operation, http_messages.fault_response(fault, headers))
            if caller is None:
                raise errors.unauthenticated()
            if limit_status and limit_status.exceeded:
                raise errors.from_status(429)
            limits = match.route.limits
            exceeded = self._limiter.spend_operation(caller, operation, limits) if limits else None
            if exceeded:
                headers = common + exceeded.headers
                raise errors.from_status(429)
            if not self._strict:
                request = leniency.normalize(request, match.route)
            domain_events: list[DomainEvent] = []
            response = self._run(request, caller, match, headers, domain_events, fault)
            return HandledRequest(operation, response, domain_events)
        except ApiError as error:
            if fault and fault.kind in REPLACING:
                return HandledRequest(operation, http_messages.fault_response(fault, headers))
            return HandledRequest(operation, http_messages.error_response(error, headers))

    def _preflight(self, fault: Fault | None, headers: Headers) -> HandledRequest:
        """Answer a CORS preflight request, without a token and outside the rate limit."""
        replaced = fault is not None and fault.kind in REPLACING
        response = (
            http_messages.fault_response(fault, headers)
            if fault and replaced
            else HttpResponse(204, b"", headers)
        )
        return HandledRequest("OPTIONS (any)", response)

    def _run(
        self,
        request: HttpRequest,
        caller: Caller,
        match: RouteMatch,
        headers: Headers,
        domain_events: list[DomainEvent],
        fault: Fault | None,
    ) -> HttpResponse:
        key = (caller.token, caller.scopes, caller.paid, request.path, request.query)
        cache = self._cache if request.method == "GET" and fault is None else None
        body = cache.get(key, self._world.version) if cache else None
        if body is not None:
            return HttpResponse(200, body, [("Content-Type", http_messages.JSON), *headers])
        route = match.route
        access.require_route_access(caller, route)
        pairs = parse_qsl(request.query, keep_blank_values=True)
        call = self._call(request, caller, match, pairs, domain_events)
        result = route.run(call)
        if isinstance(result, NoContent):
            return HttpResponse(204, b"", headers)
        status, value = self._body(result, call, request.path, pairs, fault)
        self._check(route, value)
        response = http_messages.json_response(status, value, headers)
        if cache and isinstance(result, SingleRecord | PagedList):  # the others depend on the time
            cache.put(key, self._world.version, response.body)
        return response

    def _call(
        self,
        request: HttpRequest,
        caller: Caller,
        match: RouteMatch,
        pairs: list[tuple[str, str]],
        domain_events: list[DomainEvent],
    ) -> ApiCall:
        """Read parameters and body; raise one 400 with the problems of both."""
        route, raw = match.route, _read_json(request)
        query, problems = read_query(route.parameters, pairs, self._origins, strict=route.strict)
        body, body_problems = read_body(route.body, raw, self._origins) if route.body else (raw, [])
        if problems or body_problems:
            raise errors.invalid(*problems, *body_problems)
        return ApiCall(
            world=self._world,
            caller=caller,
            now=times.from_unix(self._clock()),
            ids=match.ids,
            query=query,
            body=body,
            origins=self._origins,
            domain_events=domain_events,
        )

    def _body(
        self,
        result: OperationResult,
        call: ApiCall,
        path: str,
        pairs: list[tuple[str, str]],
        fault: Fault | None,
    ) -> tuple[int, Record]:
        if isinstance(result, SingleRecord):
            return result.status, {"resource": result.record}
        if isinstance(result, FullList):
            return 200, {"collection": result.records, **result.extra}
        if isinstance(result, RawBody):
            return result.status, result.body
        assert isinstance(result, PagedList)  # noqa: S101 - NoContent was handled by the caller
        other_pairs = [(name, value) for name, value in pairs if name != TOKEN_PARAMETER]
        body = page(
            result.listing,
            PageQuery(call.caller.member.uuid, self._world.origin + path, other_pairs),
            count=page_size(call.query),
            token=call.query[TOKEN_PARAMETER],
            tokens=self._page_tokens,
            fault=fault,
        )
        return 200, {**body, **result.extra}

    def _check(self, route: Route, body: Record) -> None:
        problem = self._checker.problem(route.action, body) if self._checker else None
        if problem:
            raise ApiError(500, "Reply doesn't match its schema", problem)


def _read_json(request: HttpRequest) -> Record:
    """Return the JSON object in the body; an empty one for an empty body."""
    if not request.body:
        return {}
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise errors.invalid(errors.detail("the body must be a JSON object"))
    return body


class ResponseCache:
    """Caches rendered replies until the world changes, up to 256 MiB."""

    def __init__(self) -> None:
        self._bodies: dict[Any, bytes] = {}
        self._version = -1
        self._bytes = 0

    def get(self, key: Any, version: int) -> bytes | None:
        """Return the cached body of a key for this version of the world."""
        return self._bodies.get(key) if version == self._version else None

    def put(self, key: Any, version: int, body: bytes) -> None:
        """Cache a body if there is room."""
        if version != self._version:
            self.clear()
            self._version = version
        if self._bytes + len(body) <= _MAX_CACHE_BYTES:
            self._bodies[key] = body
            self._bytes += len(body)

    def clear(self) -> None:
        """Remove all bodies."""
        self._bodies.clear()
        self._bytes = 0
