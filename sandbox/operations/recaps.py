"""Meeting recaps, of the meetings that the caller hosted: list, get, update, delete; the transcript."""

from .. import errors
from ..api.body_rules import Field, Form, text
from ..api.calls import Call, Many, Nothing, One, Route
from ..api.parameters import PAGING, Parameter, choice, email, moment, uri
from ..world import recaps, times
from ..world.holdings import Recap
from ..world.listings import sorted_shelf

_READ, _WRITE = ("meeting_recaps:read",), ("meeting_recaps:write",)
_TEXTS = ("summary_md", "action_items_md", "discussion_md")


def list_recaps(call: Call) -> Many:
    """Give the caller's recaps, the latest meeting first; the texts are in the single ones alone."""
    wanted = [
        {field: value for field, value in recap.record.items() if field not in _TEXTS}
        for recap in call.world.holdings.recaps.values()
        if _is_own(call, recap) and _wanted(call, recap)
    ]
    return Many(sorted_shelf(wanted, [("start_time", True)]))


def _is_own(call: Call, recap: Recap) -> bool:
    return call.caller.member.number in call.world.hosts(recap.event)


def _wanted(call: Call, recap: Recap) -> bool:
    query, record = call.query, recap.record
    start = times.read(record["start_time"])
    attendees = {attendee["user_email"].casefold() for attendee in record["attendees"]}
    return (
        record["status"].lower() == (query["status"] or "available")
        and query["event"] in {None, record["event"].rpartition("/")[2]}
        and (query["start_time"] is None or start >= query["start_time"])
        and (query["end_time"] is None or start <= query["end_time"])
        and (query["attendee"] is None or query["attendee"].casefold() in attendees)
    )


def get_recap(call: Call) -> One:
    """Give one recap."""
    return One(_recap(call).record)


def update_recap(call: Call) -> One:
    """Change the texts of a recap."""
    recap = _recap(call)
    recap.record = recap.record | call.body | {"updated_at": times.write(call.now)}
    call.world.touch()
    call.happened.append(recaps.told(call.world, "meeting_recap.updated", recap, call.now))
    return One(recap.record)


def delete_recap(call: Call) -> Nothing:
    """Delete a recap with its transcript."""
    recap = _recap(call)
    del call.world.holdings.recaps[call.ids["uuid"]]
    call.world.touch()
    call.happened.append(recaps.told(call.world, "meeting_recap.deleted", recap, call.now))
    return Nothing()


def get_transcript(call: Call) -> One:
    """Give the transcript of a recap that has one."""
    recap = _recap(call)
    if recap.record["transcript"] is None:
        raise errors.not_found()
    return One({"uri": recap.record["transcript"], "text": recap.transcript})


def _recap(call: Call) -> Recap:
    recap = call.world.holdings.recaps.get(call.ids["uuid"])
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
        body=Form(tuple(Field(name, text(), nullable=True) for name in _TEXTS), strict=True),
        paid=True,
    ),
    Route("DELETE /meeting_recaps/{uuid}", "meeting_recaps.delete", _WRITE, delete_recap, paid=True),
    Route(
        "GET /meeting_recaps/{uuid}/transcript", "meeting_transcripts.get", _READ, get_transcript, paid=True
    ),
)
