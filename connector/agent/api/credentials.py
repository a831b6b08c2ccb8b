"""`/api/credentials`: stored credentials, and new ones. No reply contains a secret."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import AfterValidator, Field

from ...errors import InvalidCredential
from ..workspace import Workspace, apps, credential_changes, credentials
from ..workspace.credentials import Draft, StoredCredential
from .errors import conflict_if_unfit, missing_if_unknown
from .values import Model, Name, Nothing, Text, as_json, person, readable

_MOST_FIELDS = 50
_Value = Annotated[str, Field(max_length=20_000), AfterValidator(readable)]


class Form(Model):
    """A credential as a person fills it in: the app, a kind of its credentials, and the kind's fields."""

    app: Text
    kind: Text
    fields: Annotated[dict[str, _Value], Field(max_length=_MOST_FIELDS)]


class NewCredential(Form):
    """A credential to store. It is checked first, unless `unchecked`."""

    unchecked: bool = False


class NewName(Model):
    """Another name."""

    name: Annotated[str, Field(min_length=1, max_length=200)]


def router(workspace: Workspace) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/credentials", tags=["Credentials"])

    @routes.get("", summary="List the stored credentials")
    def list_credentials() -> list[dict[str, Any]]:
        return [_row(one) for one in credentials.list_all(workspace)]

    @routes.post("/check", summary="Check a credential that isn't stored")
    def check(body: Form) -> dict[str, Any]:
        return _report(credentials.check(workspace, _draft(workspace, body)))

    @routes.get("/{credential}", summary="Show a stored credential, without its fields")
    def show(credential: Name) -> dict[str, Any]:
        return _row(credentials.find(workspace, credential))

    @routes.post("/{credential}", summary="Store a new credential")
    def save(credential: Name, body: NewCredential, request: Request) -> dict[str, Any]:
        draft, report = _checked(workspace, body)
        with conflict_if_unfit():
            name = credential_changes.save(workspace, person(request), credential, draft, report)
        return _row(credentials.find(workspace, name))

    @routes.put("/{credential}", summary="Replace a stored credential")
    def replace(credential: Name, body: NewCredential, request: Request) -> dict[str, Any]:
        credentials.find(workspace, credential)
        draft, report = _checked(workspace, body)
        credential_changes.replace(workspace, person(request), credential, draft, report)
        return _row(credentials.find(workspace, credential))

    @routes.post("/{credential}/check", summary="Check a stored credential again")
    def check_stored(credential: Name, _body: Nothing) -> dict[str, Any]:
        return _report(credentials.check_stored(workspace, credential, deep=True))

    @routes.post("/{credential}/rename", summary="Rename a credential that no flow uses")
    def rename(credential: Name, body: NewName, request: Request) -> dict[str, Any]:
        credentials.find(workspace, credential)
        with conflict_if_unfit():
            name = credential_changes.rename(workspace, person(request), credential, body.name)
        return _row(credentials.find(workspace, name))

    @routes.delete("/{credential}", summary="Delete a credential; flows that use it are paused")
    def delete(credential: Name, request: Request) -> dict[str, Any]:
        credential_changes.delete(workspace, person(request), credential)
        return {"deleted": credential}

    return routes


def _draft(workspace: Workspace, form: Form) -> Draft:
    with missing_if_unknown():
        kind = apps.kind(workspace, form.app, form.kind)
    known = {one.name for one in kind.fields}
    if unknown := sorted(set(form.fields) - known):
        raise InvalidCredential(
            f"Unknown fields: {', '.join(one[:50] for one in unknown[:5])}.",
            fix=f"The fields are {', '.join(sorted(known))}.",
        )
    return credentials.drafted(form.app, kind, form.fields)


def _checked(workspace: Workspace, form: NewCredential) -> tuple[Draft, Any]:
    """Return the draft and its report. Raises InvalidCredential if it doesn't work."""
    draft = _draft(workspace, form)
    if form.unchecked:
        return draft, None
    report = credentials.check(workspace, draft)
    if not report.ok:
        raise InvalidCredential(report.message, fix=report.fix, outcome=report.outcome)
    return draft, report


def _row(stored: StoredCredential) -> dict[str, Any]:
    found: dict[str, Any] = as_json(stored)
    return found


def _report(report: Any) -> dict[str, Any]:
    found: dict[str, Any] = as_json(report)
    return found | {"ok": report.ok}
