"""Calendly as the tools see it: one connection for all of them, and answers an agent can hold in its head."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any

from ...calls.blanks import is_blank
from ...catalog.manifest import catalog
from ...catalog.models import Action
from ...catalog.validation import explain
from ...contract import Connection, Option, Record, Result
from ...errors import (
    ConnectorError,
    InvalidCredential,
    InvalidParams,
    Problem,
    SignInFailed,
    Unauthenticated,
)
from . import paging
from .paging import Position
from .toolset import declared


class Account:
    """Runs actions. Opened by the first call, and anew by the one after a credential was refused."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._opened: Connection | None = None
        self._lock = Lock()

    def close(self) -> None:
        """Close the connection, if there is one; the next call opens another."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def run(self, action: Action, arguments: Mapping[str, Any]) -> Record:
        """Run an action; of a list give one piece. Raises ConnectorError."""
        _refuse_secrets(action, arguments)
        if action.returns == "many":
            return self._read(action, dict(arguments))
        with self._connection() as connection:
            result = connection.run(action.id, arguments)
        return _with_warnings(
            {"done": True} if action.returns == "none" else {"record": result.record}, result
        )

    def check_call(self, action: Action, arguments: Mapping[str, Any]) -> None:
        """Refuse a wrong call of an action; uses no network."""
        _refuse_secrets(action, arguments)
        with self._connection() as connection:
            connection.preview(action.id, arguments)

    def options(self, action: Action, field: str) -> list[Option]:
        """Give what an input can be set to."""
        with self._connection() as connection:
            return connection.options(action.id, field)

    def call(self, action: str, params: Mapping[str, Any]) -> Result:
        """Run an action for the server's own purposes. Raises ConnectorError."""
        with self._connection() as connection:
            return connection.run(action, params)

    def read(self, action: str, resource: str) -> Record:
        """Read one resource by URI, id or name. Raises ConnectorError."""
        return self.call(action, {catalog()[action].path_ids[-1]: resource}).record or {}

    def report(self) -> Record:
        """Say who is signed in, in which organization, on which plan, and how many requests are left."""
        with self._connection() as connection:
            checked = connection.check()
        if not checked.ok:
            self.close()
        notes = list(checked.notes)
        organization: Record | None = None
        if checked.organization:
            organization = {"uri": checked.organization}
            try:
                organization = self.read(declared("tools.yaml")["organization"], checked.organization)
            except ConnectorError as error:
                notes.append(f"The plan is not known: {error.message}")
        limit = connection.rate_limit
        return {
            "ok": checked.ok,
            "message": checked.message,
            "fix": checked.fix,
            "user": checked.user,
            "role": checked.role,
            "organization": organization,
            "requests_a_minute": limit and {"limit": limit.limit, "remaining": limit.remaining},
            "notes": notes,
        }

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """Give the connection; a refused credential closes it, so that the next call reads it anew."""
        with self._lock:
            if self._opened is None:
                self._opened = self._connect()
            connection = self._opened
        try:
            yield connection
        except (InvalidCredential, SignInFailed, Unauthenticated):
            self.close()
            raise

    def _read(self, action: Action, arguments: dict[str, Any]) -> Record:
        asked = {name: arguments.pop(name) for name in paging.INPUTS if name in arguments}
        asked = {name: value for name, value in asked.items() if not is_blank(value)}
        problems = explain({"properties": paging.INPUTS}, asked)
        at = Position()
        if not problems and "page_token" in asked:
            try:
                at = Position.read(asked["page_token"])
            except ValueError as error:
                problems = [Problem("page_token", str(error))]
        if problems:
            raise InvalidParams(action.id, problems)
        count = int(asked.get("count", paging.COUNT))  # 20.0 is a whole number in JSON
        if "count" in action.inputs:
            arguments["count"] = count
        if at.page is not None:
            arguments["page_token"] = at.page
        with self._connection() as connection:
            result = connection.run(action.id, arguments)
        piece = paging.cut(result.records, at, count, result.next_page_token)
        answer: Record = {"records": piece.records, "complete": piece.next is None and result.complete}
        answer |= {"next": str(piece.next)} if piece.next else {}
        answer |= {"extra": result.extra} if result.extra else {}
        return _with_warnings(answer, result)


def _refuse_secrets(action: Action, arguments: Mapping[str, Any]) -> None:
    """Keep secrets out of what a model writes: they would be in its context, and in the logs of its host."""
    given = sorted(action.secrets & arguments.keys())
    if given:
        problems = [
            Problem(name, "is a secret, and comes from the server's own credential") for name in given
        ]
        raise InvalidParams(action.id, problems, fix="Leave it out.")


def _with_warnings(answer: Record, result: Result) -> Record:
    return answer | ({"warnings": list(result.warnings)} if result.warnings else {})
