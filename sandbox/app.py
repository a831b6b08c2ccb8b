"""Assemble the ASGI application."""

import asyncio
import math
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from . import wire
from .api.http_messages import RequestRules
from .api.paging import PageTokens
from .api.parameters import PUBLIC_ORIGIN
from .api.rate_limits import RequestLimiter
from .api.response_checks import response_checker
from .api.tokens import BearerTokens
from .authorization.apps import AppRegistry
from .authorization.server import ConsentStub, MockAuthorizationServer
from .authorization.token_store import OAuthTokenStore
from .clock import SandboxClock
from .control.control_api import ControlApi
from .control.deliverer import Deliverer
from .control.fault_endpoints import FaultEndpoints
from .control.oauth_endpoints import OAuthEndpoints
from .control.request_log import RequestLog
from .control.webhook_client import WebhookClient
from .faults import FaultQueue
from .handler import ApiHandler, ResponseCache
from .operations.routes import SCOPES
from .options import SandboxOptions
from .world import conferences, factory, times
from .world.world import World

CONTROL_PATH = "/__sandbox__"
SECRET_MARK = "sandbox-secret-"  # noqa: S105 - not one itself
"""The prefix of every generated code, token and key, so that tests can find leaked ones."""


@dataclass(frozen=True)
class Application:
    """The application and the world it serves."""

    asgi: ASGIApp
    world: World


class _CatchUpMiddleware:
    """Applies changes that have become due in the world before each request."""

    def __init__(self, app: ASGIApp, *, world: World, clock: SandboxClock) -> None:
        self._app = app
        self._world = world
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        conferences.catch_up(self._world, times.from_unix(self._clock()))
        await self._app(scope, receive, send)


def _make_secret(size: int) -> str:
    return SECRET_MARK + secrets.token_hex(size)


def build(options: SandboxOptions, own_origin: str) -> Application:
    """Build the application of a sandbox that listens at `own_origin`."""
    start_s = options.now.timestamp() if options.now else None
    clock = SandboxClock(options.clock, options.time_scale, start_s)
    today = times.to_day(times.from_unix(clock()))
    world = factory.create_world(
        seed=options.seed,
        events=options.events,
        users=options.users,
        more_event_types=options.event_types,
        anchor=times.from_day(options.anchor or today),
        origin=PUBLIC_ORIGIN if options.public_origin else own_origin,
    )
    tokens, fault_queue, request_log = BearerTokens(world, clock, SCOPES), FaultQueue(), RequestLog()
    webhook_client = WebhookClient(
        connect_timeout_s=options.connect_timeout_s, read_timeout_s=options.read_timeout_s
    )
    deliverer = Deliverer(
        world=world, clock=clock, client=webhook_client, retry_signature=options.retry_signature
    )
    apps, consent_stub = AppRegistry(), ConsentStub()
    token_store = OAuthTokenStore(world, tokens, clock, _make_secret)
    cache = ResponseCache() if options.render_once else None
    # A cached reply contains page tokens that are not issued again, so they must not expire.
    life_s = math.inf if options.render_once else options.page_token_life_s
    page_tokens = PageTokens(seed=options.seed, life_s=life_s, clock=clock)
    limiter = RequestLimiter(options.rate_limit, options.rate_mode, clock, reports_account=not options.strict)
    api = ApiHandler(
        world=world,
        tokens=tokens,
        limiter=limiter,
        page_tokens=page_tokens,
        rules=RequestRules(frozenset({own_origin, PUBLIC_ORIGIN}), strict=options.strict),
        clock=clock,
        checker=response_checker() if options.check_replies else None,
        cache=cache,
    )
    fault_endpoints = FaultEndpoints(
        pending=fault_queue,
        page_tokens=page_tokens,
        cache=cache,
        tokens=tokens,
        limiter=limiter,
        world=world,
    )
    authorization = MockAuthorizationServer(
        world=world,
        apps=apps,
        token_store=token_store,
        consent_stub=consent_stub,
        limiter=limiter,
        issuer=own_origin,
        strict=options.strict,
    )
    control = ControlApi(
        world=world,
        tokens=tokens,
        fault_endpoints=fault_endpoints,
        request_log=request_log,
        deliverer=deliverer,
        clock=clock,
    )

    oauth_endpoints = OAuthEndpoints(
        world=world, apps=apps, token_store=token_store, consent_stub=consent_stub, make_secret=_make_secret
    )

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        request = await wire.read_request(scope, receive)
        now_s = clock()
        fault = fault_queue.pop(request.method, request.path)
        handled = (authorization if authorization.serves(request.path) else api).handle(request, fault)
        request_log.add(
            operation=handled.operation,
            method=request.method,
            path=request.path,
            query=request.query,
            status=handled.response.status,
            at=now_s,
        )
        deliverer.send(handled.domain_events)
        if options.latency_s:
            await asyncio.sleep(options.latency_s)
        await wire.send_response(handled.response, fault, scope, receive, send)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await deliverer.close()

    app = Starlette(
        routes=[Mount(CONTROL_PATH, routes=[*control.routes(), *oauth_endpoints.routes()])],
        middleware=[Middleware(_CatchUpMiddleware, world=world, clock=clock)],
        lifespan=lifespan,
    )
    # All other paths belong to the API. A mount at / would not match paths with line breaks.
    app.router.redirect_slashes = False
    app.router.default = serve
    return Application(app, world)
