"""Words for where a meeting takes place, and the names of its tracking fields. Pure."""

from collections.abc import Mapping
from typing import Final

CONFERENCES: Final[Mapping[str, str]] = {
    "google_conference": "Google Meet",
    "gotomeeting": "GoTo Meeting",
    "microsoft_teams_conference": "Microsoft Teams",
    "webex_conference": "Webex",
    "zoom": "Zoom",
}
"""The providers of conferences, by the type of a location."""

CALLS: Final[Mapping[str, str]] = {"inbound_call": "Invitee calls", "outbound_call": "Host calls"}
"""Who calls whom, by the type of a location."""

SETUPS: Final[Mapping[str, str]] = {
    "initiated": " (link isn't ready)",
    "processing": " (link isn't ready)",
    "failed": " (no link: setup failed)",
}
"""What follows a provider if a conference has no link, by the status of its setup."""

TRACKING: Final = (
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "salesforce_uuid",
)
