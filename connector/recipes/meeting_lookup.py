"""Reads the meetings that a description may mean, with as few calls as it allows."""

from collections.abc import Callable, Iterator
from datetime import timedelta, tzinfo
from typing import Final, Literal

from ..contract import Record
from ..errors import NotFound
from ..support import timestamps
from . import meeting_rows, meeting_search, meetings
from .meeting_search import Description
from .steps import Inputs, Steps

Period = Literal["upcoming", "past"]

_DAYS: Final[dict[Period, int]] = {"upcoming": 60, "past": 30}  # searched by default
_FILTERS: Final = ("event_type", "host")
_OWNERS: Final = ("user", "organization")


def find_one(
    steps: Steps,
    inputs: Inputs,
    what: str,
    period: Period,
    is_possible: Callable[[Record], bool],
    *,
    by: str,
    action: str,
) -> list[Record]:
    """Return the rows of the meeting that `what` describes, among those that are possible.

    Default range: the next 60 or the last 30 days; an id or URI of an event is found at any time. `by` is
    event, or uri for a single invitee. Raises InvalidParams and AmbiguousMeeting.
    """
    zone = steps.zone(inputs.get("timezone"))
    description = meeting_search.describe(action, what)
    seen = list(_rows(steps, inputs, description, period, zone))
    fitting = [row for row in seen if description.fits(row)]
    possible = [row for row in fitting if is_possible(row)]
    searched = f"Searched: {period}, {_DAYS[period]} days. Pass start and end for another range."
    return meeting_search.only_one(action, what, possible or fitting[:1], seen, by=by, fix=searched)


def in_range(steps: Steps, inputs: Inputs) -> list[Record]:
    """Return the rows of all active meetings between `start` and `end` that pass the filters."""
    wanted = _list_inputs(steps, inputs) | {"start": inputs["start"], "end": inputs["end"]}
    return [row for page, _ in meetings.find(steps, wanted | {"status": "active"}) for row in page]


def rows_of_event(steps: Steps, uuid: str, zone: tzinfo) -> list[Record]:
    """Return the rows of one event."""
    event = steps.run("scheduled_events.get", {"uuid": uuid})
    invitees = steps.records("invitees.list", {"uuid": event["uri"]})
    return list(meeting_rows.rows(event, invitees, frozenset(), zone))


def _rows(
    steps: Steps, inputs: Inputs, description: Description, period: Period, zone: tzinfo
) -> Iterator[Record]:
    """Yield the rows that may be meant; a search for an id ends when it is found."""
    if event := description.event or description.either:
        try:
            yield from rows_of_event(steps, event, zone)
        except NotFound:
            if description.event:
                raise
        else:
            return
    wanted = _list_inputs(steps, inputs) | _range(steps, inputs, description, period, zone)
    if description.email:
        wanted["email"] = description.email
    for page, _ in meetings.find(steps, wanted):
        yield from page
        if (description.invitee or description.either) and any(map(description.fits, page)):
            return


def _list_inputs(steps: Steps, inputs: Inputs) -> Inputs:
    wanted = {name: inputs[name] for name in (*_FILTERS, *_OWNERS, "timezone") if name in inputs}
    if not wanted.keys() & set(_OWNERS):
        wanted["user"] = steps.user["uri"]
    return wanted | {"answers": False}


def _range(steps: Steps, inputs: Inputs, description: Description, period: Period, zone: tzinfo) -> Inputs:
    if described := description.period(zone):
        start, end = described
    else:
        days = timedelta(days=_DAYS[period])
        start, end = (steps.now, steps.now + days) if period == "upcoming" else (steps.now - days, steps.now)
    chosen = {name: inputs[name] for name in ("start", "end") if name in inputs}
    return {"start": timestamps.write(start), "end": timestamps.write(end)} | chosen
