"""Logs all HTTP traffic to the logger `calendly_connector` at level DEBUG.

Secrets are always masked. Personal data is masked unless `debug_log.show_personal_data` is set, which the
command line does for `--show-people`. If the level isn't enabled, nothing is formatted.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from ..support import json_documents
from ..support.redaction import redact, redact_all
from .protocol import sent_secrets
from .request import Request

LOGGER: Final = logging.getLogger("calendly_connector")
_LOGGED_HEADERS: Final = frozenset({"content-type", "date", "retry-after", "x-request-id"})
_LOGGED_PREFIX: Final = "x-ratelimit-"
_ERROR: Final = 400
_MAX_BODY: Final = 1024 * 1024  # bytes; masking a longer one takes seconds


@dataclass
class DebugLog:
    """The traffic log. `show_personal_data`: invitees' names, addresses, numbers and answers are logged."""

    show_personal_data: bool = False

    def request_sent(self, request: Request, authorization: str) -> None:
        """Log a request that is about to be sent."""
        if LOGGER.isEnabledFor(logging.DEBUG):
            secrets = sent_secrets(request, authorization)
            LOGGER.debug("> %s", self._request_line(request, secrets))
            if request.body is not None:
                LOGGER.debug("> %s", self._json(request.body, secrets))

    def reply_received(
        self, request: Request, authorization: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Log a reply; header names are in lower case."""
        if LOGGER.isEnabledFor(logging.DEBUG):
            secrets = sent_secrets(request, authorization)
            LOGGER.debug("< %d %s (%d bytes)", status, self._request_line(request, secrets), len(body))
            for name, value in headers.items():
                if name in _LOGGED_HEADERS or name.startswith(_LOGGED_PREFIX):
                    LOGGER.debug("< %s: %s", name, redact(value, *secrets))
            if body:
                LOGGER.debug("< %s", self._body(body, secrets, is_error=status >= _ERROR))

    def _request_line(self, request: Request, secrets: Sequence[str]) -> str:
        query = [
            (name, redact_all(value, *secrets, field=name, people=self.show_personal_data))
            for name, value in request.query
        ]
        target = f"{request.path}?{urlencode(query, safe='[]@:/')}" if query else request.path
        return redact(f"{request.method} {target}", *secrets)

    def _body(self, body: bytes, secrets: Sequence[str], *, is_error: bool) -> str:
        if len(body) > _MAX_BODY:
            return "(too long to show)"
        try:
            return self._json(json_documents.parse(body), secrets, is_error=is_error)
        except json_documents.TooDeepError:
            return "(JSON too deep to show)"
        except ValueError:
            return "(not JSON)"  # it could hold anything

    def _json(self, document: Any, secrets: Sequence[str], *, is_error: bool = False) -> str:
        masked = redact_all(document, *secrets, people=self.show_personal_data)
        if is_error and isinstance(document, dict) and isinstance(document.get("title"), str):
            masked["title"] = redact(document["title"], *secrets)  # Calendly's own, elsewhere a person's
        return json.dumps(masked, ensure_ascii=False)


debug_log: Final = DebugLog()
"""The log of this process."""
