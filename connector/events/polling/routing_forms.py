"""Routing forms that were filled in: the newest of each form, as far back as the last look."""

from collections.abc import Mapping

from ...catalog.required_fields import taken_from, uri_in
from ...contract import Event
from ..webhooks.event import make_event, path_of
from . import context
from .context import HOUR_S, Look
from .cursor import short

KIND = "routing_form_submission.created"
_FORMS = "routing_forms.list"


def look(view: Look, seen: Mapping[str, float]) -> tuple[list[Event], dict[str, float]]:
    """Give what was filled in, and what was seen of the last hour."""
    floor = view.floor(HOUR_S)
    events: list[Event] = []
    now_seen = {key: at for key, at in seen.items() if at >= floor}
    for form in view.read(_FORMS, {"organization": view.share.owner}):
        newest = {"form": uri_in(form, "uri", _FORMS), "sort": "created_at:desc"}
        with (
            taken_from(f"the reply to {_FORMS}"),
            view.reading("routing_form_submissions.list", newest) as submissions,
        ):
            for submission in submissions:
                created_at = submission.get("created_at")
                if not context.since(created_at, floor - HOUR_S):
                    break
                key = short(path_of(uri_in(submission, "uri", "routing_form_submissions.list")))
                if key not in seen and not view.is_baseline and context.since(created_at, floor):
                    at = created_at if isinstance(created_at, str) else context.written(view.now)
                    events.append(make_event(KIND, at, submission))
                now_seen[key] = context.unix(created_at) or view.now
    return events, now_seen
