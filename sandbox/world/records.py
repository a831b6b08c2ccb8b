"""Shared by all records: the type, URIs, and the origin of booking pages. Pure."""

from typing import Any

Record = dict[str, Any]

SCHEDULING_ORIGIN = "https://calendly.com"  # booking pages are never on the API's origin

NO_TRACKING: Record = {
    "utm_campaign": None,
    "utm_source": None,
    "utm_medium": None,
    "utm_content": None,
    "utm_term": None,
    "salesforce_uuid": None,
}


class ResourceUris:
    """Builds resource URIs on one origin."""

    def __init__(self, origin: str) -> None:
        self.origin = origin

    def build(self, *path: str) -> str:
        """Return the URI with these path segments."""
        return "/".join((self.origin, *path))


def slug_of(name: str) -> str:
    """Return a name in lower case with hyphens."""
    return "-".join(name.lower().split())
