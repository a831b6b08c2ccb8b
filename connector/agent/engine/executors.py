"""The processes of an agent: who is alive, and who may send.

A process counts up its beat. Whoever sees that a beat hasn't changed for a whole lease, by its own clock,
declares that process dead. Both are changes of the same row, so exactly one of them comes first.
"""

from contextlib import suppress

from sqlalchemy import delete, insert, select, update

from .database import Database, Interrupted
from .tables import EXECUTORS, SENT


class Executors:
    """The rows of processes, and their claims to send."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def join(self, executor: str, now: float) -> None:
        """Add this process."""
        with self._database.transaction() as connection:
            connection.execute(insert(EXECUTORS).values(id=executor, beat=0, dead=False, started_at=now))

    def beat(self, executor: str) -> bool:
        """Show that this process is alive. Return False if others declared it dead."""
        alive = update(EXECUTORS).where(EXECUTORS.c.id == executor, EXECUTORS.c.dead.is_(False))
        with self._database.transaction() as connection:
            return bool(connection.execute(alive.values(beat=EXECUTORS.c.beat + 1)).rowcount)

    def beats(self) -> dict[str, int | None]:
        """Return the beat of each process, None for the dead."""
        with self._database.transaction() as connection:
            return {row.id: None if row.dead else row.beat for row in connection.execute(select(EXECUTORS))}

    def declare_dead(self, executor: str, beat: int) -> bool:
        """Declare a process dead, unless its beat has changed. Return whether it is dead."""
        still = update(EXECUTORS).where(EXECUTORS.c.id == executor, EXECUTORS.c.beat == beat)
        with self._database.transaction() as connection:
            return bool(connection.execute(still.values(dead=True)).rowcount)

    def leave(self, executor: str) -> None:
        """Let others take over at once."""
        with self._database.transaction() as connection:
            connection.execute(update(EXECUTORS).where(EXECUTORS.c.id == executor).values(dead=True))

    def bury(self, executor: str) -> None:
        """Forget a dead process that has nothing pending."""
        with self._database.transaction() as connection:
            connection.execute(delete(EXECUTORS).where(EXECUTORS.c.id == executor, EXECUTORS.c.dead))

    def claim(self, executor: str, workflow: str, key: str, sent_at: float) -> float | None:
        """Note, before a write is sent, that it is. Return None, or when an earlier process sent it.

        Raises Interrupted if others declared this process dead.
        """
        with suppress(KeyError), self._database.transaction() as connection:
            connection.execute(insert(SENT).values(workflow=workflow, key=key, sent_at=sent_at))
            alive = select(EXECUTORS.c.dead).where(EXECUTORS.c.id == executor)
            if connection.scalar(alive.with_for_update(read=True)) is not False:
                raise Interrupted
            return None
        this = (SENT.c.workflow == workflow, SENT.c.key == key)
        with self._database.transaction() as connection:
            return connection.scalar(select(SENT.c.sent_at).where(*this))

    def release(self, workflow: str, key: str) -> None:
        """Note that a write certainly wasn't carried out."""
        with self._database.transaction() as connection:
            connection.execute(delete(SENT).where(SENT.c.workflow == workflow, SENT.c.key == key))
