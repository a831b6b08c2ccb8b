"""Fixtures of tests that run whole flows, a pytest plugin: an agent, its vault, and where its flows write.

Calendly is a sandbox with a frozen clock, which the agent shares.
"""

import base64

import pytest
from calendly_connector.auth.vault import open_vault
from flow_agent import CREDENTIAL, FlowAgent
from sandbox_client import Clock
from webhook_receiver import receiving

pytest_plugins = ["engine_fixtures"]


@pytest.fixture
def vault(tmp_path, monkeypatch):
    """Return the vault that all connectors use, with a credential for Calendly."""
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    monkeypatch.setenv("CALENDLY_CONNECTOR_KEY", base64.b64encode(bytes(32)).decode())
    opened = open_vault()
    opened.put("calendly", CREDENTIAL)
    return opened


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def calendly(make_sandbox, clock):
    """Return a sandbox whose clock is the agent's."""
    with make_sandbox(clock=clock) as sandbox:
        yield sandbox


@pytest.fixture
def agent(database, vault, clock, calendly):
    """Return a running agent."""
    running = FlowAgent(database, vault, clock, {"calendly": calendly.url})
    yield running
    running.close()


@pytest.fixture
def chat(vault):
    """Return a chat that takes messages at the address in the credential `chat`."""
    with receiving() as receiver:
        address = f"{receiver.url}/services/T0/B0/x"
        vault.put("chat", {"kind": "webhook", "url": address, "private_network": "allowed"})
        yield receiver


@pytest.fixture
def files(vault, tmp_path):
    """Return the folder of the credential `files`."""
    folder = tmp_path / "files"
    folder.mkdir()
    vault.put("files", {"kind": "folder", "path": str(folder)})
    return folder
