"""Routing forms and what was filled in."""

from .. import errors
from ..api import access
from ..api.calls import Call, Many, One, Route
from ..api.parameters import PAGING, Parameter, sort, uri
from ..world.holdings import Form
from ..world.listings import sorted_shelf

_SCOPES = ("routing_forms:read",)
_OLDEST_FIRST = [("created_at", False)]


def list_forms(call: Call) -> Many:
    """Give the forms of the organization."""
    access.require_own_organization(call.world, call.caller, call.query["organization"])
    own = call.caller.member.organization
    forms = [form.record for form in call.world.holdings.forms.values() if form.organization == own]
    return Many(sorted_shelf(forms, call.query["sort"] or _OLDEST_FIRST))


def get_form(call: Call) -> One:
    """Give one form."""
    return One(_form(call, call.ids["uuid"]).record)


def list_submissions(call: Call) -> Many:
    """Give what was filled in to one form."""
    _form(call, call.query["form"])
    wanted = [
        submission.record
        for submission in call.world.holdings.submissions.values()
        if submission.form == call.query["form"]
    ]
    return Many(sorted_shelf(wanted, call.query["sort"] or _OLDEST_FIRST))


def get_submission(call: Call) -> One:
    """Give one filled-in form."""
    submission = call.world.holdings.submissions.get(call.ids["uuid"])
    if submission is None:
        raise errors.not_found()
    _form(call, submission.form)
    return One(submission.record)


def _form(call: Call, uuid: str) -> Form:
    form = call.world.holdings.forms.get(uuid)
    if form is None:
        raise errors.not_found()
    if form.organization != call.caller.member.organization:
        raise errors.denied()
    return form


ROUTES = (
    Route(
        "GET /routing_forms",
        "routing_forms.list",
        _SCOPES,
        list_forms,
        (
            Parameter("organization", uri("organizations"), required=True),
            Parameter("sort", sort("created_at")),
            *PAGING,
        ),
        paid=True,
    ),
    Route("GET /routing_forms/{uuid}", "routing_forms.get", _SCOPES, get_form, paid=True),
    Route(
        "GET /routing_form_submissions",
        "routing_form_submissions.list",
        _SCOPES,
        list_submissions,
        (
            Parameter("form", uri("routing_forms"), required=True),
            Parameter("sort", sort("created_at")),
            *PAGING,
        ),
        paid=True,
    ),
    Route(
        "GET /routing_form_submissions/{uuid}",
        "routing_form_submissions.get",
        _SCOPES,
        get_submission,
        paid=True,
    ),
)
