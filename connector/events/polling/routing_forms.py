"""Submissions of routing forms: the newest of each form, back to the last poll."""

from collections.abc import Mapping
from typing import Final

from ...catalog.required_fields import taken_from, uri_in
from ...contract import Event
from ..webhooks.event import make_event, path_of
from .context import HOUR_S, PollContext, Reader, is_since, unix
from .cursor import short

_KIND: Final = "routing_form_submission.created"
_FORMS: Final = "routing_forms.list"
_SUBMISSIONS: Final = "routing_form_submissions.list"


def poll(
    context: PollContext, reader: Reader, seen: Mapping[str, float]
) -> tuple[list[Event], dict[str, float]]:
    """Return new submissions, and what was seen of the last hour."""
    new_since = context.new_since(HOUR_S)
    events: list[Event] = []
    now_seen = {key: at for key, at in seen.items() if at >= new_since}
    for form in reader.read(_FORMS, {"organization": context.assignment.owner}):
        newest = {"form": uri_in(form, "uri", _FORMS), "sort": "created_at:desc"}
        with taken_from(f"the reply to {_FORMS}"), reader.stream(_SUBMISSIONS, newest) as submissions:
            for submission in submissions:
                created_at = submission.get("created_at")
                if not is_since(created_at, new_since - HOUR_S):
                    break
                key = short(path_of(uri_in(submission, "uri", _SUBMISSIONS)))
                if key not in seen and not context.is_baseline and is_since(created_at, new_since):
                    events.append(make_event(_KIND, context.timestamp(created_at), submission))
                now_seen[key] = unix(created_at) or context.now
    return events, now_seen
