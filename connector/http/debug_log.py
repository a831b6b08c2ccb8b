"""What goes over the network, told to the logger `calendly_connector` at level DEBUG.

Nothing is put together unless somebody listens, and no secret is in it. People are in it where a host, or
`--show-people`, sets `people.shown`.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from ..support import json_documents
from ..support.redaction import SECRET_FIELDS, redact, redact_all
from .protocol import Request

LOGGER: Final = logging.getLogger("calendly_connector")
_TOLD_HEADERS: Final = frozenset({"content-type", "date", "retry-after", "x-request-id"})
_TOLD_FAMILY: Final = "x-ratelimit-"
_LONGEST_BODY: Final = 1024 * 1024  # bytes; a longer one takes seconds to mask


@dataclass(slots=True)
class _People:
    """Whether people may be in the log: invitees, their addresses, numbers, answers and words."""

    shown: bool = False


people: Final = _People()


def sent(request: Request, authorization: str) -> None:
    """Tell of a request that is about to be sent."""
    if LOGGER.isEnabledFor(logging.DEBUG):
        secrets = _secrets(request, authorization)
        LOGGER.debug("> %s", _request_line(request, secrets))
        if request.body is not None:
            LOGGER.debug("> %s", _json(request.body, secrets))


def received(
    request: Request, authorization: str, status: int, headers: Mapping[str, str], body: bytes
) -> None:
    """Tell of a reply as it came; headers are in lower case."""
    if LOGGER.isEnabledFor(logging.DEBUG):
        secrets = _secrets(request, authorization)
        LOGGER.debug("< %d %s (%d bytes)", status, _request_line(request, secrets), len(body))
        for name, value in headers.items():
            if name in _TOLD_HEADERS or name.startswith(_TOLD_FAMILY):
                LOGGER.debug("< %s: %s", name, redact(value, *secrets))
        if body:
            LOGGER.debug("< %s", _body(body, secrets))


def _request_line(request: Request, secrets: Sequence[str]) -> str:
    query = [
        (name, redact_all(value, *secrets, field=name, people=people.shown)) for name, value in request.query
    ]
    target = f"{request.path}?{urlencode(query, safe='[]@:/')}" if query else request.path
    return redact(f"{request.method} {target}", *secrets)


def _body(body: bytes, secrets: Sequence[str]) -> str:
    if len(body) > _LONGEST_BODY:
        return "(too long to show)"
    try:
        return _json(json_documents.parse(body), secrets)
    except json_documents.TooDeepError:
        return "(JSON too deep to show)"
    except ValueError:
        return "(not JSON)"  # nobody knows whose words these are


def _json(document: Any, secrets: Sequence[str]) -> str:
    return json.dumps(redact_all(document, *secrets, people=people.shown), ensure_ascii=False)


def _secrets(request: Request, authorization: str) -> list[str]:
    """Give what is sent, and a server could send back in any field."""
    body = request.body or {}
    sent_fields = [value for name, value in body.items() if name in SECRET_FIELDS and isinstance(value, str)]
    return [authorization.partition(" ")[2], *sent_fields]
