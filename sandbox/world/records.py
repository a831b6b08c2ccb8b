"""What every record has in common: its type, its URI, and the address of its booking pages. Pure."""

from typing import Any

Record = dict[str, Any]

SCHEDULING_ORIGIN = "https://calendly.com"  # booking pages never lie on the API's origin

NO_TRACKING: Record = {
    "utm_campaign": None,
    "utm_source": None,
    "utm_medium": None,
    "utm_content": None,
    "utm_term": None,
    "salesforce_uuid": None,
}


class ResourceUris:
    """Makes resource URIs on one origin."""

    def __init__(self, origin: str) -> None:
        self.origin = origin

    def build(self, *path: str) -> str:
        """Give the URI with these path segments."""
        return "/".join((self.origin, *path))


def slug_of(name: str) -> str:
    """Give the lower-case hyphenated form of a name."""
    return "-".join(name.lower().split())
