"""Sends requests to one origin: within rate limits and timeouts, with retries, without redirects.

See docs/decisions/proxies-and-netrc.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from itertools import count
from threading import Lock, local
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ..errors import ConnectorError, NoAnswer, NotFound, RateLimited, Unauthenticated, UnexpectedAnswer
from ..support.clock import Timeouts, Timing
from ..support.json_documents import MAX_BODY
from ..version import __version__
from . import headers as reply_headers
from . import protocol, rate_limit, retry
from .api_errors import PASSED_CREDENTIAL, CredentialLocation
from .debug_log import debug_log
from .network_errors import lost_reply, network_error
from .rate_limit import AccountRateLimit, Permit
from .request import Request

if TYPE_CHECKING:
    import requests

    from ..contract import RateLimit

_SHORT_WAIT_S: Final = 1.0
_ATTEMPTS: Final = 5
_READ_SIZE: Final = 256 * 1024  # bytes read between two checks of the deadline


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful reply: JSON document, headers in lower case, and the HTTP requests sent in all.

    `took_s` is the duration of the last request; `sent` and `received` are its times by this machine's clock.
    """

    document: Any
    headers: Mapping[str, str]
    calls: int
    sent: float = 0.0
    received: float = 0.0
    took_s: float = 0.0

    @property
    def skew_s(self) -> float | None:
        """How many seconds this machine's clock is ahead of Calendly's, None if the reply doesn't say."""
        return reply_headers.clock_skew_s(self.headers, self.sent, self.received)


