"""Single-use links: create, list, revoke and renew them.

See docs/decisions/links-without-a-key.md.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from ..contract import Record
from ..errors import (
    CalendlyDown,
    CalendlyError,
    ConnectorError,
    InvalidParams,
    NoAnswer,
    NotFound,
    PermissionDenied,
    Problem,
    Rejected,
    UsageError,
)
from ..support import timestamps
from ..support.redaction import quoted
from . import link_rows
from .booking_pages import prefilled
from .look_ups import CLOCKS_DIFFER, Findings
from .prefill import Prefill, read_prefill
from .steps import Inputs, Page, Steps

_CREATE: Final = "links.create"
_RENEW: Final = "links.renew"
_COMPARED: Final = ("name", "duration", "duration_options", *link_rows.PERIOD)
_LIST: Final = "`calendly-connector run links.list`"


def create(steps: Steps, inputs: Inputs) -> Record:
    """Create a link: a share if the event type allows it, otherwise a scheduling link.

    If the reply of the request is lost, look for the share. With `created_since`, look for it first.
    """
    event_type = steps.read_once("event_types.get", {"uuid": inputs["event_type"]})
    settings = link_rows.share_settings(inputs)
    is_share = link_rows.allows_shares(event_type)
    prefill = read_prefill(inputs, event_type.get("custom_questions") or ())
    problems = [*_problems(event_type, settings, inputs, is_share=is_share), *prefill.problems]
    if problems:
        raise InvalidParams(_CREATE, problems)
    if "created_since" in inputs and not is_share:
        raise UsageError(
            "Links of this event type can't be listed, so it can't be decided whether one was created since "
            f"{inputs['created_since']}.",
            fix="Create another without created_since: if the first exists, nobody has its address.",
        )
    row = _share(steps, inputs, settings, event_type) if is_share else _scheduling_link(steps, event_type)
    return _answer(steps, event_type, row, prefill)


def find_new(steps: Steps, inputs: Inputs, since: datetime) -> Findings:
    """Find the share that `create` with these inputs has created since a time."""
    event_type = steps.read_once("event_types.get", {"uuid": inputs["event_type"]})
    if not link_rows.allows_shares(event_type):
        return Findings(doubt="links of this event type can't be listed")
    known, settings = inputs.get("known_links", ()), link_rows.share_settings(inputs)
    since = timestamps.read_or_none(inputs.get("created_since")) or since
    shares = _created(steps, since, known, settings, event_type)
    prefill = read_prefill(inputs, event_type.get("custom_questions") or ())
    rows = map(link_rows.share_row, shares)
    return Findings(tuple(_answer(steps, event_type, row, prefill) for row in rows))


def find_new_share(steps: Steps, inputs: Inputs, since: datetime) -> Findings:
    """Find the share that `shares.create` with these inputs has created since a time."""
    event_type = steps.run("event_types.get", {"uuid": inputs["event_type"]})
    settings = {name: inputs[name] for name in _COMPARED if inputs.get(name) is not None}
    return Findings(tuple(_created(steps, since, (), settings, event_type)))


def _answer(steps: Steps, event_type: Record, row: Record, prefill: Prefill) -> Record:
    is_share = link_rows.allows_shares(event_type)
    return {
        "url": row["url"],
        "prefilled_url": prefilled(steps, row["url"], prefill),
        "kind": "share" if is_share else "scheduling_link",
        "uri": row["uri"],
        "event_type": event_type["uri"],
        "event_name": row["event_name"],
        "created_at": row["created_at"],
        "expires_at": row["expires_at"],
        "created": row.get("created", True),
        "manageable": is_share,
    }


def list_links(steps: Steps, inputs: Inputs) -> Iterator[Page]:
    """Yield links as rows, newest first, with the contact of each."""
    names = {"created_since": "min_created_at", "created_until": "max_created_at", "event_type": "event_type"}
    params = {name: inputs[key] for key, name in names.items() if key in inputs}
    for shares, more in steps.pages("shares.list", params):
        rows = [link_rows.share_row(share) for share in shares]
        rows = [row for row in rows if inputs.get("status") in {None, row["status"]}]
        yield _with_contacts(steps, rows), more


def revoke(steps: Steps, inputs: Inputs) -> Record:
    """Delete a link that isn't booked, so nobody can use it. Raises UsageError for a booked one."""
    share = _find(steps, inputs["link"])
    row = link_rows.share_row(share)
    if row["status"] == "booked":
        raise UsageError(
            f"The link {row['url']} is booked, so it can't be revoked.", fix="Cancel the meeting instead."
        )
    steps.run("shares.delete", {"uuid": share["uri"]})
    return {**row, "status": "revoked", "was": row["status"]}


