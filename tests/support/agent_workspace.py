"""A workspace in the test's own process, as a pytest plugin: an engine, a vault, a sandbox's account."""

import base64
from contextlib import contextmanager

import pytest
from calendly_connector.agent import connectors
from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.engine.engine import Engine
from calendly_connector.agent.flows import file
from calendly_connector.agent.workspace import Workspace
from calendly_connector.auth.vault import open_vault
from calendly_connector.sandbox.server import Sandbox
from engine_waiting import QUICK
from own_thread import in_thread


@contextmanager
def workspace_in(folder):
    """Yield a workspace whose engine carries out runs."""
    key = base64.b64encode(bytes(32)).decode()
    vault = open_vault(
        {"CALENDLY_CONNECTOR_VAULT": str(folder / "vault.json"), "CALENDLY_CONNECTOR_KEY": key}
    )
    vault.put(
        "calendly",
        {
            "kind": "personal_access_token",
            "token": "sandbox-owner",
            "signing_key": "a-made-up-signing-key-of-32-chars",
        },
    )
    with Sandbox() as account:
        origins = {"calendly": account.url}
        engine = Engine(
            f"sqlite:///{folder}/agent.db",
            read=file.parse,
            connections=Connections(store=vault, origins=origins),
            settings=QUICK,
        )
        in_thread(engine.start)
        try:
            yield Workspace(engine, vault, connectors.installed(), origins)
        finally:
            in_thread(engine.stop)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    with workspace_in(tmp_path_factory.mktemp("workspace")) as found:
        yield found
