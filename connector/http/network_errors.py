"""From a failure of the network to a NoAnswer. Our own words: the library's could hold URLs and headers."""

from urllib.parse import urlsplit

from ..errors import NoAnswer
from ..support.clock import Timeouts
from .api_errors import CHECK_BEFORE_RETRYING
from .request import Request


def network_error(
    request: Request,
    error: Exception,
    origin: str,
    timeouts: Timeouts,
    *,
    variable: str = "CALENDLY_API_URL",
) -> NoAnswer:
    """Return the NoAnswer for an exception of `requests` or an OSError.

    `variable` is the environment variable that sets the origin.
    """
    import requests

    host = urlsplit(origin).netloc
    if isinstance(error, requests.exceptions.ProxyError):
        return NoAnswer(
            f"Could not reach {host} through the proxy.",
            fix="Check HTTPS_PROXY and NO_PROXY.",
            reason="proxy",
        )
    if isinstance(error, requests.exceptions.SSLError):
        return NoAnswer(
            f"Could not verify the TLS certificate of {host}.",
            fix="Check the system clock, and whether a proxy replaces certificates (see REQUESTS_CA_BUNDLE).",
            reason="tls",
        )
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return NoAnswer(
            f"Could not connect to {host} within {timeouts.connect_s:.0f} s.",
            fix="Check the network and firewall, then try again.",
            reason="timeout",
        )
    if isinstance(error, requests.exceptions.Timeout):
        return lost_reply(request, "timeout", f"no reply within {timeouts.read_s:.0f} s")
    causes = {type(cause).__name__ for cause in causes_of(error)}
    if "NameResolutionError" in causes or "gaierror" in causes:
        return NoAnswer(
            f"Could not resolve the host name {host} (DNS).",
            fix=f"Check the network connection and the name in {variable}.",
            reason="dns",
        )
    if "NewConnectionError" in causes or "ConnectionRefusedError" in causes:
        return NoAnswer(
            f"{host} refused the connection.",
            fix="Check that the address is correct and that a server is running there.",
            reason="refused",
        )
    return lost_reply(request, "broken", "the connection was lost")


def lost_reply(request: Request, reason: str, what: str) -> NoAnswer:
    """Return the NoAnswer for a reply that was lost after the request may have arrived."""
    return NoAnswer(
        f"{request.call}: {what}.",
        fix="Try again." if request.repeatable else CHECK_BEFORE_RETRYING,
        reason=reason,
        may_have_happened=not request.repeatable,
    )


def causes_of(error: BaseException) -> list[BaseException]:
    """Return an exception and all others that led to it, including urllib3's `reason`."""
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
