"""Whether a process takes requests: a proxy or an orchestrator asks for it before it sends some."""

from collections.abc import Callable
from typing import Literal

from ..errors import AgentDatabaseError

Status = Literal["starting", "ready", "stopping", "database_unavailable"]


class Readiness:
    """The life of a process. `reach_database` raises AgentDatabaseError if it can't."""

    def __init__(self, reach_database: Callable[[], object]) -> None:
        self._reach_database = reach_database
        self._stage: Literal["starting", "ready", "stopping"] = "starting"

    def has_started(self) -> None:
        """Note that the process takes requests from now on, unless it stops already."""
        if self._stage == "starting":
            self._stage = "ready"

    def is_stopping(self) -> None:
        """Note that the process ends soon: it should get no more requests."""
        self._stage = "stopping"

    def status(self) -> Status:
        """Return the stage, or that the database can't be reached."""
        if self._stage != "ready":
            return self._stage
        try:
            self._reach_database()
        except AgentDatabaseError:
            return "database_unavailable"
        return "ready"
