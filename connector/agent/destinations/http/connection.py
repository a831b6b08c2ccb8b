"""HTTP as a destination: requests to the host of the credential's address, and to no other."""

from __future__ import annotations

import os
from base64 import b64encode
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from ....errors import InvalidCredential, NoAnswer, Problem, UnexpectedAnswer
from ....support.redaction import MASK
from ..connection import Destination, Sent
from . import replies, targets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ....contract import Params, Record
    from ..declarations import Declarations, DeclaredAction
    from .session import Reply, Session, Timeouts

PRIVATE_HOSTS_VARIABLE: Final = "CALENDLY_AGENT_PRIVATE_HOSTS"
_OWN_HEADERS: Final = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "host",
        "idempotency-key",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_TOKEN_CHARACTERS: Final = frozenset(
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)


class HttpDestination(Destination):
    """A connection to one HTTP API."""

    def __init__(
        self, declarations: Declarations, credential: Mapping[str, str], timeouts: Timeouts | None = None
    ) -> None:
        super().__init__(declarations, credential)
        self._timeouts = timeouts
        self._is_webhook = credential["kind"] == "webhook"
        try:
            self._base = targets.parse(credential["url" if self._is_webhook else "address"])
        except ValueError as error:
            raise InvalidCredential(f"The address in the credential {error}.") from None
        listed = os.environ.get(PRIVATE_HOSTS_VARIABLE, "").lower().split(",")
        self._private = "private_network" in credential or self._base.host in map(str.strip, listed)
        if self._base.scheme == "http" and not self._private:
            raise InvalidCredential(
                "The address in the credential isn't encrypted (http://).",
                fix="Use https://, or set private_network if the host is in your own network.",
            )

    def reach(self) -> str:
        """Read the address. A webhook is not called, because that could post something."""
        if self._is_webhook:
            return f"Posts go to {self._base.host}. A webhook can't be checked without posting."
        reply = self._call("GET", self._base.address(), self._authorization(), None, repeatable=True)
        if reply.status in {401, 403} or reply.status >= 500:  # noqa: PLR2004 - others say nothing about the credential
            raise self._error(reply, repeatable=True)
        return f"{self._base.host} replies."

    def place(self, inputs: Params) -> str:
        return MASK if self._is_webhook else self._url(inputs)

    def shown(self, action: DeclaredAction, inputs: Params) -> Record:
        """Return the request; the parameters of `query` are in its URL."""
        body = inputs.get("json", inputs.get("text", {}))
        return {"method": _method(action, inputs), "url": self.place(inputs), "query": {}, "body": body}

    def problems(self, action: DeclaredAction, inputs: Params) -> Iterator[Problem]:
        """Yield a URL on another host, headers that can't be sent, and two bodies."""
        del action  # all have the same inputs
        if self._is_webhook:
            if "url" in inputs:
                yield Problem("url", "is in the credential, because a webhook's URL is secret")
        else:
            try:
                self._url(inputs)
            except ValueError as error:
                yield Problem("url", str(error))
        for name, value in inputs.get("headers", {}).items():
            if not name or not _TOKEN_CHARACTERS.issuperset(name):
                yield Problem("headers", "has a name that isn't one of a header")
            elif name.lower() in {*_OWN_HEADERS, self._credential.get("header", "").lower()}:
                yield Problem(f"headers.{name}", "is set by the connection")
            elif not value.isascii() or not value.isprintable() or value != value.strip():
                yield Problem(f"headers.{name}", "must be one line of ASCII characters")
        if "json" in inputs and "text" in inputs:
            yield Problem("text", "is another body beside json")

    def send(self, action: DeclaredAction, inputs: Params) -> Sent:
        """Send a request once. Raises an error for a reply that isn't a success, and for a lost one."""
        body, kind = _body(inputs)
        headers = {"Content-Type": kind} if kind else {}
        headers |= inputs.get("headers", {})
        if "idempotency_key" in inputs:
            headers["Idempotency-Key"] = inputs["idempotency_key"]
        reply = self._call(
            _method(action, inputs),
            self._url(inputs),
            headers | self._authorization(),
            body,
            repeatable=action.safe_to_repeat,
        )
        gone = action.effect == "destroy" and reply.status in {404, 410}
        if not replies.is_success(reply.status) and not gone:
            raise self._error(reply, repeatable=action.safe_to_repeat)
        return self._sent(action, reply)

    def close(self) -> None:
        """Close idle connections."""
        if "_session" in vars(self):
            self._session.close()

    @cached_property
    def _session(self) -> Session:
        from .session import Session, Timeouts

        return Session(private=self._private, timeouts=self._timeouts or Timeouts())

    def _url(self, inputs: Params) -> str:
        query = inputs.get("query", {})
        if not self._is_webhook:
            return self._base.below(inputs.get("url", ""), query)
        own = f"?{self._base.query}" if self._base.query else ""
        return self._base.below((self._base.path or "/") + own, query)

    def _call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, repeatable: bool
    ) -> Reply:
        from .session import ReplyLost

        try:
            return self._session.send(method, url, headers, body)
        except ReplyLost as lost:
            raise NoAnswer(
                f"{self._base.host} {lost}.",
                fix="Try again."
                if repeatable
                else "Check whether it was carried out before you send it again.",
                reason=lost.reason,
                may_have_happened=not repeatable,
            ) from None

    def _sent(self, action: DeclaredAction, reply: Reply) -> Sent:
        """Return the record. For a read, a body that can't be used is an error; a write has happened."""
        problem = reply.problem
        if reply.body is not None:
            found = replies.record(reply.status, reply.headers, reply.body)
            if found["text"] and replies.claims_json(reply.headers):
                problem = "isn't valid JSON, or too deep"
        else:
            found = replies.record(reply.status, reply.headers, b"")
        if not problem:
            return Sent(found)
        if action.effect == "read":
            raise UnexpectedAnswer(f"The reply of {self._base.host} {problem}.", fix="Check the URL.")
        return Sent(found, (f"The body of the reply {problem}.",))

    def _error(self, reply: Reply, *, repeatable: bool) -> Exception:
        host = self._base.host
        if not replies.is_error(reply.status):
            return UnexpectedAnswer(
                f"{host} answered {reply.status}, and redirects aren't followed.",
                fix="Use the address that it redirects to.",
            )
        return replies.error(
            host,
            reply.status,
            reply.headers,
            reply.body or b"",
            repeatable=repeatable,
            secrets=self._secrets(),
        )

    def _secrets(self) -> tuple[str, ...]:
        own = self._credential
        return tuple(own[name] for name in ("token", "password", "key", "url") if name in own)

    def _authorization(self) -> dict[str, str]:
        """Return the header with the secret."""
        own = self._credential
        match own["kind"]:
            case "bearer":
                return {"Authorization": f"Bearer {own['token']}"}
            case "basic":
                pair = b64encode(f"{own['user']}:{own['password']}".encode()).decode()
                return {"Authorization": f"Basic {pair}"}
            case "header":
                return {own["header"]: own["key"]}
        return {}


def _method(action: DeclaredAction, inputs: Params) -> str:
    return str(inputs.get("method") or action.request.partition(" ")[0])


def _body(inputs: Params) -> tuple[bytes | None, str]:
    """Return the body of a request and its type; "" for none."""
    if "json" in inputs:
        import orjson

        return orjson.dumps(inputs["json"]), "application/json"
    if "text" in inputs:
        text: Any = inputs["text"]
        return text.encode(), "text/plain; charset=utf-8"
    return None, ""
