"""Sends one request at a time over connections to allowed addresses, within limits of time and size."""

from __future__ import annotations

import os
import ssl
import time
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from threading import local
from typing import TYPE_CHECKING, Any, Final

import requests
import urllib3

from ....errors import ConnectorError, NoAnswer
from ....http.deadline import DeadlineAdapter
from ....version import __version__
from . import addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_REPLY: Final = 4 * 1024 * 1024  # bytes; what a step returns is kept in the run
_READ_SIZE: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds: to connect, between two bytes of a reply, and in total."""

    connect_s: float = 10.0
    read_s: float = 30.0
    call_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply; its headers have names in lower case. A body that can't be used is None, with a `problem`."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None
    problem: str = ""


class ReplyLost(Exception):
    """No reply arrived, although the request may have. The text says why, `reason` is NoAnswer's."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class Session:
    """Requests to one origin. `private` allows addresses of private networks. Threads may share it."""

    def __init__(
        self, *, private: bool, timeouts: Timeouts, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._timeouts = timeouts
        self._monotonic = monotonic
        self._call = local()  # per thread: the deadline of its call
        self._session = requests.Session()
        # A proxy would look up names by itself, and a netrc file would add a password.
        self._session.trust_env = False
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        # Even without following redirects, requests reads a redirect's whole body and parses its target.
        self._session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]  # noqa: ARG005 - its name
        self._session.headers.clear()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _AllowedAddresses(self._left_s, private=private))

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """Send a request once. Raises NoAnswer if it can't have arrived, ReplyLost if it may have."""
        self._call.give_up_at = self._monotonic() + self._timeouts.call_s
        sent = {
            "User-Agent": f"calendly-connector/{__version__}",
            "Accept": "application/json, */*;q=0.5",
            "Accept-Encoding": "identity",  # a short body that expands to a long one gains nothing
            **headers,
        }
        try:
            with self._session.request(
                method,
                url,
                data=body,
                headers=sent,
                timeout=(self._timeouts.connect_s, self._timeouts.read_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                answered = {name.lower(): value for name, value in response.headers.items()}
                return Reply(response.status_code, answered, *self._read(response, answered))
        except requests.exceptions.InvalidURL:
            raise NoAnswer(
                "The host name in the credential's address isn't valid.", fix="Correct it.", reason="dns"
            ) from None
        except requests.Timeout:
            raise ReplyLost("didn't reply in time", "timeout") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
            late = self._left_s() < 0
            raise ReplyLost(
                "didn't reply in time" if late else "closed the connection without a reply",
                "timeout" if late else "broken",
            ) from None

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def _read(self, response: requests.Response, headers: Mapping[str, str]) -> tuple[bytes | None, str]:
        """Return the body, or the reason why it can't be used: the status has arrived, so it isn't lost."""
        if headers.get("content-encoding", "identity").lower() != "identity":
            return None, "is compressed, which wasn't asked for"
        pieces, size = [], 0
        try:
            while piece := response.raw.read(_READ_SIZE, decode_content=False):
                pieces.append(piece)
                size += len(piece)
                if size > MAX_REPLY:
                    return None, f"is longer than {MAX_REPLY // 1024**2} MiB"
                if self._left_s() < 0:
                    return None, "took too long"
        except (urllib3.exceptions.HTTPError, OSError):
            return None, "broke off"
        return b"".join(pieces), ""

    def _left_s(self) -> float:
        return float(self._call.give_up_at - self._monotonic())


class _AllowedAddresses(DeadlineAdapter):
    """An adapter whose connections only go to allowed addresses."""

    def __init__(self, left_s: Callable[[], float], *, private: bool) -> None:
        super().__init__(left_s)
        self._private = private

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool whose connections check the address that they go to."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if not issubclass(pool.ConnectionCls, _Checked):
            members = {"private": self._private}
            pool.ConnectionCls = type("CheckedConnection", (_Checked, pool.ConnectionCls), members)
        return pool


class _Checked:
    """A connection of urllib3. What fails before it is open is a NoAnswer: nothing was sent by then."""

    private: bool
    host: str
    port: int
    timeout: Any
    socket_options: Any

    def _new_conn(self) -> Any:
        timeout_s = self.timeout if isinstance(self.timeout, int | float) else None
        return addresses.connect(
            self.host.strip("[]"),
            self.port,
            private=self.private,
            timeout_s=timeout_s,
            options=self.socket_options,
        )

    def connect(self) -> None:
        try:
            super().connect()  # type: ignore[misc]  # of urllib3's class
        except ConnectorError:
            raise
        except (ssl.SSLError, urllib3.exceptions.SSLError, ssl.CertificateError):
            raise NoAnswer(
                f"Could not verify the TLS certificate of {self.host}.",
                fix="Check the system clock, and the certificate of the server (see REQUESTS_CA_BUNDLE).",
                reason="tls",
            ) from None
        except (urllib3.exceptions.HTTPError, OSError):
            raise NoAnswer(
                f"{self.host} closed the connection at once.", fix="Try again later.", reason="broken"
            ) from None
