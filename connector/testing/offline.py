"""Makes any use of the network fail, to prove that something needs none."""

import socket
from typing import Any, NoReturn

import pytest


def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make connecting and looking up names fail, until the test ends."""
    for owner, name in (
        (socket.socket, "connect"),
        (socket.socket, "connect_ex"),
        (socket, "create_connection"),
        (socket, "getaddrinfo"),
    ):
        monkeypatch.setattr(owner, name, _refuse)


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise AssertionError("this needs no network, but it used it")
