"""Post webhook messages, with timeouts and without following redirects."""

import asyncio

import httpx

_MAX_IDLE_CONNECTIONS = 100
_MAX_READ_BYTES = 64 * 1024


class PostFailedError(Exception):
    """The receiver sent no reply in time, or could not be reached."""


class WebhookClient:
    """A client for webhook receivers. Use and close it in one event loop."""

    def __init__(self, *, connect_timeout_s: float, read_timeout_s: float) -> None:
        self._timeout = httpx.Timeout(read_timeout_s, connect=connect_timeout_s, pool=None)
        self._total_timeout_s = connect_timeout_s + read_timeout_s  # for replies that trickle in
        self._client: httpx.AsyncClient | None = None

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """Post a message and return the receiver's HTTP status."""
        try:
            async with asyncio.timeout(self._total_timeout_s):
                return await self._post(url, body, headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise PostFailedError(f"{type(error).__name__}: {error}") from error

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        if self._client is None:
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=_MAX_IDLE_CONNECTIONS)
            # Proxies from the environment and redirects could lead off this machine.
            self._client = httpx.AsyncClient(
                trust_env=False, timeout=self._timeout, limits=limits, follow_redirects=False
            )
        async with self._client.stream("POST", url, content=body, headers=headers) as response:
            read = 0
            async for piece in response.aiter_raw():  # connections are reused only after the reply was read
                read += len(piece)
                if read > _MAX_READ_BYTES:
                    break
            return response.status_code

    async def close(self) -> None:
        """Close all connections."""
        if self._client:
            await self._client.aclose()
