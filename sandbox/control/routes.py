"""Build the routes of the control API: JSON in, JSON out."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..api import http_messages
from ..errors import Body
from ..world.bookings import NotPossibleError
from . import bodies

Handler = Callable[[Body], Awaitable[tuple[int, Any]]]


def route(method: str, path: str, handler: Handler, fields: str = "") -> Route:
    """Return a route; its handler gets a JSON object with no other fields than `fields` (space-separated)."""
    allowed = set(fields.split())

    async def endpoint(request: Request) -> Response:
        try:
            status, value = await handler(bodies.read(await request.body(), allowed))
        except ValueError as error:
            status, value = 400, {"title": "Invalid Argument", "message": str(error)}
        except LookupError as error:
            status, value = 404, {"title": "Resource Not Found", "message": str(error.args[0])}
        except NotPossibleError as error:
            status, value = 409, {"title": "Not Possible", "message": str(error)}
        return Response(orjson.dumps(value), status, media_type=http_messages.JSON)

    return Route(path, endpoint, methods=[method])
