"""Fixtures that several modules share."""

import base64
import time

import pytest


@pytest.fixture
def account(make_sandbox, connect, monkeypatch, tmp_path):
    """Return a sandbox for the command, and a connection of the same account, with a vault."""
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    monkeypatch.setenv("CALENDLY_CONNECTOR_KEY", base64.b64encode(bytes(32)).decode())
    with make_sandbox(now=None) as sandbox:  # the command uses the real clock
        monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
        yield sandbox, connect(sandbox, clock=time.time)
