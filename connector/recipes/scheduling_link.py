"""The run job "Calendly Create Scheduling Link", with the answer and the errors that its users expect."""

from typing import Final

from ..contract import Record
from ..errors import CalendlyError, NotFound, PermissionDenied, Unauthenticated
from .link_rows import expires_at
from .steps import Inputs, Steps

_JOBS_ERRORS: Final[dict[type[CalendlyError], str]] = {
    Unauthenticated: "Authentication failed",
    NotFound: "Resource not found",
    PermissionDenied: "Forbidden",
}
_EVENT_TYPE_FIX: Final = "`calendly-connector run event_types.list` lists your event types."


def create(steps: Steps, inputs: Inputs) -> Record:
    """Create a single-use link. Calendly doesn't return when it expires, so that is computed."""
    uses: int = inputs.get("max_event_count", 1)
    try:
        link = steps.run("scheduling_links.create", {"owner": inputs["event_type_uri"]})
    except CalendlyError as error:
        raise _in_the_jobs_words(error) from None
    return {
        "success": True,
        "scheduling_link": {
            "url": link["booking_url"],
            "expires_at": expires_at(steps.now),
            "max_event_count": uses,
            "remaining_event_count": uses,
        },
        "message": "Scheduling link created successfully",
    }


def _in_the_jobs_words(error: CalendlyError) -> CalendlyError:
    """Put the job's name of an error before its message, so whoever looks for it finds it."""
    if name := _JOBS_ERRORS.get(type(error)):
        error.message = f"{name}: {error.message}"
    if isinstance(error, NotFound):
        error.fix = f"{error.fix} {_EVENT_TYPE_FIX}"
    return error
