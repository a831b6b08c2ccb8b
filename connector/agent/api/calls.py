"""`/api/calls` and `/api/options`: call an action, and the choices of a field."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import Field

from ...contract import Connection, PreparedCall
from ...errors import ConnectorError, UsageError
from ..engine.outcomes import as_connector_error
from ..workspace import Workspace, audit
from .errors import Unavailable, missing_if_unknown
from .values import JsonObject, Model, Text, as_json, person

_MOST_RECORDS = 1000
_LOGGER: Final = logging.getLogger("calendly_connector.agent")


class Call(Model):
    """A call: the app, the name of a stored credential, the action and its inputs."""

    app: Text
    credential: Text = ""
    action: Text
    inputs: JsonObject = Field(default_factory=dict)
    filter: JsonObject = Field(
        default_factory=dict, description="Inputs as the author of a flow writes them."
    )
    limit: Annotated[int, Field(ge=1, le=_MOST_RECORDS)] = 100


class RunCall(Call):
    """A call that is sent."""

    confirmed: Annotated[
        bool, Field(description="Set it to send a write: preview it before, and show it to a person.")
    ] = False


class Choices(Model):
    """A field of an action or trigger, and what the form holds already."""

    app: Text
    credential: Text = ""
    of: Annotated[Text, Field(description="The action or trigger.")]
    field: Text
    values: JsonObject = Field(default_factory=dict)
    search: Text = ""
    page: Text | None = None


def router(workspace: Workspace) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["Calls"])

    @routes.post("/calls/preview", summary="Show the request of a call, without sending it")
    def preview(call: Call) -> dict[str, Any]:
        with connected(workspace, call.app, call.credential) as connection:
            prepared = _prepared(workspace, connection, call)
            return {"request": as_json(prepared.preview()), "effect": prepared.action.effect}

    @routes.post("/calls/run", summary="Send a call; a write only if it is confirmed")
    def send(call: RunCall, request: Request) -> dict[str, Any]:
        with connected(workspace, call.app, call.credential) as connection:
            prepared = _prepared(workspace, connection, call)
            if prepared.action.effect != "read":
                if not call.confirmed:
                    raise Unavailable(
                        UsageError("This call changes something.", fix="Preview it, then set `confirmed`."),
                        HTTPStatus.CONFLICT,
                    )
                audit.note(
                    person(request), "action.run", f"{call.app} {call.action}", credential=call.credential
                )
            return {"result": as_json(prepared.run())}

    @routes.post("/options", summary="List the choices of a field")
    def options(of: Choices) -> dict[str, Any]:
        with connected(workspace, of.app, of.credential) as connection:
            found = connection.options(of.of, of.field, of.values, search=of.search, page=of.page)
            return {"choices": as_json(found)}

    return routes


def _prepared(workspace: Workspace, connection: Connection, call: Call) -> PreparedCall:
    action = workspace.connector(call.app).actions().get(call.action)
    limit = call.limit if action is not None and action.returns == "many" else None
    return connection.prepare(call.action, call.inputs, filter=call.filter, limit=limit)


@contextmanager
def connected(workspace: Workspace, app: str, credential: str) -> Iterator[Connection]:
    """Yield a connection with a stored credential. A fault of the connector becomes an error, too."""
    with missing_if_unknown():
        workspace.connector(app)
        if credential and credential not in workspace.vault.names():
            raise UsageError(f"No credential named {credential!r} is stored.", fix="List the credentials.")
    with contract_errors(), workspace.open(app, credential) as connection:
        yield connection


@contextmanager
def contract_errors() -> Iterator[None]:
    """Turn a fault of a connector into an error of the contract."""
    try:
        yield
    except (Unavailable, ConnectorError):
        raise
    except Exception as error:
        _LOGGER.exception("A connector raised an error.")
        raise as_connector_error(error) from error
