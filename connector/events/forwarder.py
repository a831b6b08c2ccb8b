"""Forwards events to another program as Calendly's messages, with an id that identifies repeats."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ..contract import Event
from ..errors import ConnectorError, UsageError
from ..http.client import prepare_session
from ..http.protocol import LOOPBACK
from .webhooks.event import write_event

if TYPE_CHECKING:
    import requests

ID_HEADER: Final = "Calendly-Connector-Event-Id"
WARNINGS_HEADER: Final = "Calendly-Connector-Event-Warnings"

_CONNECT_TIMEOUT_S: Final = 10.0
_READ_TIMEOUT_S: Final = 30.0
_DEADLINE_S: Final = 45.0  # less than the inbox's lease


class Forwarder:
    """A handler that posts each event to `url`: https, or http on this machine.

    The event is done if the answer is 2xx; any other answer, a redirect too, raises ConnectorError. No
    credential is sent: make sure that nobody else can reach the URL, or authenticate posts there.
    """

    def __init__(self, url: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._url = _checked(url)
        self._monotonic = monotonic
        self._give_up_at = 0.0
        self._session: requests.Session | None = None

    def __call__(self, event: Event) -> None:
        """Post an event once. Raises ConnectorError."""
        import requests

        self._give_up_at = self._monotonic() + _DEADLINE_S
        try:
            status = self._post(event)
        except requests.RequestException as error:
            raise ConnectorError(f"No answer to a forwarded event: {type(error).__name__}.") from None
        if not requests.codes.ok <= status < requests.codes.multiple_choices:
            raise ConnectorError(f"A forwarded event was answered with {status}.")

    def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            self._session.close()

    def _post(self, event: Event) -> int:
        headers = {"Content-Type": "application/json", ID_HEADER: event.id}
        if event.warnings:
            headers[WARNINGS_HEADER] = "; ".join(event.warnings).encode("ascii", "replace").decode()
        with self._opened().post(
            self._url,
            data=write_event(event),
            headers=headers,
            timeout=(_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S),
            allow_redirects=False,
            stream=True,  # only the status counts
        ) as response:
            return response.status_code

    def _opened(self) -> "requests.Session":
        if self._session is None:
            import requests

            self._session = requests.Session()
            prepare_session(self._session, self._url, lambda: self._give_up_at - self._monotonic())
            self._session.auth = lambda prepared: prepared  # keeps a netrc file from adding credentials
        return self._session


def _checked(url: str) -> str:
    if not _is_safe(url):
        raise UsageError(
            "Events can't be forwarded to this URL.",
            fix="Use https://host/path, or http:// on this machine, without a user name or password.",
        )
    return url


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or port == 0 or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