def renew(steps: Steps, inputs: Inputs) -> Record:
    """Create a link like an unbooked or expired one, then revoke the old one if it could still be booked."""
    old = _find(steps, inputs["link"])
    row = link_rows.share_row(old)
    if row["status"] == "booked":
        raise UsageError(
            f"The link {row['url']} is booked, so it can't be renewed.",
            fix="Use links.create for another meeting.",
        )
    event_type = steps.run("event_types.get", {"uuid": row["event_type"]})
    prefill = read_prefill(inputs, event_type.get("custom_questions") or ())
    settings = _renewed(steps, old, event_type, inputs)
    if problems := [*_renewal_problems(steps, inputs, settings), *prefill.problems]:
        raise InvalidParams(_RENEW, problems)
    new = _share(steps, {}, settings, event_type)
    revoked = row["status"] == "active"
    if revoked:
        _replace(steps, old, new)
    return {
        "url": new["url"],
        "prefilled_url": prefilled(steps, new["url"], prefill),
        "uri": new["uri"],
        "event_type": event_type["uri"],
        "event_name": new["event_name"],
        "created_at": new["created_at"],
        "expires_at": new["expires_at"],
        "replaces": row["url"],
        "replaces_uri": row["uri"],
        "was": row["status"],
        "revoked": revoked,
    }


def _problems(event_type: Record, settings: Record, inputs: Inputs, *, is_share: bool) -> Iterator[Problem]:
    if not event_type.get("active", True):
        yield Problem("event_type", "is turned off in Calendly, so its links can't be booked")
    if settings and not is_share:
        names = [name for name in ("event_name", *link_rows.SETTINGS) if name in inputs]
        for name in names:
            yield Problem(name, "only works with one-on-one event types, and this one isn't")
    yield from _period_problems(inputs)


def _period_problems(settings: Record) -> Iterator[Problem]:
    """Yield the problems of dates that the schema can't express."""
    if settings.get("start_date") and settings.get("max_booking_time"):
        yield Problem("max_booking_time", "can't be combined with start_date and end_date")
    start, end = settings.get("start_date"), settings.get("end_date")
    if start and end and end < start:
        yield Problem("end_date", "must not be before start_date")


def _share(steps: Steps, inputs: Inputs, settings: Record, event_type: Record) -> Record:
    """Create a share, or find the one that an earlier attempt created; return it as a row."""
    known = inputs.get("known_links", ())
    if since := timestamps.read_or_none(inputs.get("created_since")):
        found = _created(steps, since, known, settings, event_type)
        if len(found) > 1:
            raise UsageError(
                f"{len(found)} links with these settings were created since {inputs['created_since']}, so it "
                "can't be decided which one is meant.",
                fix=f"Look at them ({_LIST}) and revoke those that nobody has, or leave created_since out.",
            )
        if found:
            return {**link_rows.share_row(found[0]), "created": False}
    started = steps.now
    try:
        share = steps.run("shares.create", {"event_type": event_type["uri"], **settings})
    except (NoAnswer, CalendlyDown) as error:
        if not error.may_have_happened:
            raise
        share = _recovered(steps, error, started, known, settings, event_type)
    return link_rows.share_row(share)


def _recovered(
    steps: Steps,
    error: NoAnswer | CalendlyDown,
    started: datetime,
    known: Sequence[str],
    settings: Record,
    event_type: Record,
) -> Record:
    """Return the share of a request whose reply was lost. Raises the error if there isn't exactly one."""
    try:
        found = _created(steps, started - CLOCKS_DIFFER, known, settings, event_type)
    except ConnectorError as also:
        error.fix = f"Check with {_LIST} whether it was created. The look-up failed, too: {also.message}"
        raise error from None
    if len(found) == 1:
        steps.warnings.append("The reply to the request was lost; the link was found in the list of shares.")
        return found[0]
    error.fix = (
        f"No such link is listed yet, so it was probably not created. Check with {_LIST}, then run it again."
        if not found
        else f"{len(found)} new links fit. Look at them ({_LIST}), and revoke those that nobody has."
    )
    raise error


def _created(
    steps: Steps, since: datetime, known: Sequence[str], settings: Record, event_type: Record
) -> list[Record]:
    """Return the unclaimed shares with these settings that were created since a time."""
    params = {"event_type": event_type["uri"], "min_created_at": timestamps.write(since)}
    return link_rows.unclaimed(steps.records("shares.list", params), known, settings, event_type)