class Client:
    """Sends requests to one origin with one credential. Thread-safe.

    `authorization` returns the header's value for each call. After a 401 it is called with the rejected
    value; if it returns another one, the call is tried once more. `account` identifies the account whose
    rate limits apply (default: the header). `location` says where the credential is stored, for advice.
    `calls` counts the HTTP requests sent, `max_body` limits a reply (bytes).
    """

    def __init__(
        self,
        origin: str,
        authorization: Callable[[str | None], str],
        *,
        account: str = "",
        plan: str = "",
        location: CredentialLocation = PASSED_CREDENTIAL,
        timeouts: Timeouts | None = None,
        timing: Timing | None = None,
        attempts: int = _ATTEMPTS,
    ) -> None:
        self.origin = origin
        self.rate_limit: RateLimit | None = None
        self.calls = 0
        self.max_body = MAX_BODY
        self._authorization = authorization
        self._account = account
        self._plan = plan
        self._location = location
        self._timeouts = timeouts or Timeouts()
        self._timing = timing or Timing()
        self._attempts = attempts
        self._limits: AccountRateLimit | None = None
        self._session: requests.Session | None = None
        self._lock = Lock()
        self._call = local()  # per thread: the deadline of its call
        self._waits_until = float("-inf")
        self._waited_s = 0.0

    def send(self, request: Request, *, attempts: int | None = None) -> Reply:
        """Send a request and retry if that is safe; raise the error of the last attempt.

        With a single attempt, a wait for the rate limit is an error as well.
        """
        now = self._timing.monotonic
        max_attempts = attempts or self._attempts
        deadline = now() + self._timeouts.call_s
        patience_s = self._timeouts.call_s if max_attempts > 1 else _SHORT_WAIT_S
        header, renewed = self._authorization(None), False
        for attempt in count(1):
            limits, permit = self._acquire(request, header, min(deadline, now() + patience_s))
            try:
                return self._send_once(request, header, attempt, limits, permit, deadline)
            except Unauthenticated:
                other = header if renewed else self._authorization(header)
                if other == header:
                    raise
                header, renewed = other, True
            except ConnectorError as error:
                if attempt - renewed > 1 and request.method == "DELETE" and isinstance(error, NotFound):
                    # An earlier attempt succeeded, but its reply was lost.
                    return Reply(None, {}, attempt)
                delay_s = retry.retry_delay_s(request, error, attempt, self._timing.jitter())
                if delay_s is None or attempt - renewed == max_attempts or now() + delay_s > deadline:
                    raise
                if not isinstance(error, RateLimited):  # otherwise the next permit comes late enough
                    self._timing.sleep(delay_s)
        raise AssertionError("unreachable: the last attempt returns or raises")  # pragma: no cover

    def close(self) -> None:
        """Close idle connections. The client can still be used."""
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    @property
    def waits(self) -> tuple[float, float]:
        """Seconds that calls will still wait for the rate limit, and seconds in total, these included."""
        with self._lock:
            return max(0.0, self._waits_until - self._timing.monotonic()), self._waited_s

    def quota_wait_s(self, method: str, path: str) -> float:
        """Return the seconds until an operation's own quota allows a request; 0 if unknown or unlimited."""
        if self._limits is None:
            return 0.0
        return self._limits.quota_wait_s(method, path, self._timing.monotonic())

    def _acquire(self, request: Request, header: str, give_up_at: float) -> tuple[AccountRateLimit, Permit]:
        """Wait for the account's permit to send a request, unless that takes too long."""
        if self._limits is None:
            key = self._account or sha256(header.encode()).hexdigest()
            self._limits = rate_limit.of_account(self.origin, key, self._plan)
        limits = self._limits
        while True:
            now = self._timing.monotonic()
            permit = limits.acquire(request.method, request.path, now)
            if isinstance(permit, Permit):
                return limits, permit
            if now + permit > give_up_at:
                raise protocol.not_sent(request, permit)
            with self._lock:  # threads that wait at the same time count once
                until = max(self._waits_until, now + permit)
                self._waited_s += until - max(self._waits_until, now)
                self._waits_until = until
            self._timing.sleep(permit)

    def _send_once(
        self,
        request: Request,
        header: str,
        attempt: int,
        limits: AccountRateLimit,
        permit: Permit,
        deadline: float,
    ) -> Reply:
        sent = self._timing.clock()
        debug_log.request_sent(request, header)
        try:
            status, headers, body = self._exchange(request, header, deadline)
        except BaseException:
            limits.release()
            raise
        debug_log.reply_received(request, header, status, headers, body)
        received = self._timing.monotonic()
        limit = reply_headers.rate_limit(headers)
        self.rate_limit = limit or self.rate_limit
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            wait_s = reply_headers.rate_limit_wait_s(headers)
            limits.on_429(permit, received, retry.DEFAULT_WAIT_S if wait_s is None else wait_s)
        else:
            limits.observe(permit, received, limit)
        if key := headers.get("x-ratelimit-key"):
            self._limits = rate_limit.share(self.origin, key, limits)
        document = protocol.read_document(request, status, headers, body, self._location, header)
        return Reply(document, headers, attempt, sent, self._timing.clock(), received - permit.sent)

    def _exchange(self, request: Request, header: str, deadline: float) -> tuple[int, dict[str, str], bytes]:
        import orjson
        import requests

        def authorize(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
            prepared.headers["Authorization"] = header  # set last, so a netrc file can't replace it
            return prepared

        self._call.deadline = deadline
        with self._lock:
            self.calls += 1
            if self._session is None:
                self._session = requests.Session()
                prepare_session(self._session, self.origin, self._left_s)
            session = self._session
        try:
            with session.request(
                request.method,
                self.origin + request.target,
                data=None if request.body is None else orjson.dumps(request.body),
                headers={} if request.body is None else {"Content-Type": "application/json"},
                auth=authorize,
                timeout=(self._timeouts.connect_s, self._timeouts.read_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                headers = dict(response.headers.lower_items())
                if not headers:
                    raise lost_reply(request, "broken", "the connection was lost before the reply's headers")
                return response.status_code, headers, self._read(request, response)
        except (requests.RequestException, OSError) as error:
            if isinstance(error, requests.exceptions.ReadTimeout) and self._left_s() < 0:
                raise self._overdue(request) from None
            raise network_error(request, error, self.origin, self._timeouts) from None

    def _read(self, request: Request, response: "requests.Response") -> bytes:
        import urllib3

        pieces: list[bytes] = []
        size = 0
        response.raw.decode_content = True
        try:
            # read1 returns what is there; read would wait for a whole piece, however slowly it drips in.
            while piece := response.raw.read1(_READ_SIZE):
                pieces.append(piece)
                size += len(piece)
                if size > self.max_body:
                    raise UnexpectedAnswer(
                        f"{request.call}: the reply is larger than {self.max_body / 2**20:g} MiB."
                    )
                if self._left_s() < 0:
                    raise self._overdue(request)
        except urllib3.exceptions.TimeoutError:
            if self._left_s() < 0:
                raise self._overdue(request) from None
            stalled = f"the reply stalled for {self._timeouts.read_s:.0f} s"
            raise lost_reply(request, "timeout", stalled) from None
        except urllib3.exceptions.HTTPError:
            raise lost_reply(request, "broken", "the reply was cut off") from None
        return b"".join(pieces)

    def _left_s(self) -> float:
        """Return how many seconds are left for the call of this thread."""
        left_s: float = self._call.deadline - self._timing.monotonic()
        return left_s

    def _overdue(self, request: Request) -> NoAnswer:
        return lost_reply(request, "timeout", f"no complete reply within {self._timeouts.call_s:.0f} s")


def prepare_session(session: "requests.Session", origin: str, left_s: Callable[[], float]) -> None:
    """Set up a session: user agent, no proxy for local servers, no redirects, reads limited by `left_s`."""
    from .deadline import DeadlineAdapter

    for scheme in ("https://", "http://"):
        session.mount(scheme, DeadlineAdapter(left_s))
    # A proxy could not reach a server on this machine, and would see the token in clear text.
    session.trust_env = urlsplit(origin).hostname not in protocol.LOOPBACK
    # Even without following redirects, requests reads a redirect's whole body and parses its target.
    session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]  # noqa: ARG005 - its name
    session.headers.update({"User-Agent": f"calendly-connector/{__version__}", "Accept": "application/json"})
