"""The audit log: who changed what, without secrets, in the log `calendly_connector.agent.audit`.

Its lines are JSON, so that a log system can search them:
`{"by": "ada@acme.example", "what": "credential.save", "target": "work"}`.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Final

from ...support import private_files
from ...support.redaction import RedactingFilter, shortened

_LOGGER: Final = logging.getLogger("calendly_connector.agent.audit")


def note(by: str, what: str, target: str = "", **details: str | int | bool) -> None:
    """Note that a person did something. `what` is like `flow.deploy`, `target` what it was done to."""
    entry = {"by": shortened(by), "what": what, "target": shortened(target), **details}
    _LOGGER.info("%s", json.dumps(entry, ensure_ascii=False))


@contextmanager
def to_file(path: Path) -> Iterator[None]:
    """Append the entries to a private file too, each with its time. The file may be rotated meanwhile.

    Raises OSError if it can't be written.
    """
    handler = _PrivateFile(path, encoding="utf-8")
    handler.addFilter(RedactingFilter())
    handler.setFormatter(_WithTime())
    before = _LOGGER.level
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.setLevel(before)
        handler.close()


class _PrivateFile(WatchedFileHandler):
    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", opener=private_files.opener)


class _WithTime(logging.Formatter):
    """Puts the time before the entry, in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line of JSON."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return json.dumps(
            {"time": time.replace("+00:00", "Z"), **json.loads(record.getMessage())}, ensure_ascii=False
        )
