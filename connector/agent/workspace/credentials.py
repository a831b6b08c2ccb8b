"""Stored credentials, and those that a person fills in: list and check them."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal
from urllib.parse import quote

from ...contract import CheckReport, CredentialKind
from ...errors import ConnectorError, UnknownCredential, UsageError, VaultError
from ...support.redaction import quoted
from . import apps, form_values
from .model import Workspace

PAGE: Final = "/credentials"
State = Literal["ok", "broken", "unknown", "unchecked"]

_SUBSCRIPTION: Final = "webhook_subscription"  # kept in the vault, too, but no credential
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][\w @.+-]*")
RESERVED: Final = frozenset({"_", "callback", "connect", "new", "sign-in-failed"})
"""Names that are parts of our own addresses."""

_RAISED: Final = CheckReport("unexpected", "The app's connector raised an error.", "Look at the agent's log.")
_LOGGER: Final = logging.getLogger("calendly_connector.agent")


@dataclass(frozen=True, slots=True)
class Draft:
    """A credential as a person filled it in, for an app. Empty fields are left out."""

    app: str
    kind: str
    fields: Mapping[str, str] = field(repr=False)

    @property
    def credential(self) -> dict[str, str]:
        """The credential as connectors accept it."""
        return {"kind": self.kind, **self.fields}


@dataclass(frozen=True, slots=True)
class StoredCredential:
    """A stored credential, without its fields.

    `kind` is its kind's title, `apps` those that accept it, and `flows` the deployed flows that use it. With
    a check, `message` and `fix` are what it found at `checked_at` (unix seconds).
    """

    name: str
    kind: str
    kind_id: str
    apps: tuple[str, ...]
    flows: tuple[str, ...]
    state: State = "unchecked"
    message: str = ""
    fix: str = ""
    checked_at: float | None = None

    @property
    def page(self) -> str:
        """Its page."""
        return page_of(self.name)


def page_of(name: str) -> str:
    """Return the page of a credential, whatever its name is."""
    if _PLAIN.fullmatch(name) and name not in RESERVED:
        return f"{PAGE}/{quote(name, safe='')}"
    return f"{PAGE}/_?name={quote(name, safe='')}"


def list_all(workspace: Workspace) -> list[StoredCredential]:
    """Return all stored credentials, by name. Webhook subscriptions in the vault aren't credentials."""
    used, kinds = uses(workspace), apps.kinds(workspace)
    found = [_described(workspace, name, used, kinds) for name in sorted(workspace.vault.names())]
    return [one for one in found if one.kind_id != _SUBSCRIPTION]


def find(workspace: Workspace, name: str) -> StoredCredential:
    """Return a stored credential. Raises UnknownCredential."""
    if name in workspace.vault.names():
        found = _described(workspace, name, uses(workspace), apps.kinds(workspace))
        if found.kind_id != _SUBSCRIPTION:
            return found
    raise UnknownCredential(
        f"No credential named {quoted(name)} is stored.", fix="Choose one from the list, or add it."
    )


def _described(
    workspace: Workspace,
    name: str,
    used: Mapping[str, tuple[str, ...]],
    kinds: Mapping[str, Mapping[str, CredentialKind]],
) -> StoredCredential:
    flows = used.get(name, ())
    try:
        kind = workspace.vault.get(name).get("kind", "")
    except ConnectorError as error:
        return StoredCredential(name, "Unreadable", "", (), flows, "broken", error.message, error.fix)
    having = tuple(app for app, known in kinds.items() if kind in known)
    title = kinds[having[0]][kind].title if having else kind or "Unknown"
    checked = workspace.checks.get(name)
    if checked is None:
        return StoredCredential(name, title, kind, having, flows)
    report = checked.broken or checked.report
    state: State = "ok" if report.ok else "broken" if checked.broken else "unknown"
    return StoredCredential(name, title, kind, having, flows, state, report.message, report.fix, checked.at)


