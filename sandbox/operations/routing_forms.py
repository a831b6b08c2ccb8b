"""Routing forms and submissions."""

from .. import errors
from ..api import access
from ..api.calls import ApiCall, PagedList, Route, SingleRecord
from ..api.parameters import PAGING, Parameter, sort, uri
from ..world.listings import sorted_listing
from ..world.state import RoutingForm

_SCOPES = ("routing_forms:read",)
_OLDEST_FIRST = [("created_at", False)]


def list_forms(call: ApiCall) -> PagedList:
    """List the forms of the organization."""
    access.require_own_organization(call.world, call.caller, call.query["organization"])
    own = call.caller.member.organization
    forms = [form.record for form in call.world.state.forms.values() if form.organization == own]
    return PagedList(sorted_listing(forms, call.query["sort"] or _OLDEST_FIRST))


def get_form(call: ApiCall) -> SingleRecord:
    """Get one form."""
    return SingleRecord(_form(call, call.ids["uuid"]).record)


def list_submissions(call: ApiCall) -> PagedList:
    """List the submissions of one form."""
    _form(call, call.query["form"])
    records = [
        submission.record
        for submission in call.world.state.submissions.values()
        if submission.form == call.query["form"]
    ]
    return PagedList(sorted_listing(records, call.query["sort"] or _OLDEST_FIRST))


def get_submission(call: ApiCall) -> SingleRecord:
    """Get one submission."""
    submission = call.world.state.submissions.get(call.ids["uuid"])
    if submission is None:
        raise errors.not_found()
    _form(call, submission.form)
    return SingleRecord(submission.record)


def _form(call: ApiCall, uuid: str) -> RoutingForm:
    form = call.world.state.forms.get(uuid)
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
