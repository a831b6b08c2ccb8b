"""Reads parameters and client credentials, each of which may be given once. Pure."""

import binascii
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable
from urllib.parse import parse_qsl

from ..api.http_messages import FORM, HttpRequest
from .apps import App, AppRegistry
from .errors import invalid_client, invalid_request


class FormFields:
    """The parameters of a query or a form; one without a value counts as left out (RFC 6749, 3.1)."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = [(name, value) for name, value in pairs if value]
        self._counts = Counter(name for name, _ in self._pairs)

    def optional(self, name: str) -> str | None:
        """Give a parameter, None where it is left out."""
        if self._counts[name] > 1:
            raise invalid_request(f"The parameter {name} is given more than once.")
        return next(iter(self.get_all(name)), None)

    def required(self, name: str) -> str:
        """Give a parameter that must be there."""
        value = self.optional(name)
        if value is None:
            raise invalid_request(f"The parameter {name} is missing.")
        return value

    def get_all(self, name: str) -> list[str]:
        """Give all values of a parameter."""
        return [value for given, value in self._pairs if given == name]

    def require_single(self) -> None:
        """Refuse a form that gives any parameter twice."""
        for name in self._counts:
            self.optional(name)


def parse_query(query: str) -> FormFields:
    """Read a query."""
    return FormFields(parse_qsl(query, keep_blank_values=True))


def parse_body(request: HttpRequest) -> FormFields:
    """Read a form; nothing but a form is taken."""
    if request.media_type != FORM:
        raise invalid_request(f"The body must be {FORM}.")
    return parse_query(request.body.decode("utf-8", "replace"))


def authenticate_client(apps: AppRegistry, authorization: str | None, fields: FormFields) -> App:
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
    if app is None or not app.authenticates(secret):
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
