"""Sessions of people who signed in.

They are in the database, so all processes know them, and a restart ends none. A session is a random token in
a cookie; the database only has its hash.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, insert, select, update

from ...support.clock import Timing
from ..engine.database import Database
from ..engine.tables import SESSIONS

IDLE_S: Final = 8 * 3600.0
LONGEST_S: Final = 7 * 86_400.0
_SEEN_EVERY_S: Final = 60.0  # so that not each request writes


@dataclass(frozen=True, slots=True)
class Session:
    """Who signed in, and when it ends (unix seconds) unless the person comes back before that."""

    person: str
    ends_at: float


class Sessions:
    """Starts, finds and ends sessions.

    A session ends `IDLE_S` after its last use, and `LONGEST_S` after its start.
    """

    def __init__(self, database: Database, timing: Timing) -> None:
        self._database = database
        self._timing = timing

    def start(self, person: str) -> str:
        """Start a session and return its token. Sessions that have ended are deleted."""
        token, now = secrets.token_urlsafe(32), self._timing.clock()
        with self._database.transaction() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.ends_at < now))
            connection.execute(
                insert(SESSIONS).values(
                    hash=_hash(token), person=person, started_at=now, seen_at=now, ends_at=now + IDLE_S
                )
            )
        return token

    def find(self, token: str) -> Session | None:
        """Return the session of a token, and lengthen it; None if it has ended or never was."""
        now = self._timing.clock()
        this = SESSIONS.c.hash == _hash(token)
        with self._database.transaction() as connection:
            row = connection.execute(select(SESSIONS).where(this)).first()
            if row is None or row.ends_at < now:
                return None
            ends_at = min(now + IDLE_S, row.started_at + LONGEST_S)
            if now - row.seen_at > _SEEN_EVERY_S:
                connection.execute(update(SESSIONS).where(this).values(seen_at=now, ends_at=ends_at))
        return Session(row.person, ends_at)

    def end(self, token: str) -> None:
        """End a session."""
        with self._database.transaction() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.hash == _hash(token)))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
