"""The view `bookings`: a row per invitee, with the columns of `meetings.list` that don't depend on a zone."""

from hashlib import sha256
from typing import Final

from ..support.meeting_words import CALLS, CONFERENCES, SETUPS, TRACKING

VIEW: Final = "bookings"

_SQLITE: Final = {
    "field": "json_extract({json}, '$.{name}')",
    "first": "json_extract({json}, '$[0].{name}')",
    "hosts": "(SELECT json_group_array(json_object('name', {name}, 'email', {email}, 'user', {user}))"
    " FROM {items})",
    "guests": "(SELECT json_group_array({email}) FROM {items})",
    "answers": "(SELECT json_group_object({question}, {answer}) FROM {items} WHERE {question} IS NOT NULL)",
    "item": "json_extract(item.value, '$.{name}')",
    "items": "json_each({json}) AS item",
}
_POSTGRESQL: Final = {
    "field": "({json} ->> '{name}')",
    "first": "({json} -> 0 ->> '{name}')",
    "hosts": "(SELECT coalesce(json_agg(json_build_object('name', {name}, 'email', {email}, 'user', {user})),"
    " '[]') FROM {items})",
    "guests": "(SELECT coalesce(json_agg({email}), '[]') FROM {items})",
    "answers": "(SELECT coalesce(json_object_agg({question}, {answer}), '{{}}') FROM {items}"
    " WHERE {question} IS NOT NULL)",
    "item": "(item.value ->> '{name}')",
    "items": "json_array_elements(CASE json_typeof({json}) WHEN 'array' THEN {json} ELSE '[]' END)"
    " AS item(value)",
}
_DIALECTS: Final = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}

JSON_COLUMNS: Final = ("hosts", "guests", "answers")
_LOCATION_TEXTS: Final = ("location", "additional_info", "status", "join_url")
TIME_COLUMNS: Final = ("start_time", "end_time", "created_at")


def select(dialect: str) -> str | None:
    """Return the view's query for a kind of database, None if there is no view for it."""
    if dialect not in _DIALECTS:
        return None
    columns = ",\n  ".join(f"{value} AS {name}" for name, value in _columns(_DIALECTS[dialect]).items())
    return (
        f"SELECT\n  {columns}\nFROM invitees AS i JOIN scheduled_events AS e ON e.uri = i.event\n"
        "WHERE i.missing_since IS NULL AND e.missing_since IS NULL"
    )


def digest(query: str) -> str:
    """Return an id of a query, which changes with it."""
    return sha256(query.encode()).hexdigest()[:16]


def _columns(sql: dict[str, str]) -> dict[str, str]:
    """Return the expression of each column."""

    def field(json: str, name: str) -> str:
        return sql["field"].format(json=json, name=name)

    def each(kind: str, json: str, **names: str) -> str:
        fields = {name: sql["item"].format(name=source) for name, source in names.items()}
        return sql[kind].format(items=sql["items"].format(json=json), **fields)

    def canceled(name: str) -> str:
        return f"coalesce({field('i.cancellation', name)}, {field('e.cancellation', name)})"

    hosts = "e.event_memberships"
    return {
        "start_time": "e.start_time",
        "end_time": "e.end_time",
        "name": "e.name",
        "status": "CASE WHEN i.rescheduled THEN 'rescheduled'"
        " WHEN i.status = 'canceled' OR e.status = 'canceled' THEN 'canceled'"
        f" WHEN {field('i.no_show', 'uri')} IS NOT NULL THEN 'no_show' ELSE 'active' END",
        "invitee_name": "i.name",
        "invitee_email": "i.email",
        "invitee_timezone": "i.timezone",
        "host_name": sql["first"].format(json=hosts, name="user_name"),
        "host_email": sql["first"].format(json=hosts, name="user_email"),
        "location": _location({name: field("e.location", name) for name in ("type", *_LOCATION_TEXTS)}),
        "join_url": field("e.location", "join_url"),
        "hosts": each("hosts", hosts, name="user_name", email="user_email", user="user"),
        "guests": each("guests", "e.event_guests", email="email"),
        "answers": each("answers", "i.questions_and_answers", question="question", answer="answer"),
        **{name: field("i.tracking", name) for name in TRACKING},
        "canceled_by": canceled("canceled_by"),
        "canceler_type": canceled("canceler_type"),
        "cancel_reason": canceled("reason"),
        "canceled_at": canceled("created_at"),
        "created_at": "i.created_at",
        "cancel_url": "i.cancel_url",
        "reschedule_url": "i.reschedule_url",
        "no_show": field("i.no_show", "uri"),
        "old_invitee": "i.old_invitee",
        "new_invitee": "i.new_invitee",
        "event_type": "e.event_type",
        "event": "e.uri",
        "uri": "i.uri",
    }


def _location(fields: dict[str, str]) -> str:
    """Return the expression of a location's text, the same as that of `meetings.list`."""
    kind = fields["type"]
    text, more, link = (f"nullif({fields[name]}, '')" for name in ("location", "additional_info", "join_url"))
    setups = " ".join(
        f"WHEN {fields['status']} = {_quoted(one)} THEN {_quoted(SETUPS[one])}" for one in SETUPS
    )
    setup = f"CASE WHEN {link} IS NOT NULL THEN '' {setups} ELSE '' END"
    named = [
        *(f"WHEN {kind} = {_quoted(one)} THEN {_quoted(CONFERENCES[one])} || {setup}" for one in CONFERENCES),
        *(
            f"WHEN {kind} = {_quoted(one)} THEN {_quoted(CALLS[one])} || coalesce(' ' || {text}, '')"
            for one in CALLS
        ),
    ]
    return (
        f"CASE {' '.join(named)} WHEN {text} IS NULL THEN {more}"
        f" ELSE {text} || coalesce(' (' || {more} || ')', '') END"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


NAMES: Final = tuple(_columns(_SQLITE))
"""The columns, in order."""
