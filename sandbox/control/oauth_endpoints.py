"""Control API endpoints for OAuth: register apps, decide on consent, expire codes, revoke grants."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from starlette.routing import BaseRoute

from ..authorization.apps import App, AppRegistry, is_redirect_uri
from ..authorization.server import ConsentStub
from ..authorization.token_store import OAuthTokenStore
from ..errors import Body
from ..operations.routes import SCOPES
from ..world.population import Member
from ..world.world import World
from . import bodies
from .routes import route

_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]+")
_SECRET_BYTES = 32


class OAuthEndpoints:
    """OAuth apps, codes and grants. Handlers take a JSON object and return (status, JSON value)."""

    def __init__(
        self,
        *,
        world: World,
        apps: AppRegistry,
        token_store: OAuthTokenStore,
        consent_stub: ConsentStub,
        make_secret: Callable[[int], str],
    ) -> None:
        self._world = world
        self._apps = apps
        self._token_store = token_store
        self._consent_stub = consent_stub
        self._make_secret = make_secret

    def routes(self) -> Sequence[BaseRoute]:
        """Return the routes for OAuth."""
        return [
            route("GET", "/apps", self.list_apps),
            route("POST", "/apps", self.register_app, "client_id name kind redirect_uris scopes legacy"),
            route("POST", "/apps/revoke", self.revoke_app, "client_id user"),
            route("GET", "/consent", self.show_consent),
            route("POST", "/consent", self.set_consent, "answer user"),
            route("POST", "/codes/expire", self.expire_codes),
        ]

    async def list_apps(self, _body: Body) -> tuple[int, Any]:
        """Return all apps with their secrets, which are valid for this sandbox only."""
        return 200, {"apps": [_to_json(app) for app in self._apps.all()]}

    async def register_app(self, body: Body) -> tuple[int, Any]:
        """Register an app; the sandbox generates its secret and webhook key."""
        client_id = bodies.text(body, "client_id", None) or f"app-{len(self._apps.all())}"
        kind, uris = bodies.text(body, "kind", "web"), bodies.texts(body, "redirect_uris")
        scopes = bodies.texts(body, "scopes") if "scopes" in body else SCOPES
        if not _CLIENT_ID.fullmatch(client_id):
            raise ValueError("client_id may contain only letters, digits and . _ ~ -")
        if kind not in {"web", "native"}:
            raise ValueError("kind must be web or native")
        if not uris or not all(map(is_redirect_uri, uris)):
            raise ValueError("redirect_uris must be https URIs or http URIs on loopback, without fragments")
        if not SCOPES.issuperset(scopes):
            raise ValueError(f"scopes must be among {', '.join(sorted(SCOPES))}")
        app = App(
            client_id=client_id,
            name=bodies.text(body, "name", None) or client_id,
            kind=kind,
            secret=self._make_secret(_SECRET_BYTES) if kind == "web" else None,
            redirect_uris=tuple(uris),
            scopes=frozenset(scopes),
            webhook_key=self._make_secret(_SECRET_BYTES),
            legacy=bodies.flag(body, "legacy"),
        )
        self._apps.register(app)
        return 201, _to_json(app)

    async def show_consent(self, _body: Body) -> tuple[int, Any]:
        """Return the user in the browser and their decision."""
        member = self._consent_stub.member
        return 200, {"answer": self._consent_stub.answer, "user": member.user["uri"] if member else None}

    async def set_consent(self, body: Body) -> tuple[int, Any]:
        """Set the user in the browser, and whether to show the page or decide without it."""
        answer = bodies.text(body, "answer", "ask")
        if answer not in {"ask", "allow", "deny"}:
            raise ValueError("answer must be ask, allow or deny")
        self._consent_stub.member = self._member(body)
        self._consent_stub.answer = answer
        return await self.show_consent({})

    async def expire_codes(self, _body: Body) -> tuple[int, Any]:
        """Expire all unused authorization codes."""
        return 200, {"codes": self._token_store.expire_codes()}

    async def revoke_app(self, body: Body) -> tuple[int, Any]:
        """Revoke an app's grants of a user (default: all users)."""
        app = self._apps.find(bodies.text(body, "client_id", None) or "")
        if app is None:
            raise LookupError("unknown app")
        member = self._member(body)
        return 200, {"grants": self._token_store.revoke_grants(app, member)}

    def _member(self, body: Body) -> Member | None:
        return bodies.member(self._world, body["user"]) if body.get("user") is not None else None


def _to_json(app: App) -> Body:
    return {
        "client_id": app.client_id,
        "client_secret": app.secret,
        "name": app.name,
        "kind": app.kind,
        "redirect_uris": list(app.redirect_uris),
        "scopes": sorted(app.scopes),
        "legacy": app.legacy,
        "webhook_signing_key": app.webhook_key,
    }
