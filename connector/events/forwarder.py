"""Forwards events to another program as Calendly's messages, with an id that identifies repeats."""

import time
from collections.abc import Callable
from typing import Final

from ..contract import Event
from .posting import Poster
from .webhooks.event import write_event

ID_HEADER: Final = "Calendly-Connector-Event-Id"
WARNINGS_HEADER: Final = "Calendly-Connector-Event-Warnings"


class Forwarder:
    """A handler that posts each event to `url`: https, or http on this machine.

    The event is done if the answer is 2xx; any other answer, a redirect too, raises ConnectorError. No
    credential is sent: make sure that nobody else can reach the URL, or authenticate posts there.
    """

    def __init__(self, url: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._poster = Poster(url, "a forwarded event", monotonic=monotonic)

    def __call__(self, event: Event) -> None:
        """Post an event once. Raises ConnectorError."""
        headers = {ID_HEADER: event.id}
        if event.warnings:
            headers[WARNINGS_HEADER] = "; ".join(event.warnings).encode("ascii", "replace").decode()
        self._poster.post(write_event(event), headers)

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()
