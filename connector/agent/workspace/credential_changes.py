"""Changes of stored credentials: save, replace, rename and delete them. Each is in the audit log."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final
from unicodedata import normalize

from ...contract import CheckReport
from ...errors import ConnectorError, UsageError, VaultError
from ...support.redaction import quoted
from . import audit
from .credentials import RESERVED, Draft, find, flows_in_words
from .model import Workspace

_PATIENCE_S: Final = 20.0
_LOGGER: Final = logging.getLogger("calendly_connector.agent")


class BadName(UsageError):
    """A new credential's name is taken or invalid."""


def checked_name(workspace: Workspace, name: str) -> str:
    """Return a new credential's name as it is stored. Raises BadName."""
    plain = normalize("NFC", name.strip())
    if not plain:
        raise BadName("The credential needs a name.", fix="Type one, such as work.")
    if plain in RESERVED or not plain.isprintable():
        raise BadName(f"{quoted(plain)} can't be a credential's name.", fix="Choose another name.")
    if plain in workspace.vault.names():
        raise BadName(
            f"A credential named {quoted(plain)} exists.", fix="Choose another name, or replace that one."
        )
    return plain


def save(workspace: Workspace, by: str, name: str, draft: Draft, report: CheckReport | None) -> str:
    """Store a new credential and return its name. `report` is that of its check, None if it wasn't checked.

    Raises UsageError if the name is taken or invalid.
    """
    plain = checked_name(workspace, name)
    with _held(workspace, plain):
        checked_name(workspace, plain)  # nobody was faster
        workspace.vault.put(plain, draft.credential)
    audit.note(by, "credential.save", plain, app=draft.app, kind=draft.kind, checked=report is not None)
    _stored(workspace, plain, report)
    return plain


def replace(workspace: Workspace, by: str, name: str, draft: Draft, report: CheckReport | None) -> str:
    """Store another credential under a name, and return that. Flows use it from their next step on.

    Raises UnknownCredential.
    """
    find(workspace, name)
    with _held(workspace, name):
        workspace.vault.put(name, draft.credential)
    audit.note(by, "credential.replace", name, app=draft.app, kind=draft.kind, checked=report is not None)
    _stored(workspace, name, report)
    return name


def _stored(workspace: Workspace, name: str, report: CheckReport | None) -> None:
    """Keep the report on a credential that was just stored, and let flows go on that waited for it."""
    workspace.checks.forget(name)
    if report is not None:
        workspace.checks.put(name, report, workspace.timing.clock(), is_deep=True)
    if report is None or report.ok:
        try:
            workspace.engine.recheck()
        except ConnectorError as error:
            _LOGGER.warning("Paused flows are checked again later: %s", error)


def rename(workspace: Workspace, by: str, name: str, new_name: str) -> str:
    """Rename a credential that no flow uses, and return the new name. Raises UsageError."""
    stored = find(workspace, name)
    if stored.flows:
        verb = "use" if len(stored.flows) > 1 else "uses"
        raise UsageError(
            f"{flows_in_words(stored.flows)} {verb} the name {quoted(name)}.",
            fix="Change the flows first, or keep the name and replace the credential.",
        )
    plain = checked_name(workspace, new_name)
    with _held(workspace, name), _held(workspace, plain):
        workspace.vault.put(plain, workspace.vault.get(name))
        workspace.vault.delete(name)
    checked = workspace.checks.get(name)
    workspace.checks.forget(name)
    workspace.forget(name)
    if checked is not None:
        workspace.checks.put(plain, checked.report, checked.at, is_deep=checked.is_deep)
    audit.note(by, "credential.rename", name, new_name=plain)
    return plain


def delete(workspace: Workspace, by: str, name: str) -> None:
    """Delete a credential; flows that use it are paused when they need it. Raises UnknownCredential."""
    stored = find(workspace, name)
    with _held(workspace, name):
        workspace.vault.delete(name)
    workspace.checks.forget(name)
    workspace.forget(name)
    audit.note(by, "credential.delete", name, flows=len(stored.flows))


@contextmanager
def _held(workspace: Workspace, name: str) -> Iterator[None]:
    """Hold the lock of a credential, so that nobody refreshes it. Raises VaultError if it is busy."""
    try:
        lock = workspace.vault.lock(name, timeout_s=_PATIENCE_S)
        lock.__enter__()
    except TimeoutError:
        raise VaultError(
            "Another process is using this credential.", fix="Try again.", reason="busy", retryable=True
        ) from None
    with ExitStack() as stack:
        stack.push(lock)
        yield