def _scheduling_link(steps: Steps, event_type: Record) -> Record:
    try:
        link = steps.run("scheduling_links.create", {"owner": event_type["uri"]})
    except (NoAnswer, CalendlyDown) as error:
        if error.may_have_happened:
            error.fix = (
                "Run it again for another link. If this one was created, nobody has its address, and it "
                "expires by itself."
            )
        raise
    return {
        "url": link["booking_url"],
        "uri": None,
        "event_name": event_type.get("name"),
        "created_at": timestamps.write_sortable(steps.now),
        "expires_at": link_rows.expires_at(steps.now),
    }


def _with_contacts(steps: Steps, rows: list[Record]) -> list[Record]:
    """Add the name and email of each row's contact: of a booked link the person who booked it."""
    uris = dict.fromkeys(row["contact"] for row in rows if row["contact"])
    contacts = dict(zip(uris, steps.in_parallel(lambda uri: _contact(steps, uri), uris), strict=True))
    for row in rows:
        contact = contacts.get(row["contact"]) or {}
        emails = sorted(contact.get("emails") or [], key=lambda email: not email.get("is_primary"))
        row["contact_name"] = contact.get("name")
        row["contact_email"] = emails[0]["email"] if emails else None
    return rows


def _contact(steps: Steps, uri: str) -> Record:
    """Read a contact; empty if it is gone or the token may not see it."""
    try:
        return steps.read_once("contacts.get", {"uuid": uri})
    except (NotFound, PermissionDenied) as error:
        warning = f"Contacts couldn't be read: {error.message}"
        if warning not in steps.warnings:
            steps.warnings.append(warning)
        return {}


def _find(steps: Steps, name: str) -> Record:
    """Return the share that a text names. Raises UsageError."""
    for shares, _ in steps.pages("shares.list", {}):
        for share in shares:
            if link_rows.is_named(share, name.strip()):
                return share
    raise UsageError(
        f"{quoted(name)} isn't one of your links.",
        fix=f"{_LIST} lists them. Links of event types that aren't one-on-one, and revoked links, aren't "
        "listed.",
    )


def _renewed(steps: Steps, old: Record, event_type: Record, inputs: Inputs) -> Record:
    """Return the settings of the new link: those of the old one, unless the inputs have others."""
    hours = steps.records("event_type_availability_schedules.list", {"event_type": event_type["uri"]})
    rule = hours[0].get("availability_rule") if len(hours) == 1 else None
    settings = link_rows.renewed_settings(old, event_type, rule)
    changes = link_rows.share_settings(inputs)
    replaced = {*changes, *(link_rows.PERIOD if "period_type" in changes else ())}
    return {name: value for name, value in settings.items() if name not in replaced} | changes


def _renewal_problems(steps: Steps, inputs: Inputs, settings: Record) -> Iterator[Problem]:
    yield from _period_problems(inputs)
    end = settings.get("end_date")
    if end and end < steps.now.date().isoformat():
        yield Problem(
            "end_date", f"is {end}, which has passed: pass start_date and end_date for the new link"
        )


def _replace(steps: Steps, old: Record, new: Record) -> None:
    """Revoke the old link. If it was booked in between, revoke the new one and raise UsageError."""
    try:
        steps.run("shares.delete", {"uuid": old["uri"]})
    except NotFound:
        return  # somebody else revoked it
    except (Rejected, PermissionDenied) as error:
        _undo(steps, old, new, error)
    except ConnectorError as error:
        error.message = (
            f"The new link {new['url']} was created, but the old one wasn't revoked. {error.message}"
        )
        error.fix = f"Use the new link, and revoke the old one: {_revoking(old)}"
        raise


def _undo(steps: Steps, old: Record, new: Record, error: CalendlyError) -> None:
    """Revoke the new link because the old one is booked, or say that both exist."""
    if link_rows.share_row(_find(steps, old["uri"]))["status"] != "booked":
        error.message = (
            f"The new link {new['url']} was created, but the old one wasn't revoked. {error.message}"
        )
        error.fix = f"Use the new link, and revoke the old one: {_revoking(old)}"
        raise error
    steps.run("shares.delete", {"uuid": new["uri"]})
    raise UsageError(
        "The link was booked in the meantime, so it wasn't renewed. The new link was revoked again.",
        fix="Use links.create for another meeting.",
    )


def _revoking(share: Record) -> str:
    return f"calendly-connector run links.revoke link={share['uri']}"
