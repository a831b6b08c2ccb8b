"""Process Flow URLs: a webhook is verified, and its run is in the database, before it is answered.

`receive` doesn't depend on a server: the composition root adds one, which also limits how long a body takes.
"""

import hmac
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from ...errors import AgentDatabaseError, ConnectorError, SignatureError, UnexpectedAnswer
from ..flows.model import Flow
from ..telemetry import traceparent
from .connections import Connections
from .engine import Engine
from .flow_store import UnknownFlow
from .outcomes import as_connector_error

LARGEST_BODY: Final = 1024 * 1024
PREFIX: Final = "flows"

_LOGGER: Final = logging.getLogger("calendly_connector.agent")
_PARTS: Final = 3


class Edge:
    """Receives posts to the Process Flow URLs of an engine. Threads may share it."""

    def __init__(self, engine: Engine, connections: Connections, *, largest_body: int = LARGEST_BODY) -> None:
        self._engine = engine
        self._connections = connections
        self._largest_body = largest_body

    def receive(self, target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Receive a post. `target` is its path with the query. Return the status and text of the reply.

        A flow that is paused accepts its events, too: they wait. 503 asks the sender to try again.
        """
        if len(body) > self._largest_body:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large"
        address = urlsplit(target)
        try:
            flow = self._flow_at(address.path)
            if flow is None:
                return HTTPStatus.NOT_FOUND, "not found"
            return self._start(flow, address.query, headers, body)
        except UnknownFlow:  # it was removed meanwhile
            return HTTPStatus.NOT_FOUND, "not found"
        except AgentDatabaseError:
            return HTTPStatus.SERVICE_UNAVAILABLE, "try again"

    def _flow_at(self, path: str) -> Flow | None:
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if len(parts) != _PARTS or parts[0] != PREFIX:
            return None
        deployed = self._engine.flows.get(parts[1])
        known = hmac.compare_digest(deployed.secret.encode(), parts[2].encode())
        flow = self._engine.flows.flow(deployed.name, deployed.version)
        return flow if known and flow.trigger.type == "triggered" else None

    def _start(self, flow: Flow, query: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        subscription = parse_qs(query).get("subscription", [""])[0]
        try:
            with self._connections.open(flow.connections[flow.trigger.connection]) as connection:
                event = connection.receive(headers, body, subscription=subscription)
        except SignatureError as error:
            _LOGGER.warning("A post to the flow %s was rejected. %s", flow.name, error)
            return HTTPStatus.UNAUTHORIZED, "not verified"
        except UnexpectedAnswer:
            return HTTPStatus.BAD_REQUEST, "not an event"
        except ConnectorError as error:
            _LOGGER.warning("The flow %s can't verify its events. %s", flow.name, error)
            return HTTPStatus.SERVICE_UNAVAILABLE, "try again"
        except Exception as error:  # noqa: BLE001 - a fault of the connector
            _LOGGER.warning("The flow %s can't read an event. %s", flow.name, as_connector_error(error))
            return HTTPStatus.BAD_REQUEST, "not an event"
        self._engine.start_run(flow.name, event, by="triggered", traceparent=traceparent(headers))
        return HTTPStatus.OK, "ok"
