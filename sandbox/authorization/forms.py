"""Reads parameters and client credentials, each of which may be given once. Pure."""

import binascii
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable
from urllib.parse import parse_qsl

from ..api.requests import FORM, Request
from .apps import App, Apps
from .errors import invalid_client, invalid_request


class Fields:
    """The parameters of a query or a form; one without a value counts as left out (RFC 6749, 3.1)."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = [(name, value) for name, value in pairs if value]
        self._times = Counter(name for name, _ in self._pairs)

    def optional(self, name: str) -> str | None:
        """Give a parameter, None where it is left out."""
        if self._times[name] > 1:
            raise invalid_request(f"The parameter {name} is given more than once.")
        return next(iter(self.every(name)), None)

    def required(self, name: str) -> str:
        """Give a parameter that must be there."""
        value = self.optional(name)
        if value is None:
            raise invalid_request(f"The parameter {name} is missing.")
        return value

    def every(self, name: str) -> list[str]:
        """Give all values of a parameter."""
        return [value for given, value in self._pairs if given == name]

    def require_single(self) -> None:
        """Refuse a form that gives any parameter twice."""
        for name in self._times:
            self.optional(name)


def of_query(query: str) -> Fields:
    """Read a query."""
    return Fields(parse_qsl(query, keep_blank_values=True))


def of_body(request: Request) -> Fields:
    """Read a form; nothing but a form is taken."""
    if request.media_type != FORM:
        raise invalid_request(f"The body must be {FORM}.")
    return of_query(request.body.decode("utf-8", "replace"))


def client(apps: Apps, authorization: str | None, fields: Fields) -> App:
    """Give the app a call comes from.

    A web app proves itself by HTTP Basic or by client_id and client_secret, a native one names itself.
    """
    client_id, secret = fields.optional("client_id"), fields.optional("client_secret")
    if authorization is not None:
        name, password = _basic(authorization)
        if secret is not None or client_id not in {None, name}:
            raise invalid_request("Client credentials are given in two ways.")
        client_id, secret = name, password or None
    app = apps.find(client_id) if client_id is not None else None
    if app is None or not app.is_proven(secret):
        raise invalid_client()
    return app


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        name, colon, password = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise invalid_client() from None
    if scheme.lower() != "basic" or not colon:
        raise invalid_client()
    return name, password
