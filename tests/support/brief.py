"""Sandboxes of one test each: uvicorn takes a fifth of a second to stop, in which the next test may run."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from calendly_connector.sandbox.server import Sandbox

_closing = ThreadPoolExecutor()
_closed = []


@contextmanager
def brief_sandbox(**options):
    """Run a sandbox; it ends soon after the block is left, so the block is not for tests of its end."""
    running = Sandbox(**options)
    running.__enter__()
    try:
        yield running
    finally:
        _closed.append(_closing.submit(running.__exit__, None, None, None))


def wait():
    """Wait until all of them have ended; raise what went wrong with one."""
    while _closed:
        _closed.pop().result()
