"""Keeps the drafts of people in the database, so that a reload or a restart loses nothing."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, insert, update

from ..engine.tables import DRAFTS
from .model import Workspace

MOST_TEXT: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """A draft: its text, the version that it began with (None: a new flow), and when it was changed."""

    text: str
    version: int | None
    changed_at: float


def load(workspace: Workspace, person: str, key: str) -> StoredDraft | None:
    """Return a person's draft; None if there is none. `key` says what is edited."""
    query = DRAFTS.select().where(DRAFTS.c.person == person, DRAFTS.c.key == key)
    with workspace.engine.database.transaction() as connection:
        row = connection.execute(query).first()
    return StoredDraft(row.text, row.version, row.changed_at) if row else None


def save(workspace: Workspace, person: str, key: str, text: str, version: int | None) -> None:
    """Keep a person's draft. A text that is larger than a flow may be isn't kept."""
    if len(text) > MOST_TEXT:
        return
    now = workspace.timing.clock()
    values = {"text": text, "version": version, "changed_at": now}
    this = update(DRAFTS).where(DRAFTS.c.person == person, DRAFTS.c.key == key)
    with workspace.engine.database.transaction() as connection:
        if not connection.execute(this.values(**values)).rowcount:
            connection.execute(insert(DRAFTS).values(person=person, key=key, **values))


def drop(workspace: Workspace, person: str, key: str) -> None:
    """Delete a person's draft."""
    with workspace.engine.database.transaction() as connection:
        connection.execute(delete(DRAFTS).where(DRAFTS.c.person == person, DRAFTS.c.key == key))
