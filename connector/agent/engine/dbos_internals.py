"""What the agent uses of DBOS that isn't public, in one place. Checked with the pinned release (3.4).

- `reenqueue_for_recovery` puts a pending workflow back into its queue if it still belongs to one of these
  executors. It takes the ownership away, so DBOS rejects whatever the old executor records later.
- From Python 3.12 on, it uses a form of SQLite's `unixepoch` that SQLite has since 3.42. Debian 12 has 3.40.
- It adds a handler for the console unless its logger has one.
- The active workflows are those that this process is carrying out.
"""

import logging
import sqlite3
import time
from typing import Any, Final

from dbos import DBOS
from dbos._dbos import _get_dbos_instance

_SUBSECONDS: Final = (3, 42)
LOG: Final = logging.getLogger("calendly_connector.agent.dbos")


class _ToOurLog(logging.Handler):
    """Passes records on. They may quote what a database says, and our log is redacted."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record."""
        if LOG.isEnabledFor(record.levelno):
            LOG.handle(record)


class _Connection(sqlite3.Connection):
    """A connection whose `unixepoch('subsec')` works whatever the version of SQLite."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.create_function("unixepoch", 1, lambda _modifier: time.time())


def engine_options(database: str) -> dict[str, Any]:
    """Return SQLAlchemy's options for DBOS's engine. Parameters are hidden: they hold what invitees wrote."""
    needs_function = database == "sqlite" and sqlite3.sqlite_version_info < _SUBSECONDS
    connect_args = {"connect_args": {"factory": _Connection}} if needs_function else {}
    return {"hide_parameters": True, **connect_args}


def log_to_ours() -> None:
    """Let DBOS log what is worth a warning to our log, and not to a console of its own."""
    logger = logging.getLogger("dbos")
    logger.handlers = [_ToOurLog()]
    logger.propagate = False


def be_quiet() -> None:
    """Log nothing more until the next start: stopping has a traceback for each run that isn't over."""
    logging.getLogger("dbos").setLevel(logging.CRITICAL)


def requeue(workflow: str, executor: str, queue: str) -> bool:
    """Put a pending workflow of an executor back into its queue. Return False if it moved on meanwhile."""
    return _get_dbos_instance()._sys_db.reenqueue_for_recovery(workflow, [executor], queue)


def active() -> set[str]:
    """Return the workflows that this process is carrying out."""
    return set(_get_dbos_instance()._active_workflows_set.activeList())


def starts(workflow: str) -> int:
    """Return how often a workflow was started, without recording that it was asked."""
    status = _get_dbos_instance()._sys_db.get_workflow_status(workflow)
    return (status["recovery_attempts"] or 1) if status else 1


def pending() -> list[tuple[str, str]]:
    """Return the pending workflows of all processes, with the executor of each."""
    found = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
    return [(one.workflow_id, one.executor_id or "") for one in found]
