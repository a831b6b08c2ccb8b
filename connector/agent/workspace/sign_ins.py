"""Sign-in by OAuth on the pages: the person goes to the application, and comes back with its consent."""

from collections.abc import Iterable
from typing import Final

from . import apps
from .credential_changes import checked_name, replace, save
from .credentials import Draft, check, find
from .model import Workspace
from .pending_sign_ins import SignIn

CALLBACK: Final = "/credentials/callback"


def begin(
    workspace: Workspace,
    person: str,
    name: str,
    draft: Draft,
    *,
    origin: str,
    scopes: Iterable[str] = (),
    replaces: bool = False,
) -> str:
    """Begin a sign-in and return its id. Raises UsageError if the form or the name is wrong.

    `origin` is the address at which the person uses the agent: the application sends them back there.
    """
    if replaces:
        find(workspace, name)
        plain = name
    else:
        plain = checked_name(workspace, name)
    wanted = tuple(scopes)
    oauth = workspace.connector(draft.app).oauth(draft.kind)
    request = oauth.authorize(draft.fields, scopes=wanted, redirect_uri=origin + CALLBACK)
    return workspace.sign_ins.begin(SignIn(person, plain, draft, wanted, replaces, request))


def again(workspace: Workspace, sign_in: SignIn, *, origin: str) -> str:
    """Begin a failed sign-in again, with what was filled in."""
    return begin(
        workspace,
        sign_in.person,
        sign_in.name,
        sign_in.draft,
        origin=origin,
        scopes=sign_in.scopes,
        replaces=sign_in.replaces,
    )


def finish(workspace: Workspace, sign_in: SignIn, query: str) -> None:
    """Store the credential of a person who came back with this query. Raises SignInFailed."""
    draft = sign_in.draft
    returned = f"{sign_in.request.redirect_uri}?{query}"
    oauth = workspace.connector(draft.app).oauth(draft.kind)
    credential = oauth.exchange(draft.fields, sign_in.request, returned)
    fields = {name: value for name, value in credential.items() if name != "kind"}
    signed_in = Draft(draft.app, draft.kind, fields)
    report = check(workspace, signed_in)
    if sign_in.replaces:
        replace(workspace, sign_in.person, sign_in.name, signed_in, report)
    else:
        save(workspace, sign_in.person, sign_in.name, signed_in, report)


def scopes_of(workspace: Workspace, app: str) -> list[str]:
    """Return all scopes that an app's actions and triggers need."""
    found = {scope for trigger in apps.triggers(workspace, app) for scope in trigger.scopes}
    found.update(scope for action in apps.actions(workspace, app).values() for scope in action.scopes)
    return sorted(found)


def stored_draft(workspace: Workspace, name: str, app: str) -> Draft:
    """Return the form's fields of a stored credential, to sign in again with the same app."""
    stored = find(workspace, name)
    known = {one.name for one in apps.kind(workspace, app, stored.kind_id).fields}
    credential = workspace.vault.get(name)
    fields = {key: value for key, value in credential.items() if key in known}
    return Draft(app, stored.kind_id, fields)


def stored_scopes(workspace: Workspace, name: str) -> tuple[str, ...]:
    """Return the scopes that a person granted for a stored credential, to ask for the same again."""
    return tuple(workspace.vault.get(name).get("scope", "").split())
