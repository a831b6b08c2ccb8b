"""Recaps and transcripts of meetings that the caller hosted: list, get, update, delete."""

from .. import errors
from ..api.body_schema import BodyField, BodySchema, text
from ..api.calls import ApiCall, NoContent, PagedList, Route, SingleRecord
from ..api.parameters import PAGING, Parameter, choice, email, moment, uri
from ..world import meeting_outcomes, times
from ..world.listings import sorted_listing
from ..world.state import MeetingRecap

_READ, _WRITE = ("meeting_recaps:read",), ("meeting_recaps:write",)
_TEXTS = ("summary_md", "action_items_md", "discussion_md")


def list_recaps(call: ApiCall) -> PagedList:
    """List the caller's recaps, latest meeting first, without their texts."""
    records = [
        {field: value for field, value in recap.record.items() if field not in _TEXTS}
        for recap in call.world.state.recaps.values()
        if _is_own(call, recap) and _matches(call, recap)
    ]
    return PagedList(sorted_listing(records, [("start_time", True)]))


def _is_own(call: ApiCall, recap: MeetingRecap) -> bool:
    return call.caller.member.number in call.world.hosts(recap.event)


def _matches(call: ApiCall, recap: MeetingRecap) -> bool:
    query, record = call.query, recap.record
    start = times.parse(record["start_time"])
    attendees = {attendee["user_email"].casefold() for attendee in record["attendees"]}
    return (
        record["status"].lower() == (query["status"] or "available")
        and query["event"] in {None, record["event"].rpartition("/")[2]}
        and (query["start_time"] is None or start >= query["start_time"])
        and (query["end_time"] is None or start <= query["end_time"])
        and (query["attendee"] is None or query["attendee"].casefold() in attendees)
    )


def get_recap(call: ApiCall) -> SingleRecord:
    """Get one recap."""
    return SingleRecord(_recap(call).record)


def update_recap(call: ApiCall) -> SingleRecord:
    """Update the texts of a recap."""
    recap = _recap(call)
    recap.record = recap.record | call.body | {"updated_at": times.isoformat(call.now)}
    call.world.touch()
    call.domain_events.append(
        meeting_outcomes.recap_event(call.world, "meeting_recap.updated", recap, call.now)
    )
    return SingleRecord(recap.record)


def delete_recap(call: ApiCall) -> NoContent:
    """Delete a recap and its transcript."""
    recap = _recap(call)
    del call.world.state.recaps[call.ids["uuid"]]
    call.world.touch()
    call.domain_events.append(
        meeting_outcomes.recap_event(call.world, "meeting_recap.deleted", recap, call.now)
    )
    return NoContent()


def get_transcript(call: ApiCall) -> SingleRecord:
    """Get the transcript of a recap; 404 if it has none."""
    recap = _recap(call)
    if recap.record["transcript"] is None:
        raise errors.not_found()
    return SingleRecord({"uri": recap.record["transcript"], "text": recap.transcript})


def _recap(call: ApiCall) -> MeetingRecap:
    recap = call.world.state.recaps.get(call.ids["uuid"])
    if recap is None:
        raise errors.not_found()
    if not _is_own(call, recap):
        raise errors.denied()
    return recap


ROUTES = (
    Route(
        "GET /meeting_recaps",
        "meeting_recaps.list",
        _READ,
        list_recaps,
        (
            Parameter("event", uri("scheduled_events")),
            Parameter("start_time", moment),
            Parameter("end_time", moment),
            Parameter("status", choice("available", "processing", "unavailable")),
            Parameter("attendee", email),
            *PAGING,
        ),
        paid=True,
    ),
    Route("GET /meeting_recaps/{uuid}", "meeting_recaps.get", _READ, get_recap, paid=True),
    Route(
        "PATCH /meeting_recaps/{uuid}",
        "meeting_recaps.update",
        _WRITE,
        update_recap,
        body=BodySchema(tuple(BodyField(name, text(), nullable=True) for name in _TEXTS), strict=True),
        paid=True,
    ),
    Route("DELETE /meeting_recaps/{uuid}", "meeting_recaps.delete", _WRITE, delete_recap, paid=True),
    Route(
        "GET /meeting_recaps/{uuid}/transcript", "meeting_transcripts.get", _READ, get_transcript, paid=True
    ),
)
