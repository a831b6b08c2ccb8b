"""Sandboxes that stop in the background: uvicorn takes 0.2 s to stop, and the next test needn't wait."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from calendly_connector.sandbox.server import Sandbox

_closing = ThreadPoolExecutor()
_closed = []


@contextmanager
def brief_sandbox(**options):
    """Run a sandbox that stops soon after the block ends. Not for tests of its shutdown."""
    running = Sandbox(**options)
    running.__enter__()
    try:
        yield running
    finally:
        _closed.append(_closing.submit(running.__exit__, None, None, None))


def wait():
    """Wait until all sandboxes have stopped, and raise their errors."""
    while _closed:
        _closed.pop().result()
