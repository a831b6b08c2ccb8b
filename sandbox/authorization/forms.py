"""Read OAuth parameters and client credentials; each parameter may appear once. Pure."""

import binascii
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable
from urllib.parse import parse_qsl

from ..api.http_messages import FORM, HttpRequest
from .apps import App, AppRegistry
from .errors import invalid_client, invalid_request


class FormFields:
    """The parameters of a query or a form; one without a value counts as missing (RFC 6749, 3.1)."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = [(name, value) for name, value in pairs if value]
        self._counts = Counter(name for name, _ in self._pairs)

    def optional(self, name: str) -> str | None:
        """Return a parameter, None if missing."""
        if self._counts[name] > 1:
            raise invalid_request(f"The parameter {name} appears more than once.")
        return next(iter(self.get_all(name)), None)

    def required(self, name: str) -> str:
        """Return a parameter; raise `invalid_request` if missing."""
        value = self.optional(name)
        if value is None:
            raise invalid_request(f"The parameter {name} is missing.")
        return value

    def get_all(self, name: str) -> list[str]:
        """Return all values of a parameter."""
        return [value for key, value in self._pairs if key == name]

    def require_single(self) -> None:
        """Raise `invalid_request` if any parameter appears more than once."""
        for name in self._counts:
            self.optional(name)


def parse_query(query: str) -> FormFields:
    """Read the parameters of a query."""
    return FormFields(parse_qsl(query, keep_blank_values=True))


def parse_body(request: HttpRequest) -> FormFields:
    """Read the parameters of a form; raise `invalid_request` for any other content type."""
    if request.media_type != FORM:
        raise invalid_request(f"The body must be {FORM}.")
    return parse_query(request.body.decode("utf-8", "replace"))


def authenticate_client(apps: AppRegistry, authorization: str | None, fields: FormFields) -> App:
    """Return the app that sent a request, or raise `invalid_client`.

    A web app authenticates with HTTP Basic or client_id and client_secret, a native app with its client_id.
    """
    client_id, secret = fields.optional("client_id"), fields.optional("client_secret")
    if authorization is not None:
        name, password = _basic(authorization)
        if secret is not None or client_id not in {None, name}:
            raise invalid_request("Send the client credentials by HTTP Basic or in the form, not both.")
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
