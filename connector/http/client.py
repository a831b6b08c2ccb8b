"""The network's edge: sends requests to one origin within a budget, with time-outs, retries, no redirects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from itertools import count
from threading import Lock, local
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ..errors import ConnectorError, NoAnswer, NotFound, RateLimited, Unauthenticated, UnexpectedAnswer
from ..support import json_documents
from ..support.clock import Timing
from ..support.redaction import SECRET_FIELDS, redact_all
from ..version import __version__
from . import debug_log, protocol, rate_limit
from .advice import Kept
from .protocol import Request

if TYPE_CHECKING:
    import requests

    from ..contract import RateLimit

_CONNECT_TIMEOUT_S: Final = 10.0
_READ_TIMEOUT_S: Final = 30.0
_DEADLINE_S: Final = 180.0
_SHORT_WAIT_S: Final = 1.0
_ATTEMPTS: Final = 5
_PIECE: Final = 256 * 1024  # bytes read between two looks at the deadline


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that said yes: its JSON document, headers in lower case, the HTTP requests it took in all.

    `took_s` is how long the last of them was under way.
    """

    document: Any
    headers: Mapping[str, str]
    calls: int
    skew_s: float | None
    took_s: float = 0.0


class Client:
    """Sends requests to one origin on behalf of one credential. Threads may share it.

    `authorization` gives the header's value for each call; after a 401 it is told which one was refused,
    and may give another, with which the call is tried once more. `account` tells accounts apart (without
    it the header does), since those of one account share a budget. `kept` says where the credential is
    kept, for advice. `calls` counts what was sent.
    """

    def __init__(
        self,
        origin: str,
        authorization: Callable[[str | None], str],
        *,
        account: str = "",
        plan: str = "",
        kept: Kept | None = None,
        deadline_s: float = _DEADLINE_S,
        attempts: int = _ATTEMPTS,
        timing: Timing | None = None,
    ) -> None:
        self.origin = origin
        self.rate_limit: RateLimit | None = None
        self.calls = 0
        self._authorization = authorization
        self._key = account
        self._plan = plan
        self._kept = kept or Kept()
        self._deadline_s = deadline_s
        self._attempts = attempts
        self._timing = timing or Timing()
        self._account: rate_limit.Account | None = None
        self._session: requests.Session | None = None
        self._lock = Lock()
        self._call = local()  # of each thread: when its call is given up
        self._waits_until = float("-inf")
        self._waited_s = 0.0

    def send(self, request: Request, *, attempts: int | None = None) -> Reply:
        """Send a request, trying again where that is safe; raise what the last answer means.

        With one attempt alone a wait for the account's budget is an error too.
        """
        now = self._timing.monotonic
        most = attempts or self._attempts
        give_up_at = now() + self._deadline_s
        patience_s = self._deadline_s if most > 1 else _SHORT_WAIT_S
        header, renewed = self._authorization(None), False
        for attempt in count(1):
            account, turn = self._wait_for_turn(request, header, min(give_up_at, now() + patience_s))
            try:
                return self._send_once(request, header, attempt, account, turn, give_up_at)
            except Unauthenticated:
                other = header if renewed else self._authorization(header)
                if other == header:
                    raise
                header, renewed = other, True
            except ConnectorError as error:
                if attempt - renewed > 1 and request.method == "DELETE" and isinstance(error, NotFound):
                    # An earlier attempt did it, and its answer was lost.
                    return Reply(None, {}, attempt, None)
                delay_s = protocol.retry_delay_s(request, error, attempt, self._timing.jitter())
                if delay_s is None or attempt - renewed == most or now() + delay_s > give_up_at:
                    raise
                if not isinstance(error, RateLimited):  # for that one the budget waits
                    self._timing.sleep(delay_s)
        raise AssertionError("unreachable: the last attempt returns or raises")  # pragma: no cover

    def close(self) -> None:
        """Close the connections that are kept open."""
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    @property
    def waits(self) -> tuple[float, float]:
        """How many seconds calls still wait for the account's budget, and how many in all, that included."""
        with self._lock:
            return max(0.0, self._waits_until - self._timing.monotonic()), self._waited_s

    def _wait(self, now: float, seconds: float) -> None:
        with self._lock:  # what several threads wait at the same time counts once
            until = max(self._waits_until, now + seconds)
            self._waited_s += until - max(self._waits_until, now)
            self._waits_until = until
        self._timing.sleep(seconds)

    def _wait_for_turn(
        self, request: Request, header: str, give_up_at: float
    ) -> tuple[rate_limit.Account, rate_limit.Turn]:
        """Wait until the account's budget lets the request through, unless that is too late."""
        if self._account is None:
            key = self._key or sha256(header.encode()).hexdigest()
            self._account = rate_limit.account(self.origin, key, self._plan)
        account = self._account
        while True:
            now = self._timing.monotonic()
            turn = account.take(request.method, request.path, now)
            if isinstance(turn, rate_limit.Turn):
                return account, turn
            if now + turn > give_up_at:
                raise protocol.out_of_budget(request, turn)
            self._wait(now, turn)

    def _send_once(
        self,
        request: Request,
        header: str,
        attempt: int,
        account: rate_limit.Account,
        turn: rate_limit.Turn,
        give_up_at: float,
    ) -> Reply:
        sent = self._timing.clock()
        debug_log.sent(request, header)
        try:
            status, headers, body = self._exchange(request, header, give_up_at)
        except BaseException:
            account.lost()
            raise
        debug_log.received(request, header, status, headers, body)
        received = self._timing.monotonic()
        limit = protocol.rate_limit(headers)
        self.rate_limit = limit or self.rate_limit
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            told_s = protocol.wait_s(headers)
            account.refused(turn, received, protocol.DEFAULT_WAIT_S if told_s is None else told_s)
        else:
            account.told(turn, received, limit)
        if key := headers.get("x-ratelimit-key"):
            self._account = rate_limit.share(self.origin, key, account)
        try:
            document = protocol.read_document(request, status, headers, body, self._kept)
        except ConnectorError as error:
            # A server could echo what it was sent.
            sent_secrets = [header.partition(" ")[2], *_secrets(request.body or {})]
            for name, value in vars(error).items():
                setattr(error, name, redact_all(value, *sent_secrets))
            error.args = (error.message,)
            raise
        skew_s = protocol.clock_skew_s(headers, sent, self._timing.clock())
        return Reply(document, headers, attempt, skew_s, received - turn.sent)

    def _exchange(
        self, request: Request, header: str, give_up_at: float
    ) -> tuple[int, dict[str, str], bytes]:
        import requests

        self._call.give_up_at = give_up_at
        try:
            with self._opened().request(
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
                if not headers:
                    raise _lost(request, "broken", "broke off before its headers")
                return response.status_code, headers, self._read(request, response)
        except (requests.RequestException, OSError) as error:
            if isinstance(error, requests.exceptions.ReadTimeout) and self._left_s() < 0:
                raise self._overdue(request) from None
            raise no_answer(request, error, self.origin) from None

    def _read(self, request: Request, response: "requests.Response") -> bytes:
        import urllib3

        pieces: list[bytes] = []
        size = 0
        response.raw.decode_content = True
        try:
            # read1 gives what is there; read would wait for a whole piece, however slowly it drips in.
            while piece := response.raw.read1(_PIECE):
                pieces.append(piece)
                size += len(piece)
                if size > json_documents.LARGEST:
                    raise UnexpectedAnswer(
                        f"{request.method} {request.path} was answered with more than 64 MiB."
                    )
                if self._left_s() < 0:
                    raise self._overdue(request)
        except urllib3.exceptions.TimeoutError:
            if self._left_s() < 0:
                raise self._overdue(request) from None
            raise _lost(request, "timeout", f"stopped for {_READ_TIMEOUT_S:.0f} s") from None
        except urllib3.exceptions.HTTPError:
            raise _lost(request, "broken", "broke off in the middle") from None
        return b"".join(pieces)

    def _left_s(self) -> float:
        """Say how much time the call of this thread has left."""
        left_s: float = self._call.give_up_at - self._timing.monotonic()
        return left_s

    def _overdue(self, request: Request) -> NoAnswer:
        return _lost(request, "timeout", f"took longer than {self._deadline_s:.0f} s")

    def _opened(self) -> "requests.Session":
        with self._lock:
            self.calls += 1
            if self._session is None:
                import requests

                self._session = requests.Session()
                prepare_session(self._session, self.origin, self._left_s)
            return self._session


def prepare_session(session: "requests.Session", origin: str, left_s: Callable[[], float]) -> None:
    """Say who is calling, keep what is for this machine on it, and read no longer than `left_s` says."""
    from .deadline import PunctualAdapter

    for scheme in ("https://", "http://"):
        session.mount(scheme, PunctualAdapter(left_s))
    # A proxy has no business with a server on this machine, and would see the token in clear text.
    session.trust_env = urlsplit(origin).hostname not in protocol.LOOPBACK
    # Where nothing is followed, requests still reads the body of a redirect, whole, and the address it names.
    session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]  # noqa: ARG005 - its name
    session.headers.update({"User-Agent": f"calendly-connector/{__version__}", "Accept": "application/json"})


