"""A request of Calendly's API, without origin and credential. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from ..support.redaction import shortened

REPEATABLE: Final = frozenset({"GET", "DELETE"})
_MAX_PATH: Final = 150  # characters in an error; the longest real path has about 110


@dataclass(frozen=True, slots=True)
class Request:
    """A request without origin and credential. `query` is in order, `body` is JSON or None.

    `action` is the id of the action that it belongs to, if any.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    action: str = ""

    @property
    def call(self) -> str:
        """Method and path for an error message; a long path is shortened."""
        return f"{self.method} {shortened(self.path, _MAX_PATH)}"

    @property
    def target(self) -> str:
        """Path and encoded query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice has the same effect as sending it once."""
        return self.method in REPEATABLE
