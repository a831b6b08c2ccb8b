"""A workspace in memory: credentials in a dict, flows by name, and an app whose tokens are outcomes."""

from contextlib import contextmanager
from types import SimpleNamespace

from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.flows.model import Flow, FlowConnection, FlowTrigger
from calendly_connector.agent.workspace import Workspace
from calendly_connector.contract import CheckReport, Field, SignInRequest
from calendly_connector.errors import SignInFailed, UnknownCredential
from calendly_connector.support.clock import Timing

TOKEN = SimpleNamespace(
    id="token",
    title="Token",
    description="",
    page="",
    docs="",
    needs_sign_in=False,
    fields=(
        Field("token", "Token", required=True, secret=True),
        Field("region", "Region", pattern="^[a-z]+$", expected="small letters", group="advanced"),
    ),
)
SIGN_IN = SimpleNamespace(
    id="oauth",
    title="Sign-in",
    description="",
    page="",
    docs="",
    needs_sign_in=True,
    fields=(Field("client_id", "Client ID", required=True), Field("client_secret", "Secret", secret=True)),
)
ICON = SimpleNamespace(svg=b"<svg/>", png=b"\x89PNG")


class Vault(dict):
    """Credentials by name."""

    place = "memory"
    busy = False

    def names(self):
        return list(self)

    def get(self, name):
        if name not in self:
            raise UnknownCredential(f"No credential named {name!r}.")
        return dict(self[name])

    def put(self, name, credential):
        self[name] = dict(credential)

    def delete(self, name):
        del self[name]

    @contextmanager
    def lock(self, _name, *, timeout_s=60.0):
        if self.busy:
            raise TimeoutError(timeout_s)
        yield


class App:
    """A connector. A token called `good…` signs in; any other has the outcome that it is called."""

    def __init__(self):
        self.checks = 0
        self.exchanged = []
        self.manifest = SimpleNamespace(
            name="Desk",
            summary="",
            version="1.0",
            docs="javascript:alert(1)",
            icon=ICON,
            credentials={"token": TOKEN, "oauth": SIGN_IN},
            triggers={},
            groups=(),
        )

    def actions(self):
        return {}

    def connect(self, credential, *, store=None, **_options):
        if credential["kind"] == "stored":
            credential = store.get(credential["name"])
        return Connection(self, credential.get("token") or credential.get("access_token", ""))

    def oauth(self, _kind):
        return self

    def authorize(self, _credential, *, scopes=(), redirect_uri="", **_uses):
        return SignInRequest(
            "https://desk.example/?x", redirect_uri, tuple(scopes), 0.0, "state-1", "verifier"
        )

    def exchange(self, credential, request, redirected_to):
        self.exchanged.append(redirected_to)
        if "error" in redirected_to:
            raise SignInFailed("Consent was denied.", fix="Press Allow.", reason="denied")
        return {"kind": "oauth", **credential, "access_token": "good", "scope": " ".join(request.scopes)}


class Connection:
    def __init__(self, app, token):
        self.app, self.token = app, token

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def check(self, *, deep=False):  # noqa: ARG002
        self.app.checks += 1
        if self.token == "raise":
            raise RuntimeError("a fault of the connector")
        if self.token.startswith("good"):
            return CheckReport("ok", "Signed in as Ada.")
        return CheckReport(self.token, "It doesn't work.", "Get another one.")


class Engine:
    """Flows, and how often paused ones were checked again."""

    def __init__(self, connectors, vault):
        self.connections = Connections(connectors.__getitem__, vault)
        self.flows = self
        self.webhooks = SimpleNamespace(known=dict, looks=list)  # none are watched
        self.deployed, self.paused, self.rechecks = {}, set(), 0

    def deploy(self, name, *credentials, app="desk"):
        connections = {str(number): FlowConnection(app, one) for number, one in enumerate(credentials)}
        self.deployed[name] = Flow(name, connections, FlowTrigger(), ())

    def all(self):
        return [
            SimpleNamespace(
                name=name,
                version=1,
                state="paused" if name in self.paused else "active",
                paused_by="agent" if name in self.paused else "",
                reason="",
                fix="",
            )
            for name in self.deployed
        ]

    def flow(self, name, _version):
        return self.deployed[name]

    def recheck(self):
        self.rechecks += 1


class Broken:
    """A connector that raises at every turn."""

    @property
    def manifest(self):
        raise RuntimeError("a fault of the connector")

    def actions(self):
        raise RuntimeError("a fault of the connector")


def small_workspace(clock, **connectors):
    """Return a workspace with the app `desk` and others. `clock` is a list with the time."""
    vault = Vault()
    connectors = {"desk": App(), **connectors}
    timing = Timing(clock=lambda: clock[0], monotonic=lambda: clock[0])
    return Workspace(Engine(connectors, vault), vault, connectors, {}, timing)
