"""The network's edge: sends one request at a time to one origin, with time-outs, retries and no redirects."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from .. import __version__
from ..errors import ConnectorError, NoAnswer, NotFound, UnexpectedAnswer
from ..redaction import SECRET_FIELDS, redact_all
from . import protocol, trace
from .protocol import Request

if TYPE_CHECKING:
    import requests

    from ..contract import RateLimit

_CONNECT_TIMEOUT_S: Final = 10.0
_READ_TIMEOUT_S: Final = 30.0
_DEADLINE_S: Final = 180.0
_ATTEMPTS: Final = 5
_LARGEST_REPLY: Final = 64 * 1024 * 1024  # bytes; a page of 100 records is well under one MiB
_PIECE: Final = 256 * 1024  # bytes read between two looks at the deadline


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that said yes: its JSON document, headers in lower case, and the HTTP requests it took."""

    document: Any
    headers: Mapping[str, str]
    calls: int
    skew_s: float | None


class Client:
    """Sends requests to one origin on behalf of one credential.

    `authorization` gives the header's value at each send. Clock (unix seconds), sleep and randomness
    (0 to 1) are passed in, so that nothing waits in a test.
    """

    def __init__(
        self,
        origin: str,
        authorization: Callable[[], str],
        *,
        deadline_s: float = _DEADLINE_S,
        attempts: int = _ATTEMPTS,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.origin = origin
        self.rate_limit: RateLimit | None = None
        self._authorization = authorization
        self._deadline_s = deadline_s
        self._attempts = attempts
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._session: requests.Session | None = None

    def send(self, request: Request, *, attempts: int | None = None) -> Reply:
        """Send a request, trying again where that is safe; raise what the last answer means."""
        give_up_at = self._clock() + self._deadline_s
        most = attempts or self._attempts
        for attempt in range(1, most + 1):
            try:
                return self._send_once(request, attempt)
            except ConnectorError as error:
                if attempt > 1 and request.method == "DELETE" and isinstance(error, NotFound):
                    # An earlier attempt did it, and its answer was lost.
                    return Reply(None, {}, attempt, None)
                delay_s = protocol.retry_delay_s(request, error, attempt, self._jitter())
                if delay_s is None or attempt == most or self._clock() + delay_s > give_up_at:
                    raise
                self._sleep(delay_s)
        raise AssertionError("unreachable: the last attempt returns or raises")  # pragma: no cover

    def close(self) -> None:
        """Close the connections that are kept open."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _send_once(self, request: Request, attempt: int) -> Reply:
        header = self._authorization()
        sent = self._clock()
        trace.sent(request, header)
        status, headers, body = self._exchange(request, header)
        trace.received(request, header, status, headers, body)
        received = self._clock()
        if not headers:
            raise _lost(request, "broken", "broke off before its headers")
        self.rate_limit = protocol.rate_limit(headers) or self.rate_limit
        try:
            document = protocol.read_document(request, status, headers, body)
        except ConnectorError as error:
            # A server could echo what it was sent.
            sent_secrets = [header.partition(" ")[2], *_secrets(request.body or {})]
            for name, value in vars(error).items():
                setattr(error, name, redact_all(value, *sent_secrets))
            error.args = (error.message,)
            raise
        return Reply(document, headers, attempt, protocol.clock_skew_s(headers, sent, received))

    def _exchange(self, request: Request, header: str) -> tuple[int, dict[str, str], bytes]:
        import requests

        session = self._session = self._session or self._open()
        try:
            with session.request(
                request.method,
                self.origin + request.target,
                data=None if request.body is None else _dumps(request.body),
                headers={} if request.body is None else {"Content-Type": "application/json"},
                auth=_Bearer(header),
                timeout=(_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            ) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                return response.status_code, headers, self._read(request, response)
        except (requests.RequestException, OSError) as error:
            raise _no_answer(request, error, self.origin) from None

    def _read(self, request: Request, response: "requests.Response") -> bytes:
        import urllib3

        pieces: list[bytes] = []
        size = 0
        give_up_at = self._clock() + self._deadline_s
        response.raw.decode_content = True
        try:
            # read1 gives what is there; read would wait for a whole piece, however slowly it drips in.
            while piece := response.raw.read1(_PIECE):
                pieces.append(piece)
                size += len(piece)
                if size > _LARGEST_REPLY:
                    raise UnexpectedAnswer(
                        f"{request.method} {request.path} was answered with more than 64 MiB."
                    )
                if self._clock() > give_up_at:
                    raise _lost(request, "timeout", f"took longer than {self._deadline_s:.0f} s")
        except urllib3.exceptions.TimeoutError:
            raise _lost(request, "timeout", f"stopped for {_READ_TIMEOUT_S:.0f} s") from None
        except urllib3.exceptions.HTTPError:
            raise _lost(request, "broken", "broke off in the middle") from None
        return b"".join(pieces)

    def _open(self) -> "requests.Session":
        import requests

        session = requests.Session()
        # A proxy has no business with a server on this machine, and would see the token in clear text.
        session.trust_env = urlsplit(self.origin).hostname not in protocol.LOOPBACK
        session.headers.update(
            {"User-Agent": f"calendly-connector/{__version__}", "Accept": "application/json"}
        )
        return session


class _Bearer:
    """Sets the header last of all, so that no netrc file can replace the token."""

    def __init__(self, header: str) -> None:
        self._header = header

    def __call__(self, prepared: "requests.PreparedRequest") -> "requests.PreparedRequest":
        prepared.headers["Authorization"] = self._header
        return prepared


def _no_answer(request: Request, error: Exception, origin: str) -> NoAnswer:
    """Word a failure of the network; the library's own words could hold addresses and headers."""
    import requests

    host = urlsplit(origin).netloc
    if isinstance(error, requests.exceptions.ProxyError):
        return NoAnswer(
            f"The proxy did not pass the call to {host} on.",
            fix="Check HTTPS_PROXY and NO_PROXY.",
            reason="proxy",
        )
    if isinstance(error, requests.exceptions.SSLError):
        return NoAnswer(
            f"The TLS certificate of {host} could not be verified.",
            fix="Check the clock, and whether a proxy replaces certificates (see REQUESTS_CA_BUNDLE).",
            reason="tls",
        )
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return NoAnswer(
            f"{host} did not take the connection within {_CONNECT_TIMEOUT_S:.0f} s.",
            fix="Check the network and firewall, then try again.",
            reason="timeout",
        )
    if isinstance(error, requests.exceptions.Timeout):
        return _lost(request, "timeout", f"did not come within {_READ_TIMEOUT_S:.0f} s")
    causes = _causes(error)
    if "NameResolutionError" in causes or "gaierror" in causes:
        return NoAnswer(
            f"The name {host} could not be found (DNS).",
            fix="Check the network connection and the name in CALENDLY_API_URL.",
            reason="dns",
        )
    if "NewConnectionError" in causes or "ConnectionRefusedError" in causes:
        return NoAnswer(
            f"{host} refused the connection.",
            fix="Check that the address is right and that something listens there.",
            reason="refused",
        )
    return _lost(request, "broken", "broke off")


def _lost(request: Request, reason: str, how: str) -> NoAnswer:
    """Word an answer that was lost after the request may have arrived."""
    write = not request.repeatable
    fix = (
        "It may have happened all the same: look for its result before trying again."
        if write
        else "Try again."
    )
    return NoAnswer(
        f"The answer to {request.method} {request.path} {how}.",
        fix=fix,
        reason=reason,
        may_have_happened=write,
    )


def _causes(error: BaseException) -> set[str]:
    """Name the classes of an error and of all it was made from."""
    seen: dict[int, BaseException] = {}
    pending: list[object] = [error]
    while pending:
        current = pending.pop()
        if isinstance(current, BaseException) and id(current) not in seen:
            seen[id(current)] = current
            pending += [
                current.__cause__,
                current.__context__,
                getattr(current, "reason", None),
                *current.args,
            ]
    return {type(known).__name__ for known in seen.values()}


def _secrets(body: Mapping[str, Any]) -> list[str]:
    return [value for name, value in body.items() if name in SECRET_FIELDS and isinstance(value, str)]


def _dumps(body: Mapping[str, Any]) -> bytes:
    import orjson

    return orjson.dumps(body)
