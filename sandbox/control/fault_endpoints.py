"""Control API endpoints for fault injection: faults, expired page tokens, used-up rate limits."""

from typing import Any

from .. import faults
from ..api.paging import PageTokens
from ..api.rate_limits import RequestLimiter
from ..api.tokens import BearerTokens
from ..errors import Body
from ..faults import FaultQueue
from ..handler import ResponseCache
from ..world.bookings import NotPossibleError
from ..world.world import World
from . import bodies

_MAX_FAILURES = 1_000_000


class FaultEndpoints:
    """Fault injection. Handlers take a JSON object and return (status, JSON value)."""

    def __init__(
        self,
        *,
        pending: FaultQueue,
        page_tokens: PageTokens,
        cache: ResponseCache | None,
        tokens: BearerTokens,
        limiter: RequestLimiter,
        world: World,
    ) -> None:
        self._pending = pending
        self._page_tokens = page_tokens
        self._cache = cache
        self._tokens = tokens
        self._limiter = limiter
        self._world = world

    async def list_faults(self, _body: Body) -> tuple[int, Any]:
        """Return the pending faults."""
        return 200, {"faults": self._pending.to_json()}

    async def add_fault(self, body: Body) -> tuple[int, Any]:
        """Add a fault."""
        self._pending.add(faults.parse_fault(body))
        return 201, {"faults": self._pending.to_json()}

    async def clear_faults(self, _body: Body) -> tuple[int, Any]:
        """Remove all faults."""
        self._pending.clear()
        return 200, {"faults": []}

    async def show_conferences(self, _body: Body) -> tuple[int, Any]:
        """Return the number of conferences in setup, and how many of the next ones will fail."""
        conferences = self._world.conferences
        return 200, {"under_way": len(conferences.under_way), "failures": conferences.failures}

    async def fail_conferences(self, body: Body) -> tuple[int, Any]:
        """Make the next `failures` conferences fail."""
        self._world.conferences.failures = bodies.count(body, "failures", _MAX_FAILURES)
        return 201, (await self.show_conferences({}))[1]

    async def expire_page_tokens(self, _body: Body) -> tuple[int, Any]:
        """Expire all page tokens."""
        self._page_tokens.expire()
        if self._cache:
            self._cache.clear()
        return 200, {}

    async def spend(self, body: Body) -> tuple[int, Any]:
        """Use up requests of a token, like another program with the same account."""
        requests = body.get("requests")
        if isinstance(requests, bool) or not isinstance(requests, int) or requests < 1:
            raise ValueError("requests must be an integer of 1 or more")
        caller = self._tokens.caller(f"Bearer {bodies.text(body, 'token', '')}")
        if caller is None:
            raise LookupError("unknown token")
        limit_status = self._limiter.spend(caller, requests)
        if limit_status is None:
            raise NotPossibleError("rate limits are off in this sandbox")
        return 200, {
            "limit": limit_status.limit,
            "remaining": limit_status.remaining,
            "reset_s": limit_status.reset_s,
        }
