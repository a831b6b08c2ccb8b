"""Limits on a request's body: its size, and how long it takes."""

import asyncio
from http import HTTPStatus
from typing import Final

from starlette.types import Message, Receive

from .limits import LARGEST_BODY

BODY_DEADLINE_S: Final = 15.0


class Body:
    """The body of a request, as an ASGI `receive`.

    One that is too large or too slow looks broken off to the application, and `refused` is then the status
    that the client gets, whatever the application answers.
    """

    def __init__(self, receive: Receive, deadline_s: float) -> None:
        self._receive = receive
        self._give_up_at = asyncio.get_running_loop().time() + deadline_s
        self._size = 0
        self._is_complete = False
        self.refused: HTTPStatus | None = None

    async def receive(self) -> Message:
        """Return the next message. What comes after the body, such as a hang-up, may take its time."""
        if self._is_complete:
            return await self._receive()
        if self.refused:
            return {"type": "http.disconnect"}
        try:
            async with asyncio.timeout_at(self._give_up_at):
                message = await self._receive()
        except TimeoutError:
            return self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        self._size += len(message.get("body", b""))
        if self._size > LARGEST_BODY:
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        self._is_complete = not message.get("more_body")
        return message

    def _refuse(self, status: HTTPStatus) -> Message:
        self.refused = status
        return {"type": "http.disconnect"}