class _Bearer:
    """Sets the header last of all, so that no netrc file can replace the token."""

    def __init__(self, header: str) -> None:
        self._header = header

    def __call__(self, prepared: "requests.PreparedRequest") -> "requests.PreparedRequest":
        prepared.headers["Authorization"] = self._header
        return prepared


def no_answer(
    request: Request, error: Exception, origin: str, variable: str = "CALENDLY_API_URL"
) -> NoAnswer:
    """Word a failure of the network; the library's own words could hold addresses and headers.

    `variable` is where the origin is set.
    """
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
    causes = {type(cause).__name__ for cause in causes_of(error)}
    if "NameResolutionError" in causes or "gaierror" in causes:
        return NoAnswer(
            f"The name {host} could not be found (DNS).",
            fix=f"Check the network connection and the name in {variable}.",
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
        f"The answer to {request.call} {how}.",
        fix=fix,
        reason=reason,
        may_have_happened=write,
    )


def causes_of(error: BaseException) -> list[BaseException]:
    """Give an error and all it was made from."""
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
    return list(seen.values())


def _secrets(body: Mapping[str, Any]) -> list[str]:
    return [value for name, value in body.items() if name in SECRET_FIELDS and isinstance(value, str)]


def _dumps(body: Mapping[str, Any]) -> bytes:
    import orjson

    return orjson.dumps(body)
