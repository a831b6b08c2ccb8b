"""The connector's log on standard error: with `--debug` all that goes over the network."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ..support.redaction import RedactingFilter
from .output import printable


@contextmanager
def debugging(*, show_people: bool) -> Iterator[None]:
    """Print the connector's whole log, without secrets; people only where that is wanted."""
    from ..http import debug_log

    before = debug_log.people.shown
    debug_log.people.shown = show_people
    try:
        with logged(logging.DEBUG):
            yield
    finally:
        debug_log.people.shown = before


@contextmanager
def logged(level: int) -> Iterator[None]:
    """Print the connector's log from a level on, unless it is printed already."""
    logger = logging.getLogger("calendly_connector")
    if logger.handlers:
        yield
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RedactingFilter())
    handler.setFormatter(_Terminal())
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


class _Terminal(logging.Formatter):
    """Log records as a terminal may have them."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(printable, super().format(record).splitlines()))
