"""Posts webhook messages, none waiting for another, to this machine alone; writes down how it went."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any

import httpx

from ..loopback import is_loopback_url
from .notices import Notice

KEPT = 1000
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 15.0

Outcome = dict[str, Any]


class Deliverer:
    """Sends notices, one attempt each; use it in one event loop and close it there."""

    def __init__(self) -> None:
        self.log: deque[Outcome] = deque(maxlen=KEPT)  # oldest first; no keys and no bodies
        self._client: httpx.AsyncClient | None = None
        self._under_way: set[asyncio.Task[Outcome]] = set()

    def send(self, notices: Iterable[Notice]) -> list[asyncio.Task[Outcome]]:
        """Begin to send, and give a task for each message's outcome."""
        tasks = [asyncio.create_task(self._deliver(notice)) for notice in notices]
        for task in tasks:
            self._under_way.add(task)  # the loop itself holds tasks weakly
            task.add_done_callback(self._under_way.discard)
        return tasks

    async def close(self) -> None:
        """Give up what is under way."""
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._client:
            await self._client.aclose()

    async def _deliver(self, notice: Notice) -> Outcome:
        outcome: Outcome = {
            "event": notice.event,
            "subscription": notice.subscription,
            "url": notice.url,
            "attempts": 0,
            "status": None,
            "delivered": False,
            "error": None,
        }
        if is_loopback_url(notice.url):
            outcome["attempts"] = 1
            try:
                outcome["status"] = await self._post(notice)
                outcome["delivered"] = 200 <= outcome["status"] < 300  # noqa: PLR2004 - 2xx is success
            except httpx.HTTPError as error:
                outcome["error"] = f"{type(error).__name__}: {error}"
        else:
            outcome["error"] = "not delivered: not loopback"
        self.log.append(outcome)
        return outcome

    async def _post(self, notice: Notice) -> int:
        if self._client is None:
            timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
            # Proxies of the environment are none of ours, and a redirect may lead off this machine.
            self._client = httpx.AsyncClient(trust_env=False, timeout=timeout, follow_redirects=False)
        response = await self._client.post(notice.url, content=notice.body, headers=notice.headers)
        return response.status_code
