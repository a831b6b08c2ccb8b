"""Why Calendly could not reach a callback address: one post to it, unsigned and without credentials."""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import SplitResult, urljoin, urlsplit

from ...http.client import prepare_session
from ...http.network_errors import causes_of
from . import urls

if TYPE_CHECKING:
    import requests

Severity = Literal["ok", "warning", "error"]
Resolve = Callable[[str], Iterable[str]]

_CONNECT_TIMEOUT_S: Final = 10.0  # both as Calendly has them
_READ_TIMEOUT_S: Final = 15.0
_SLOW_S: Final = 5.0
_BODY: Final = b'{"event":"calendly-connector.doctor"}'
_UNVERIFIED: Final = {  # by OpenSSL's number for what is wrong with a certificate
    9: (
        "certificate_early",
        "is not valid yet",
        "Check the server's clock, or wait until the certificate begins.",
    ),
    10: ("certificate_expired", "has expired", "Renew the certificate, and let the server load it."),
    18: (
        "certificate_self_signed",
        "is self-signed",
        "Get one from a public authority, such as Let's Encrypt.",
    ),
    62: (
        "certificate_name",
        "is for another name",
        "Get one for this very name, or use the name that it is for.",
    ),
    64: ("certificate_name", "is for another address", "Use the name that it is for."),
}
_UNTRUSTED: Final = (
    "certificate_untrusted",
    "was not made by an authority that is known here",
    "Send the intermediate certificates too, or get one from a public authority, such as Let's Encrypt.",
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was found at an address, and what to do about it. `code` is a short fixed word."""

    severity: Severity
    code: str
    message: str
    fix: str = ""


def probe(
    address: str,
    *,
    resolve: Resolve | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[Diagnosis]:
    """Say what keeps Calendly from posting to an address; a good one is answered by a refusal (4xx).

    It is seen from this machine: a firewall may treat Calendly otherwise. Redirects are not followed. Raises
    InvalidParams for what is no http(s) address. `resolve` gives the IP addresses of a name.
    """
    import requests

    parts = urls.parsed(address)
    found = list(_by_form(parts))
    end = monotonic() + _CONNECT_TIMEOUT_S + _READ_TIMEOUT_S
    with requests.Session() as session:
        prepare_session(session, parts.geturl(), lambda: end - monotonic())
        if not requests.utils.select_proxy(parts.geturl(), _proxies(session, parts)):
            found += _by_name(parts, resolve or _resolved)
        if not any(one.code == "dns" for one in found):
            found.append(_posted(session, parts, monotonic))
    return found


def _proxies(session: "requests.Session", parts: SplitResult) -> Mapping[str, str]:
    settings = session.merge_environment_settings(parts.geturl(), {}, None, None, None)
    proxies: Mapping[str, str] = settings["proxies"]
    return proxies


def _by_form(parts: SplitResult) -> Iterator[Diagnosis]:
    if parts.hostname in urls.LOOPBACK:
        yield Diagnosis(
            "warning",
            "loopback",
            f"{parts.hostname} is this machine: nobody else reaches it, Calendly neither.",
            "Use a public https address, or a tunnel to this one. The sandbox may post there.",
        )
    elif parts.scheme != "https":
        yield Diagnosis(
            "error",
            "plain_http",
            "Calendly posts to https addresses alone.",
            "Put the receiver behind https.",
        )


def _by_name(parts: SplitResult, resolve: Resolve) -> Iterator[Diagnosis]:
    host = parts.hostname or ""
    if host in urls.LOOPBACK:
        return
    try:
        found = list(resolve(host))
    except (OSError, UnicodeError):
        yield Diagnosis(
            "error",
            "dns",
            f"The name {host} could not be found (DNS).",
            "Check its spelling and its DNS records; new ones take a while.",
        )
        return
    if private := [one for one in found if not ipaddress.ip_address(one.partition("%")[0]).is_global]:
        yield Diagnosis(
            "error",
            "private",
            f"{host} leads to {', '.join(private)}, which is not reached from the internet.",
            "Give it a public address, or use a tunnel or a gateway that has one.",
        )


def _posted(session: "requests.Session", parts: SplitResult, monotonic: Callable[[], float]) -> Diagnosis:
    import requests

    began = monotonic()
    try:
        with session.post(
            parts.geturl(),
            data=_BODY,
            headers={"Content-Type": "application/json"},
            auth=_nobody,
            timeout=(_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S),
            allow_redirects=False,
            stream=True,
        ) as response:
            took_s = monotonic() - began
            told = _by_answer(parts, response.status_code, response.headers)
    except (requests.RequestException, OSError) as error:
        return _by_failure(parts, error)
    if told.severity == "ok" and took_s > _SLOW_S:
        return Diagnosis(
            "warning",
            "slow",
            f"The refusal took {took_s:.1f} s; Calendly gives up after {_READ_TIMEOUT_S:.0f} s.",
            "Answer first, and work afterwards.",
        )
    return told


def _nobody(prepared: "requests.PreparedRequest") -> "requests.PreparedRequest":
    """Sign in as nobody, also where a netrc file knows the host."""
    return prepared


def _by_answer(parts: SplitResult, status: int, headers: Mapping[str, str]) -> Diagnosis:
    what = f"An unsigned post was answered with {status}"
    page = headers.get("Content-Type", "").lower().startswith("text/html")
    if 300 <= status < 400:  # noqa: PLR2004 - HTTP's range
        return Diagnosis(
            "error",
            "redirect",
            f"It redirects ({status}) to {_place(parts, headers.get('Location', ''))}, where nobody follows.",
            "Subscribe with the address that it ends at.",
        )
    if status < 300 and page:  # noqa: PLR2004 - HTTP's range
        return Diagnosis(
            "error",
            "page",
            f"{what} and a web page: this is no receiver.",
            "Give the receiver's own address, behind no page that asks for a sign-in.",
        )
    if status < 300:  # noqa: PLR2004 - HTTP's range
        return Diagnosis(
            "error",
            "unverified",
            f"{what}: the receiver does not verify signatures, so that anybody can post events to it.",
            "Let it verify Calendly-Webhook-Signature before anything else (`connection.receive` does).",
        )
    return _by_refusal(status, what, page=page)


def _by_refusal(status: int, what: str, *, page: bool) -> Diagnosis:
    if status == HTTPStatus.GONE:
        return Diagnosis(
            "error",
            "gone",
            f"{what}: Calendly deletes a subscription whose address answers that, at once and for good.",
            "Have the address answer 404 or 503 while there is no receiver. A proxy, a load balancer or a "
            "parked domain may answer in its place.",
        )
    if status == HTTPStatus.NOT_FOUND:
        return Diagnosis(
            "error",
            "not_found",
            f"{what}: nothing is at this path, or a receiver that does not know this subscription.",
            "Check the path, and that the receiver reads the keys of this vault (CALENDLY_CONNECTOR_VAULT).",
        )
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return Diagnosis("error", "method", f"{what}: it takes no POST.", "Give the receiver's own address.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Diagnosis(
            "error",
            "server_error",
            f"{what}: it fails.",
            "Look into the server's log; 502 to 504 mean that the receiver behind a gateway is not running.",
        )
    if status not in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Diagnosis(
            "warning",
            "refused",
            f"{what}, which says nothing of signatures.",
            "Look into the receiver's log.",
        )
    if page:
        return Diagnosis(
            "warning",
            "page",
            f"{what} and a web page: a gateway may refuse it before the receiver sees it.",
            "Let posts to this path pass without a sign-in; the receiver verifies their signature.",
        )
    return Diagnosis("ok", "refused_unsigned", f"{what}, as it should be: a signature is asked for.")


def _by_failure(parts: SplitResult, error: Exception) -> Diagnosis:
    import requests

    where = parts.netloc
    causes = causes_of(error)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            code, how, fix = _UNVERIFIED.get(cause.verify_code, _UNTRUSTED)
            return Diagnosis("error", code, f"The certificate of {where} {how}.", fix)
    if isinstance(error, requests.exceptions.ProxyError):
        return Diagnosis(
            "warning",
            "proxy",
            f"This machine's proxy did not pass the post on to {where}; Calendly does not use it.",
            "Check HTTPS_PROXY and NO_PROXY, or ask from another machine.",
        )
    if isinstance(error, requests.exceptions.SSLError):
        return Diagnosis(
            "error", "tls", f"{where} does not speak TLS.", "Check that https is served at this very port."
        )
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return Diagnosis(
            "error",
            "connect_timeout",
            f"{where} did not take the connection within {_CONNECT_TIMEOUT_S:.0f} s.",
            "Check that a firewall lets it pass.",
        )
    if any(isinstance(cause, TimeoutError | requests.exceptions.Timeout) for cause in causes):
        return Diagnosis(
            "error",
            "timeout",
            f"{where} took the post, and gave no answer within {_READ_TIMEOUT_S:.0f} s.",
            "Answer first, and work afterwards.",
        )
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return Diagnosis(
            "error",
            "refused_connection",
            f"{where} refused the connection.",
            "Start the receiver, and check the port.",
        )
    return Diagnosis(
        "error",
        "broken",
        f"{where} ended the connection without an answer of HTTP.",
        "Check that the receiver speaks http at this port, and look into its log.",
    )


def _place(parts: SplitResult, location: str) -> str:
    """Say where a redirect leads, without its query, which may hold what is not for a terminal."""
    try:
        to = urlsplit(urljoin(parts.geturl(), location))
        port = f":{to.port}" if to.port else ""
    except ValueError:
        return "nowhere"
    return f"{to.scheme}://{to.hostname}{port}{to.path}"


def _resolved(host: str) -> list[str]:
    return list(
        dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    )
