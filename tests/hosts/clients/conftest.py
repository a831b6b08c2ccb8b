"""The account of the pages about clients."""

import pytest


@pytest.fixture
def account(make_sandbox):
    """Yield a sandbox in which Noor has booked a meeting."""
    with make_sandbox(now=None) as sandbox:
        sandbox.book(name="Noor van Dijk", email="noor@client.example")
        yield sandbox
