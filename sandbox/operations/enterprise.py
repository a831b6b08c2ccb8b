"""Operations of the enterprise plan: activity log, outgoing communications, deletion of personal data."""

from collections.abc import Callable, Iterable
from typing import Any

from .. import errors
from ..api import access
from ..api.body_schema import EMAIL, MOMENT, BodyField, BodySchema, array
from ..api.calls import ApiCall, PagedList, RawBody, Route
from ..api.paging import TOKEN_PARAMETER
from ..api.parameters import PAGING, Parameter, integer, moment, sort, uri
from ..api.parameters import text as any_text
from ..errors import Body, detail
from ..world import activity_log, search_terms, times
from ..world.listings import EventQuery, InMemoryListing
from ..world.records import Record
from ..world.reminders import LEAD_TIME, RETENTION, ReminderListing

_MAX_LOG_COUNT = 1000
_MAX_TERM = 300
_MAX_VALUES = 100
_MAX_RANGE = 731 * times.DAY  # 24 months
_SORTED_BY = ("action", "actor.display_name", "actor.uri", "namespace", "occurred_at")


def list_log_entries(call: ApiCall) -> PagedList:
    """List the activity log, by default newest first."""
    access.require_own_organization(call.world, call.caller, call.query["organization"])
    tests = list(_tests(call.query))
    matching = [
        entry
        for entry in activity_log.entries(call.world, call.caller.member.organization)
        if all(test(entry) for test in tests)
    ]
    extra = {
        "last_event_time": activity_log.occurred_at(matching[-1]) if matching else None,
        "total_count": len(matching),
        "exceeds_max_total_count": False,
    }
    order = [pair for pairs in call.query["sort"] or [[("occurred_at", True)]] for pair in pairs]
    for field, descending in reversed(order):
        matching.sort(key=_sort_key(field), reverse=descending)
    return PagedList(InMemoryListing(matching), extra)


def _tests(query: dict[str, Any]) -> Iterable[Callable[[Record], bool]]:
    """Yield a test for each filter of the query."""
    namespaces, actions, actors = query["namespace"], query["action"], query["actor"]
    since, until, term = query["min_occurred_at"], query["max_occurred_at"], query["search_term"]
    if namespaces is not None:
        yield lambda entry: entry["namespace"] in namespaces
    if actions is not None:
        yield lambda entry: entry["action"] in actions
    if actors is not None:
        yield lambda entry: _at(entry, "actor.uri").rpartition("/")[2] in actors
    if since is not None:
        yield lambda entry: times.parse(entry["occurred_at"]) >= since
    if until is not None:
        yield lambda entry: times.parse(entry["occurred_at"]) <= until
    if term is not None:
        matches = search_terms.compile_term(term)
        yield lambda entry: matches(_searchable_text(entry))


def _sort_key(path: str) -> Callable[[Record], str]:
    return lambda entry: _at(entry, path).casefold()


def _at(entry: Record, path: str) -> str:
    outer, _, inner = path.partition(".")
    value: str = entry[outer][inner] if inner else entry[outer]
    return value


def _searchable_text(entry: Record) -> str:
    actor = entry["actor"]
    parts = (entry["fully_qualified_name"], actor["display_name"], actor["alternative_identifier"])
    return " ".join([*parts, *map(str, entry["details"].values())])


def _search_term(value: str, _origins: frozenset[str]) -> str:
    if len(value) > _MAX_TERM:
        raise ValueError(f"must have at most {_MAX_TERM} characters")
    return value


def list_communications(call: ApiCall) -> PagedList:
    """List the reminders of the last 30 days, newest first."""
    access.require_own_organization(call.world, call.caller, call.query["organization"])
    since, until = call.query["min_created_at"], call.query["max_created_at"]
    created_since = max(call.now - RETENTION, since if since is not None else call.now - RETENTION)
    created_until = min(call.now, until if until is not None else call.now)
    query = EventQuery(
        call.caller.member.organization,
        canceled=False,
        since=created_since + LEAD_TIME,
        before=created_until + LEAD_TIME + 1,
        descending=True,
    )
    reminders = ReminderListing(call.world, query)
    return PagedList(reminders, {"total_count": sum(1 for _ in reminders.walk(None, backwards=False))})


def delete_invitees(_call: ApiCall) -> RawBody:
    """Accept the request. Calendly deletes the data within a week; the sandbox never does."""
    return RawBody({}, status=202)


def delete_events(call: ApiCall) -> RawBody:
    """Accept the request for a past time range; like for invitees, nothing is deleted."""
    problems = [
        detail("must be in the past", name)
        for name in ("start_time", "end_time")
        if call.body[name] > call.now
    ]
    if problems:
        raise errors.invalid(*problems)
    return RawBody({}, status=202)


def _range_problems(body: Record) -> Iterable[Body]:
    if body["end_time"] <= body["start_time"]:
        yield detail("must be after start_time", "end_time")
    elif body["end_time"] - body["start_time"] > _MAX_RANGE:
        yield detail("must be within 24 months of start_time", "end_time")


_ORGANIZATION = Parameter("organization", uri("organizations"), required=True)
_COMPLIANCE = ("data_compliance:write",)
ROUTES = (
    Route(
        "GET /activity_log_entries",
        "activity_log_entries.list",
        ("activity_log:read",),
        list_log_entries,
        (
            _ORGANIZATION,
            Parameter("search_term", _search_term),
            Parameter("actor", uri("users"), max_count=_MAX_VALUES),
            Parameter("namespace", any_text, max_count=_MAX_VALUES),
            Parameter("action", any_text, max_count=_MAX_VALUES),
            Parameter("sort", sort(*_SORTED_BY, several=True), max_count=len(_SORTED_BY)),
            Parameter("min_occurred_at", moment),
            Parameter("max_occurred_at", moment),
            Parameter("count", integer(1, _MAX_LOG_COUNT)),
            Parameter(TOKEN_PARAMETER, any_text),
        ),
        paid=True,
        role="admin",
    ),
    Route(
        "GET /outgoing_communications",
        "outgoing_communications.list",
        ("outgoing_communications:read",),
        list_communications,
        (_ORGANIZATION, Parameter("min_created_at", moment), Parameter("max_created_at", moment), *PAGING),
        paid=True,
        role="admin",
    ),
    Route(
        "POST /data_compliance/deletion/invitees",
        "data_compliance.delete_invitees",
        _COMPLIANCE,
        delete_invitees,
        body=BodySchema((BodyField("emails", array(EMAIL, min_items=1), required=True),)),
        paid=True,
        role="admin",
    ),
    Route(
        "POST /data_compliance/deletion/events",
        "data_compliance.delete_events",
        _COMPLIANCE,
        delete_events,
        body=BodySchema(
            (BodyField("start_time", MOMENT, required=True), BodyField("end_time", MOMENT, required=True)),
            check=_range_problems,
        ),
        paid=True,
        role="admin",
    ),
)
