"""A request as it came over the wire. Pure."""

from dataclasses import dataclass

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Reading:
    """How requests are read: the origins that URIs may have, and whether in the documented form only."""

    origins: frozenset[str]
    strict: bool


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    query: str
    authorization: str | None
    content_type: str | None
    body: bytes

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty if there is none."""
        return (self.content_type or "").partition(";")[0].strip().lower()
