"""Puts the parts together into one ASGI application."""

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
from .api.checking import ReplyChecker
from .api.limits import Limiter
from .api.paging import PageTokens
from .api.parameters import PUBLIC_ORIGIN
from .api.requests import Reading
from .api.tokens import TokenBook
from .authorization.apps import Apps
from .authorization.ledger import Ledger
from .authorization.server import AuthorizationServer, Desk
from .clock import Clock
from .control.delivery import Deliverer
from .control.journal import Journal
from .control.posting import Poster
from .control.sign_in import SignIn
from .control.surface import Control
from .control.trouble import Trouble
from .faults import Faults
from .handler import Api, KeptReplies
from .operations.routes import SCOPES
from .options import Options
from .world import conferences, founding, times
from .world.world import World

CONTROL_PATH = "/__sandbox__"
SECRET_MARK = "sandbox-secret-"  # noqa: S105 - not one itself
"""Every code, token and key that is made here begins so: wherever one is left behind, it can be found."""


@dataclass(frozen=True)
class Application:
    """The application and the world it serves."""

    asgi: ASGIApp
    world: World


class _InTime:
    """Lets what has become due in the world happen before anybody looks at it."""

    def __init__(self, app: ASGIApp, *, world: World, clock: Clock) -> None:
        self._app = app
        self._world = world
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        conferences.catch_up(self._world, times.of_unix(self._clock()))
        await self._app(scope, receive, send)


def _make_secret(size: int) -> str:
    return SECRET_MARK + secrets.token_hex(size)


def build(options: Options, own_origin: str) -> Application:
    """Make the application of a sandbox that is reached at `own_origin`."""
    start_s = options.now.timestamp() if options.now else None
    clock = Clock(options.clock, options.time_scale, start_s)
    today = times.day_of(times.of_unix(clock()))
    world = founding.make(
        seed=options.seed,
        events=options.events,
        users=options.users,
        anchor=times.of_day(options.anchor or today),
        origin=PUBLIC_ORIGIN if options.public_origin else own_origin,
    )
    tokens, waiting, journal = TokenBook(world, clock, SCOPES), Faults(), Journal()
    poster = Poster(connect_timeout_s=options.connect_timeout_s, read_timeout_s=options.read_timeout_s)
    deliverer = Deliverer(world=world, clock=clock, poster=poster, retry_signature=options.retry_signature)
    apps, desk = Apps(), Desk()
    ledger = Ledger(world, tokens, clock, _make_secret)
    kept = KeptReplies() if options.render_once else None
    # A kept reply hands out its page tokens without issuing them anew, so they must not age.
    life_s = math.inf if options.render_once else options.page_token_life_s
    page_tokens = PageTokens(seed=options.seed, life_s=life_s, clock=clock)
    limiter = Limiter(options.rate_limit, options.rate_mode, clock, tells_account=not options.strict)
    api = Api(
        world=world,
        tokens=tokens,
        limiter=limiter,
        page_tokens=page_tokens,
        reading=Reading(frozenset({own_origin, PUBLIC_ORIGIN}), strict=options.strict),
        clock=clock,
        checker=ReplyChecker() if options.check_replies else None,
        kept=kept,
    )
    trouble = Trouble(
        waiting=waiting, page_tokens=page_tokens, kept=kept, tokens=tokens, limiter=limiter, world=world
    )
    authorization = AuthorizationServer(
        world=world,
        apps=apps,
        ledger=ledger,
        desk=desk,
        limiter=limiter,
        issuer=own_origin,
        strict=options.strict,
    )
    control = Control(
        world=world,
        tokens=tokens,
        trouble=trouble,
        journal=journal,
        deliverer=deliverer,
        clock=clock,
    )

    sign_in = SignIn(world=world, apps=apps, ledger=ledger, desk=desk, make_secret=_make_secret)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        request = await wire.read(scope, receive)
        now_s = clock()
        fault = waiting.take(request.method, request.path)
        answered = (authorization if authorization.serves(request.path) else api).answer(request, fault)
        journal.note(
            operation=answered.operation,
            method=request.method,
            path=request.path,
            query=request.query,
            status=answered.reply.status,
            at=now_s,
        )
        deliverer.send(answered.happened)
        if options.latency_s:
            await asyncio.sleep(options.latency_s)
        await wire.send_reply(answered.reply, fault, scope, receive, send)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await deliverer.close()

    app = Starlette(
        routes=[Mount(CONTROL_PATH, routes=[*control.routes(), *sign_in.routes()])],
        middleware=[Middleware(_InTime, world=world, clock=clock)],
        lifespan=lifespan,
    )
    # All else is Calendly's, whatever the path looks like: a mount at / would not match line breaks.
    app.router.redirect_slashes = False
    app.router.default = serve
    return Application(app, world)
