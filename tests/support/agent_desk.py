"""An agent with pages, as a process, on an account of its own in a sandbox."""

import signal
import subprocess
import threading
from contextlib import contextmanager

import pytest
from agent_process import agent
from calendly_connector.auth.vault import open_vault
from calendly_connector.sandbox.server import Sandbox
from receivers import WAIT_S

TOKEN = "the-agents-access-token"


class Desk:
    """An agent, the account that its flows use, and its vault."""

    def __init__(self, agent, account, folder):
        self.agent = agent
        self.account = account
        self.folder = folder
        self.url = agent.url
        self.log = []  # lines of its log; a full pipe would stop it
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        self.log.extend(line.decode() for line in self.agent.process.stderr)

    @property
    def vault(self):
        return open_vault(settings(self.account, self.folder))


def settings(account, folder):
    """Return the environment of an agent on a sandbox's account."""
    return {
        "CALENDLY_API_URL": account.url,
        "CALENDLY_AUTH_URL": account.url,
        "CALENDLY_CONNECTOR_VAULT": str(folder / "vault.json"),
        "CALENDLY_CONNECTOR_KEY": "A" * 43 + "=",
        "CALENDLY_AGENT_ACCESS_TOKEN": TOKEN,
        "PYTHONUNBUFFERED": "1",
    }


def end(process):
    """Let an agent end by itself, so that its coverage is written."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()


@contextmanager
def desk(folder, *options):
    """Run an agent with pages, on an account of its own."""
    with pytest.MonkeyPatch.context() as patch, Sandbox() as account:
        for name, value in settings(account, folder).items():
            patch.setenv(name, value)
        with agent(folder / "agent.db", *options) as running:
            yield Desk(running, account, folder)
            end(running.process)
