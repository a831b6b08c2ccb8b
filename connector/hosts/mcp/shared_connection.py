"""One Calendly connection shared by all tools, with answers sized for a model's context."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any

from ...calls.blanks import is_blank
from ...catalog.explanations import explain
from ...catalog.manifest import catalog
from ...catalog.models import Action
from ...contract import Connection, OptionPage, Record, Result
from ...errors import (
    ConnectorError,
    InvalidCredential,
    InvalidParams,
    Problem,
    SignInFailed,
    Unauthenticated,
)
from . import pagination
from .pagination import PageToken, is_paged
from .toolset import declared


class SharedConnection:
    """Runs actions. The first call connects; after a rejected credential, the next call connects again."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self._lock = Lock()

    def close(self) -> None:
        """Close the connection if it is open. The next call opens a new one."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def answer(self, action: Action, arguments: Mapping[str, Any]) -> Record:
        """Run an action; return its tool's answer, for a list one short page. Raises ConnectorError."""
        _reject_secrets(action, arguments)
        if is_paged(action):
            return self._page(action, dict(arguments))
        return whole_answer(action, self.run(action.id, arguments))

    def preview(self, action: Action, arguments: Mapping[str, Any]) -> None:
        """Check a call without using the network. Raises UsageError."""
        _reject_secrets(action, arguments)
        with self._open() as connection:
            connection.preview(action.id, arguments)

    def options(
        self,
        action: Action,
        field: str,
        values: Mapping[str, Any] | None = None,
        *,
        search: str = "",
        page: str | None = None,
    ) -> OptionPage:
        """Return a page of the choices for an input. Raises ConnectorError."""
        with self._open() as connection:
            return connection.options(action.id, field, values, search=search, page=page)

    def run(self, action: str, params: Mapping[str, Any], *, limit: int | None = None) -> Result:
        """Run an action and return its result unchanged. Raises ConnectorError."""
        with self._open() as connection:
            return connection.run(action, params, limit=limit)

    def read(self, action: str, resource: str) -> Record:
        """Return one resource by URI, id or name. Raises ConnectorError."""
        return self.run(action, {catalog()[action].path_ids[-1]: resource}).record or {}

    def report(self) -> Record:
        """Return the signed-in user, organization, plan and remaining requests. Raises ConnectorError."""
        with self._open() as connection:
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
                notes.append(f"The plan is unknown: {error.message}")
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
    def _open(self) -> Iterator[Connection]:
        """Yield the connection; close it if its credential is rejected, so the next call reads it again."""
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
            connection = self._connection
        try:
            yield connection
        except (InvalidCredential, SignInFailed, Unauthenticated):
            self.close()
            raise

    def _page(self, action: Action, arguments: dict[str, Any]) -> Record:
        paging = {name: arguments.pop(name) for name in pagination.INPUTS if name in arguments}
        paging = {name: value for name, value in paging.items() if not is_blank(value)}
        problems = explain({"properties": pagination.INPUTS}, paging)
        token = PageToken()
        if not problems and "page_token" in paging:
            try:
                token = PageToken.parse(paging["page_token"])
            except ValueError as error:
                problems = [Problem("page_token", str(error))]
        if problems:
            raise InvalidParams(action.id, problems)
        count = int(paging.get("count", pagination.DEFAULT_COUNT))  # 20.0 is an integer in JSON Schema
        if "count" in action.inputs:
            arguments["count"] = count
        if token.calendly_page is not None:
            arguments["page_token"] = token.calendly_page
        # A recipe isn't paged: read up to the end of this page, and one record more to see if it is the last.
        limit = token.offset + count + 1 if action.recipe else None
        result = self.run(action.id, arguments, limit=limit)
        page = pagination.slice_page(result.records, token, count, result.next_page_token)
        answer: Record = {"records": page.records, "complete": page.next is None and result.complete}
        answer |= {"next": str(page.next)} if page.next else {}
        answer |= {"extra": result.extra} if result.extra else {}
        return _with_warnings(answer, result)


def whole_answer(action: Action, result: Result) -> Record:
    """Return a result as a tool's answer, with all its records."""
    answers: dict[str, Record] = {
        "none": {"done": True},
        "one": {"record": result.record},
        "many": {"records": list(result.records), "complete": result.complete},
    }
    return _with_warnings(answers[action.returns], result)


def _reject_secrets(action: Action, arguments: Mapping[str, Any]) -> None:
    """Keep secrets out of the model's context and its host's logs."""
    if secrets := sorted(action.secrets & arguments.keys()):
        reason = "is a secret that the server takes from its own credential"
        raise InvalidParams(action.id, [Problem(name, reason) for name in secrets], fix="Omit it.")


def _with_warnings(answer: Record, result: Result) -> Record:
    return answer | ({"warnings": list(result.warnings)} if result.warnings else {})
