"""Errors as replies: `ConnectorError.to_dict()`, with a status that says whose fault it is."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from ...errors import (
    AgentDatabaseError,
    ConnectorError,
    NotFound,
    RateLimited,
    Rejected,
    UnknownAction,
    UnknownCredential,
    UsageError,
    VaultError,
)
from ..engine.flow_store import FlowChanged, UnknownFlow

_STATUSES: Final[tuple[tuple[type[ConnectorError], HTTPStatus], ...]] = (
    (UnknownAction, HTTPStatus.NOT_FOUND),
    (UnknownCredential, HTTPStatus.NOT_FOUND),
    (UnknownFlow, HTTPStatus.NOT_FOUND),
    (FlowChanged, HTTPStatus.CONFLICT),
    (UsageError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (AgentDatabaseError, HTTPStatus.SERVICE_UNAVAILABLE),
    (VaultError, HTTPStatus.CONFLICT),
    (RateLimited, HTTPStatus.TOO_MANY_REQUESTS),
    (NotFound, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Rejected, HTTPStatus.UNPROCESSABLE_ENTITY),
    # An application that is down or refuses a credential is not a fault of the agent.
    (ConnectorError, HTTPStatus.FAILED_DEPENDENCY),
)
_LOGGER: Final = logging.getLogger("calendly_connector.agent")


class ErrorBody(BaseModel):
    """What is wrong, and what to do. Some errors have more, such as a list of `problems`."""

    model_config = ConfigDict(extra="allow")
    code: str
    message: str
    fix: str
    retryable: bool


class Unavailable(Exception):
    """An error whose status the route knows better than its type says."""

    def __init__(self, error: ConnectorError, status: HTTPStatus) -> None:
        super().__init__(str(error))
        self.error = error
        self.status = status


@contextmanager
def missing_if_unknown() -> Iterator[None]:
    """Answer 404 if something is named that doesn't exist."""
    try:
        yield
    except UsageError as error:
        raise Unavailable(error, HTTPStatus.NOT_FOUND) from None


@contextmanager
def conflict_if_unfit() -> Iterator[None]:
    """Answer 409 if something is in a state in which this can't be done."""
    try:
        yield
    except UsageError as error:
        raise Unavailable(error, HTTPStatus.CONFLICT) from None


def status_of(error: ConnectorError) -> HTTPStatus:
    """Return the status of an error."""
    return next(status for kind, status in _STATUSES if isinstance(error, kind))


def add_handlers(app: FastAPI) -> None:
    """Answer every error as JSON."""

    @app.exception_handler(ConnectorError)
    def connector_error(_request: Request, error: ConnectorError) -> Response:
        return _reply(error.to_dict(), status_of(error))

    @app.exception_handler(Unavailable)
    def unavailable(_request: Request, error: Unavailable) -> Response:
        return _reply(error.error.to_dict(), error.status)

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> Response:
        # Without the inputs, which may be secrets.
        problems = [
            {"path": ".".join(map(str, one["loc"])), "message": str(one["msg"]), "nearest": None}
            for one in error.errors()
        ]
        message = "; ".join(f"{one['path']}: {one['message']}" for one in problems[:3])
        return _reply(
            _body("invalid_request", f"{message}.", "Correct the request.", problems=problems),
            HTTPStatus.UNPROCESSABLE_ENTITY,
        )

    @app.exception_handler(HTTPException)
    def http_error(_request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        code = status.name.lower()
        return _reply(_body(code, f"{status.phrase}.", "See /api/openapi.json."), status, error.headers)

    @app.exception_handler(Exception)
    def fault(request: Request, error: Exception) -> Response:
        _LOGGER.error("%s %s failed.", request.method, request.url.path, exc_info=error)
        return _reply(
            _body("agent_fault", "Something went wrong.", "Look at the agent's log."),
            HTTPStatus.INTERNAL_SERVER_ERROR,
        )


def _body(code: str, message: str, fix: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "message": message, "fix": fix, "retryable": False, **more}


def _reply(body: dict[str, Any], status: int, headers: Any = None) -> Response:
    return JSONResponse(body, status, headers)
