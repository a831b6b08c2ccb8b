"""The standing check of stored credentials: it finds expired and revoked ones before a flow does."""

import logging
from typing import Final

from ...errors import ConnectorError
from ..engine.watchdog import Loop
from .credentials import check_stored, list_all
from .model import Workspace

EVERY_S: Final = 600.0
_TICK_S: Final = 1.0
_FRESH_S: Final = 20.0  # a page that is opened again and again doesn't cause requests each time
_LOGGER: Final = logging.getLogger("calendly_connector.agent")


class CredentialWatch:
    """Checks all stored credentials every `EVERY_S`, and sooner if a page asks or the agent paused a flow."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._due_at = 0.0
        self._paused: frozenset[str] = frozenset()
        self._loop = Loop("agent-credentials", _TICK_S, self.tick)

    def start(self) -> None:
        """Start the thread."""
        self._loop.start()

    def stop(self) -> None:
        """Stop it, and wait until it has ended."""
        self._loop.stop()

    def tick(self) -> None:
        """Check the credentials if it is time to."""
        now = self._workspace.timing.monotonic()
        paused = self._paused_by_agent()
        is_new = bool(paused - self._paused)
        self._paused = paused
        if now >= self._due_at:
            self._due_at = now + EVERY_S
            self.check_all()
        elif is_new or self._workspace.checks.was_asked():
            self.check_all(older_than_s=0.0 if is_new else _FRESH_S)

    def _paused_by_agent(self) -> frozenset[str]:
        flows = self._workspace.engine.flows.all()
        return frozenset(one.name for one in flows if one.state == "paused" and one.paused_by == "agent")

    def check_all(self, *, older_than_s: float = 0.0) -> None:
        """Check each credential whose last check is older than that."""
        stored = list_all(self._workspace)
        self._workspace.checks.keep_only(one.name for one in stored)
        now = self._workspace.timing.clock()
        for one in stored:
            if one.checked_at is not None and now - one.checked_at < older_than_s:
                continue
            if not one.apps:
                continue
            try:
                check_stored(self._workspace, one.name)
            except ConnectorError as error:  # it was deleted meanwhile
                _LOGGER.info("The credential %r isn't checked: %s", one.name, error)
