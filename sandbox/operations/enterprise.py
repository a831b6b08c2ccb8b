"""What large customers ask for: the activity log, what was sent out, the deletion of personal data."""

from collections.abc import Callable, Iterable
from typing import Any

from .. import errors
from ..api import access
from ..api.body_rules import EMAIL, MOMENT, Field, Form, array
from ..api.calls import Bare, Call, Many, Route
from ..api.paging import TOKEN_PARAMETER
from ..api.parameters import PAGING, Parameter, integer, moment, sort, uri
from ..api.parameters import text as any_text
from ..errors import Body, detail
from ..world import activity_log, search_terms, times
from ..world.listings import EventQuery, Shelf
from ..world.reminders import AHEAD, KEPT, Reminders
from ..world.shapes import Record

_LARGEST_LOG_COUNT = 1000
_LONGEST_TERM = 300
_MOST_VALUES = 100
_LONGEST_RANGE = 731 * times.DAY  # 24 months
_SORTED_BY = ("action", "actor.display_name", "actor.uri", "namespace", "occurred_at")


def list_log(call: Call) -> Many:
    """Give the activity log, the latest first unless asked otherwise."""
    access.require_own_organization(call.world, call.caller, call.query["organization"])
    tests = list(_tests(call.query))
    found = [
        entry
        for entry in activity_log.entries(call.world, call.caller.member.organization)
        if all(test(entry) for test in tests)
    ]
    beside = {
        "last_event_time": activity_log.occurred_at(found[-1]) if found else None,
        "total_count": len(found),
        "exceeds_max_total_count": False,
    }
    order = [pair for pairs in call.query["sort"] or [[("occurred_at", True)]] for pair in pairs]
    for field, descending in reversed(order):
        found.sort(key=_folded(field), reverse=descending)
    return Many(Shelf(found), beside)


def _tests(query: dict[str, Any]) -> Iterable[Callable[[Record], bool]]:
    """Give a test per filter that was given."""
    namespaces, actions, actors = query["namespace"], query["action"], query["actor"]
    since, until, term = query["min_occurred_at"], query["max_occurred_at"], query["search_term"]
    if namespaces is not None:
        yield lambda entry: entry["namespace"] in namespaces
    if actions is not None:
        yield lambda entry: entry["action"] in actions
    if actors is not None:
        yield lambda entry: _at(entry, "actor.uri").rpartition("/")[2] in actors
    if since is not None:
        yield lambda entry: times.read(entry["occurred_at"]) >= since
    if until is not None:
        yield lambda entry: times.read(entry["occurred_at"]) <= until
    if term is not None:
        fits = search_terms.compiled(term)
        yield lambda entry: fits(_words(entry))


def _folded(path: str) -> Callable[[Record], str]:
    return lambda entry: _at(entry, path).casefold()


def _at(entry: Record, path: str) -> str:
    outer, _, inner = path.partition(".")
    value: str = entry[outer][inner] if inner else entry[outer]
    return value


def _words(entry: Record) -> str:
    """Give what a search looks at."""
    actor = entry["actor"]
    own = (entry["fully_qualified_name"], actor["display_name"], actor["alternative_identifier"])
    return " ".join([*own, *map(str, entry["details"].values())])


def _search_term(value: str, _origins: frozenset[str]) -> str:
    if len(value) > _LONGEST_TERM:
        raise ValueError(f"must have at most {_LONGEST_TERM} characters")
    return value


def list_communications(call: Call) -> Many:
    """Give the reminders of the last 30 days, the latest first."""
    access.require_own_organization(call.world, call.caller, call.query["organization"])
    since, until = call.query["min_created_at"], call.query["max_created_at"]
    created_since = max(call.now - KEPT, since if since is not None else call.now - KEPT)
    created_until = min(call.now, until if until is not None else call.now)
    query = EventQuery(
        call.caller.member.organization,
        canceled=False,
        since=created_since + AHEAD,
        before=created_until + AHEAD + 1,
        descending=True,
    )
    reminders = Reminders(call.world, query)
    return Many(reminders, {"total_count": sum(1 for _ in reminders.walk(None, backwards=False))})


def delete_invitees(_call: Call) -> Bare:
    """Take note of the addresses; Calendly takes up to a week, the sandbox never gets to it."""
    return Bare({}, status=202)


def delete_events(call: Call) -> Bare:
    """Take note of a stretch of the past, as for invitees."""
    wrong = [
        detail("must be in the past", name)
        for name in ("start_time", "end_time")
        if call.body[name] > call.now
    ]
    if wrong:
        raise errors.invalid(*wrong)
    return Bare({}, status=202)


def _range(body: Record) -> Iterable[Body]:
    if body["end_time"] <= body["start_time"]:
        yield detail("must be after start_time", "end_time")
    elif body["end_time"] - body["start_time"] > _LONGEST_RANGE:
        yield detail("must be within 24 months of start_time", "end_time")


_ORGANIZATION = Parameter("organization", uri("organizations"), required=True)
_COMPLIANCE = ("data_compliance:write",)
ROUTES = (
    Route(
        "GET /activity_log_entries",
        "activity_log_entries.list",
        ("activity_log:read",),
        list_log,
        (
            _ORGANIZATION,
            Parameter("search_term", _search_term),
            Parameter("actor", uri("users"), most=_MOST_VALUES),
            Parameter("namespace", any_text, most=_MOST_VALUES),
            Parameter("action", any_text, most=_MOST_VALUES),
            Parameter("sort", sort(*_SORTED_BY, several=True), most=len(_SORTED_BY)),
            Parameter("min_occurred_at", moment),
            Parameter("max_occurred_at", moment),
            Parameter("count", integer(1, _LARGEST_LOG_COUNT)),
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
        body=Form((Field("emails", array(EMAIL, least=1), required=True),)),
        paid=True,
        role="admin",
    ),
    Route(
        "POST /data_compliance/deletion/events",
        "data_compliance.delete_events",
        _COMPLIANCE,
        delete_events,
        body=Form(
            (Field("start_time", MOMENT, required=True), Field("end_time", MOMENT, required=True)),
            check=_range,
        ),
        paid=True,
        role="admin",
    ),
)
