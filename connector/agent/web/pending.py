"""Sign-ins that have begun at an OpenID provider.

They are in the database, so that after a restart, or in another process, they can be finished; each only
once, and only by the browser that began it.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, insert, select, update

from ...support.clock import Timing
from ..engine.database import Database
from ..engine.tables import SIGN_INS

VALID_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Pending:
    """What is kept of a sign-in: the secrets of its request, and the page that the person asked for."""

    nonce: str
    verifier: str
    following: str


class PendingSignIns:
    """Keeps and takes them, by the state that the provider sends back."""

    def __init__(self, database: Database, timing: Timing) -> None:
        self._database = database
        self._timing = timing

    def keep(self, state: str, browser: str, pending: Pending) -> None:
        """Keep a sign-in that `browser` (a random text in its cookie) began. Old ones are deleted."""
        now = self._timing.clock()
        with self._database.transaction() as connection:
            connection.execute(delete(SIGN_INS).where(SIGN_INS.c.begun_at < now - VALID_S))
            connection.execute(
                insert(SIGN_INS).values(
                    state=_hash(state),
                    browser=_hash(browser),
                    nonce=pending.nonce,
                    verifier=pending.verifier,
                    following=pending.following,
                    begun_at=now,
                )
            )

    def take(self, state: str, browser: str) -> Pending | None:
        """Return a sign-in, once; None if it isn't known, is too old, or another browser began it."""
        this = (SIGN_INS.c.state == _hash(state), SIGN_INS.c.browser == _hash(browser))
        with self._database.transaction() as connection:
            # A write first: of two requests with the same state, the second waits, and finds nothing.
            if not connection.execute(update(SIGN_INS).where(*this).values(state=_hash(state))).rowcount:
                return None
            row = connection.execute(select(SIGN_INS).where(*this)).one()
            connection.execute(delete(SIGN_INS).where(*this))
        if row.begun_at < self._timing.clock() - VALID_S:
            return None
        return Pending(row.nonce, row.verifier, row.following)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