def uses(workspace: Workspace) -> dict[str, tuple[str, ...]]:
    """Return which deployed flows use each credential, both by name."""
    return {name: tuple(flows) for name, flows in _uses(workspace).items()}


def _uses(workspace: Workspace) -> dict[str, dict[str, str]]:
    """Return the flows that use each credential, and for which app."""
    found: dict[str, dict[str, str]] = {}
    for deployed in workspace.engine.flows.all():
        try:
            flow = workspace.engine.flows.flow(deployed.name, deployed.version)
        except ConnectorError as error:
            _LOGGER.warning("The flow %s can't be read: %s", deployed.name, error)
            continue
        for wanted in flow.connections.values():
            if wanted.credential:
                found.setdefault(wanted.credential, {})[deployed.name] = wanted.connector
    return found


def app_of(workspace: Workspace, stored: StoredCredential) -> str:
    """Return the app with which a credential is checked: that of a flow, else the first with its kind."""
    for app in _uses(workspace).get(stored.name, {}).values():
        if app in stored.apps:
            return app
    if stored.apps:
        return stored.apps[0]
    raise UsageError(
        f"No installed app has credentials of the kind {quoted(stored.kind_id)}.",
        fix="Install the app's package, then restart the agent.",
    )


def drafted(app: str, kind: CredentialKind, values: Mapping[str, object]) -> Draft:
    """Return a draft of what was typed into the form of a kind."""
    known = {one.name for one in kind.fields}
    typed = {name: _text(value) for name, value in values.items() if name in known}
    return Draft(app, kind.id, {name: text for name, text in typed.items() if text})


def _text(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def check(workspace: Workspace, draft: Draft) -> CheckReport:
    """Check a credential that isn't stored yet. What is wrong with it is in the report."""
    form = apps.kind(workspace, draft.app, draft.kind)
    problems = form_values.missing_or_malformed(form.fields, draft.fields)
    if problems:
        titles = {one.path: one.title for one in form.fields}
        message = " ".join(f"{titles[problem.path]}: {problem.message}" for problem in problems)
        return CheckReport("malformed_token", message, "Fill the form in.", draft.kind)
    try:
        with workspace.connect(draft.app, draft.credential, source="this form") as connection:
            return connection.check(deep=True)
    except ConnectorError as error:
        return CheckReport("malformed_token", error.message, error.fix, draft.kind)
    except Exception:
        _LOGGER.exception("The connector %s raises an error", draft.app)
        return replace(_RAISED, kind=draft.kind)


def check_stored(workspace: Workspace, name: str, *, deep: bool = False) -> CheckReport:
    """Check a stored credential, and keep the outcome. Raises UnknownCredential."""
    stored = find(workspace, name)
    try:
        app = app_of(workspace, stored)
        with workspace.open(app, name) as connection:
            report = connection.check(deep=deep)
    except VaultError as error:
        report = CheckReport("unexpected", error.message, error.fix, stored.kind_id)
    except ConnectorError as error:
        report = CheckReport("malformed_token", error.message, error.fix, stored.kind_id)
    except Exception:
        _LOGGER.exception("The check of the credential %r failed", name)
        report = replace(_RAISED, kind=stored.kind_id)
    workspace.checks.put(name, report, workspace.timing.clock(), is_deep=deep)
    return report


def consequence(stored: StoredCredential) -> str:
    """Return what deleting a credential leads to, in words."""
    if not stored.flows:
        return "No deployed flow uses it."
    verb, pronoun = ("use", "They stop") if len(stored.flows) > 1 else ("uses", "It stops")
    return f"{flows_in_words(stored.flows)} {verb} it. {pronoun} until a credential has this name again."


def flows_in_words(names: tuple[str, ...]) -> str:
    """Return the names of flows as the beginning of a sentence."""
    return f"The flow{'s' if len(names) > 1 else ''} {', '.join(names)}"
