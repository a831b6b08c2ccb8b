"""Why Calendly can't reach a callback address: one post to it, unsigned and without credentials."""

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

TIMEOUTS_S: Final = (10.0, 15.0)  # Calendly's, for a connection and a response
_SLOW_S: Final = 5.0
_BODY: Final = b'{"event":"calendly-connector.doctor"}'
_UNVERIFIED: Final = {  # by OpenSSL's error number
    9: (
        "certificate_early",
        "is not valid yet",
        "Check the server's clock, or wait until the certificate is valid.",
    ),
    10: ("certificate_expired", "has expired", "Renew the certificate and reload the server."),
    18: (
        "certificate_self_signed",
        "is self-signed",
        "Use one from a public authority, such as Let's Encrypt.",
    ),
    62: (
        "certificate_name",
        "is for another name",
        "Get one for this name, or use the name that it is for.",
    ),
    64: ("certificate_name", "is for another address", "Use the name that it is for."),
}
_UNTRUSTED: Final = (
    "certificate_untrusted",
    "was issued by an authority that this machine doesn't trust",
    "Also send the intermediate certificates, or use one from a public authority, such as Let's Encrypt.",
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One problem (or none) at an address, and what to do about it. `code` is a short fixed word."""

    severity: Severity
    code: str
    message: str
    fix: str = ""


def probe(
    address: str,
    *,
    resolve: Resolve | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    timeouts_s: tuple[float, float] = TIMEOUTS_S,
) -> list[Diagnosis]:
    """Return what keeps Calendly from posting to an address. A good receiver rejects the post (4xx).

    The address is seen from this machine: a firewall may treat Calendly differently. Redirects are not
    followed. `resolve` returns the IP addresses of a name; `timeouts_s` are for a connection and a response.
    Raises InvalidParams for anything but an http(s) address.
    """
    import requests

    parts = urls.parsed(address)
    found = list(_by_form(parts))
    end = monotonic() + sum(timeouts_s)
    with requests.Session() as session:
        prepare_session(session, parts.geturl(), lambda: end - monotonic())
        if not requests.utils.select_proxy(parts.geturl(), _proxies(session, parts)):
            found += _by_name(parts, resolve or _resolved)
        if not any(one.code == "dns" for one in found):
            found.append(_posted(session, parts, monotonic, timeouts_s))
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
            f"{parts.hostname} is this machine, so Calendly can't reach it.",
            "Use a public https address or a tunnel. Only a sandbox on this machine can post there.",
        )
    elif parts.scheme != "https":
        yield Diagnosis(
            "error",
            "plain_http",
            "Calendly only posts to https addresses.",
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
            f"DNS can't resolve {host}.",
            "Check its spelling and its DNS records. New records take a while.",
        )
        return
    if private := [one for one in found if not ipaddress.ip_address(one.partition("%")[0]).is_global]:
        yield Diagnosis(
            "error",
            "private",
            f"{host} resolves to {', '.join(private)}, which isn't reachable from the internet.",
            "Use a public address, a tunnel or a gateway.",
        )


def _posted(
    session: "requests.Session",
    parts: SplitResult,
    monotonic: Callable[[], float],
    timeouts_s: tuple[float, float],
) -> Diagnosis:
    import requests

    began = monotonic()
    try:
        with session.post(
            parts.geturl(),
            data=_BODY,
            headers={"Content-Type": "application/json"},
            auth=_unauthenticated,
            timeout=timeouts_s,
            allow_redirects=False,
            stream=True,
        ) as response:
            took_s = monotonic() - began
            diagnosis = _by_answer(parts, response.status_code, response.headers)
    except (requests.RequestException, OSError) as error:
        return _by_failure(parts, error, timeouts_s)
    if diagnosis.severity == "ok" and took_s > _SLOW_S:
        return Diagnosis(
            "warning",
            "slow",
            f"The response took {took_s:.1f} s. Calendly gives up after {TIMEOUTS_S[1]:.0f} s.",
            "Respond first, and process the event afterwards.",
        )
    return diagnosis


def _unauthenticated(prepared: "requests.PreparedRequest") -> "requests.PreparedRequest":
    """Send no credentials, even if a netrc file has some for the host."""
    return prepared


def _by_answer(parts: SplitResult, status: int, headers: Mapping[str, str]) -> Diagnosis:
    what = f"An unsigned post was answered with {status}"
    page = headers.get("Content-Type", "").lower().startswith("text/html")
    if 300 <= status < 400:  # noqa: PLR2004 - HTTP's range
        return Diagnosis(
            "error",
            "redirect",
            f"It redirects ({status}) to {_target(parts, headers.get('Location', ''))}. "
            "Calendly doesn't follow redirects.",
            "Subscribe with the address that it redirects to.",
        )
    if status < 300 and page:  # noqa: PLR2004 - HTTP's range
        return Diagnosis(
            "error",
            "page",
            f"{what} and a web page: this isn't a receiver.",
            "Use the receiver's own address, without a sign-in page in front of it.",
        )
    if status < 300:  # noqa: PLR2004 - HTTP's range
        return Diagnosis(
            "error",
            "unverified",
            f"{what}: the receiver doesn't verify signatures, so anybody can post events to it.",
            "Verify Calendly-Webhook-Signature before anything else (`connection.receive` does).",
        )
    return _by_refusal(status, what, page=page)


def _by_refusal(status: int, what: str, *, page: bool) -> Diagnosis:
    if status == HTTPStatus.GONE:
        return Diagnosis(
            "error",
            "gone",
            f"{what}: Calendly then deletes the subscription, immediately and permanently.",
            "Make the address answer 404 or 503 while there is no receiver. A proxy, a load balancer or a "
            "parked domain may be answering instead of it.",
        )
    if status == HTTPStatus.NOT_FOUND:
        return Diagnosis(
            "error",
            "not_found",
            f"{what}: the path is wrong, or the receiver doesn't know this subscription.",
            "Check the path, and that the receiver reads the keys of this vault (CALENDLY_CONNECTOR_VAULT).",
        )
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return Diagnosis(
            "error", "method", f"{what}: it doesn't accept POST.", "Use the receiver's own address."
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Diagnosis(
            "error",
            "server_error",
            f"{what}: the receiver fails.",
            "Check the server's log. 502 to 504 mean that the receiver behind a gateway isn't running.",
        )
    if status not in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Diagnosis(
            "warning",
            "refused",
            f"{what}, which says nothing about signatures.",
            "Check the receiver's log.",
        )
    if page:
        return Diagnosis(
            "warning",
            "page",
            f"{what} and a web page: a gateway may reject posts before the receiver sees them.",
            "Let posts to this path pass without a sign-in. The receiver verifies their signature.",
        )
    return Diagnosis("ok", "refused_unsigned", f"{what}, as it should be: the receiver requires a signature.")


def _by_failure(parts: SplitResult, error: Exception, timeouts_s: tuple[float, float]) -> Diagnosis:
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
            f"This machine's proxy didn't forward the post to {where}. Calendly doesn't use that proxy.",
            "Check HTTPS_PROXY and NO_PROXY, or try from another machine.",
        )
    if isinstance(error, requests.exceptions.SSLError):
        return Diagnosis("error", "tls", f"{where} doesn't use TLS.", "Check that this port serves https.")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return Diagnosis(
            "error",
            "connect_timeout",
            f"{where} didn't accept the connection within {timeouts_s[0]:.0f} s.",
            "Check that no firewall blocks it.",
        )
    if any(isinstance(cause, TimeoutError | requests.exceptions.Timeout) for cause in causes):
        return Diagnosis(
            "error",
            "timeout",
            f"{where} accepted the post, but didn't respond within {timeouts_s[1]:.0f} s.",
            "Respond first, and process the event afterwards.",
        )
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return Diagnosis(
            "error",
            "refused_connection",
            f"{where} refused the connection.",
            "Start the receiver and check the port.",
        )
    return Diagnosis(
        "error",
        "broken",
        f"{where} closed the connection without an HTTP response.",
        "Check that the receiver serves http at this port, and check its log.",
    )


def _target(parts: SplitResult, location: str) -> str:
    """Return where a redirect leads, without the query, which may contain a secret."""
    try:
        to = urlsplit(urljoin(parts.geturl(), location))
        port = f":{to.port}" if to.port else ""
    except ValueError:
        return "an invalid address"
    return f"{to.scheme}://{to.hostname}{port}{to.path}"


def _resolved(host: str) -> list[str]:
    return list(
        dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    )
