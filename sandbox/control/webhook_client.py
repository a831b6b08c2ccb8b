"""Posts one webhook message, within time-outs; never follows a redirect."""

import asyncio

import httpx

_KEPT_OPEN = 100
_MAX_READ_BYTES = 64 * 1024


class PostFailedError(Exception):
    """No answer came, or none in time."""


class WebhookClient:
    """A client of webhook receivers; use it in one event loop and close it there."""

    def __init__(self, *, connect_timeout_s: float, read_timeout_s: float) -> None:
        self._timeout = httpx.Timeout(read_timeout_s, connect=connect_timeout_s, pool=None)
        self._longest_s = connect_timeout_s + read_timeout_s  # for receivers whose answer drips
        self._client: httpx.AsyncClient | None = None

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """Give the status a receiver answers with."""
        try:
            async with asyncio.timeout(self._longest_s):
                return await self._post(url, body, headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise PostFailedError(f"{type(error).__name__}: {error}") from error

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        if self._client is None:
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=_KEPT_OPEN)
            # Proxies of the environment are none of ours, and a redirect may lead off this machine.
            self._client = httpx.AsyncClient(
                trust_env=False, timeout=self._timeout, limits=limits, follow_redirects=False
            )
        async with self._client.stream("POST", url, content=body, headers=headers) as response:
            read = 0
            async for piece in response.aiter_raw():  # a connection is used again when its answer is read
                read += len(piece)
                if read > _MAX_READ_BYTES:
                    break
            return response.status_code

    async def close(self) -> None:
        """Close all connections."""
        if self._client:
            await self._client.aclose()
