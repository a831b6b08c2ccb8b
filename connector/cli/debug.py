"""`--debug`: what goes over the network, on standard error."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ..redaction import RedactingFilter
from .output import printable


@contextmanager
def debugging(*, show_people: bool) -> Iterator[None]:
    """Print the connector's log, without secrets; people only where that is wanted."""
    from ..api import trace

    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RedactingFilter())
    handler.setFormatter(_Terminal())
    before = trace.LOGGER.level, trace.people.shown
    trace.LOGGER.addHandler(handler)
    trace.LOGGER.setLevel(logging.DEBUG)
    trace.people.shown = show_people
    try:
        yield
    finally:
        trace.LOGGER.removeHandler(handler)
        level, trace.people.shown = before
        trace.LOGGER.setLevel(level)


class _Terminal(logging.Formatter):
    """Log records as a terminal may have them."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(printable, super().format(record).splitlines()))
