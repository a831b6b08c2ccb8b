"""A workspace without pages, as a pytest plugin: an engine that runs nothing, a vault, and a sandbox."""

import base64

import pytest
from calendly_connector.agent.connectors import installed
from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.engine.engine import Engine
from calendly_connector.agent.flows import file
from calendly_connector.agent.workspace import Workspace
from calendly_connector.auth.vault import open_vault

CREDENTIAL = {
    "kind": "personal_access_token",
    "token": "sandbox-owner",
    "signing_key": "a-made-up-signing-key-of-32-chars",
}


@pytest.fixture(scope="session")
def connectors():
    """Return the installed connectors."""
    return installed()


@pytest.fixture
def workspace(tmp_path, monkeypatch, connectors):
    """Yield a workspace whose credential `work` leads nowhere; see `online`."""
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    monkeypatch.setenv("CALENDLY_CONNECTOR_KEY", base64.b64encode(bytes(32)).decode())
    vault = open_vault()
    vault.put("work", CREDENTIAL)
    vault.put("files", {"kind": "folder", "path": str(tmp_path)})
    origins = {"calendly": "http://127.0.0.1:9"}
    engine = Engine(
        f"sqlite:///{tmp_path}/agent.db",
        read=file.parse,
        connections=Connections(connectors.__getitem__, vault, origins),
    )
    engine.start(works=False)
    engine.flows.set_base_url("http://agent.example")
    yield Workspace(engine, vault, connectors, origins)
    engine.stop()


@pytest.fixture
def online(workspace, make_sandbox):
    """Yield the workspace, with a sandbox for its credential."""
    with make_sandbox() as sandbox:
        workspace.origins["calendly"] = sandbox.url
        yield workspace
