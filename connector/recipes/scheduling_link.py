"""The run job "Calendly Create Scheduling Link", with the answer that its users expect."""

from datetime import timedelta
from typing import Final

from ..contract import Record
from ..support import timestamps
from .steps import Inputs, Steps

_LIFETIME: Final = timedelta(days=90)  # of an unused link


def create(steps: Steps, inputs: Inputs) -> Record:
    """Create a single-use link. Calendly doesn't return when it expires, so that is computed."""
    uses: int = inputs.get("max_event_count", 1)
    link = steps.run("scheduling_links.create", {"owner": inputs["event_type_uri"]})
    return {
        "success": True,
        "scheduling_link": {
            "url": link["booking_url"],
            "expires_at": timestamps.write(steps.now + _LIFETIME),
            "max_event_count": uses,
            "remaining_event_count": uses,
        },
        "message": "Scheduling link created successfully",
    }
