"""How a sandbox can be set up, with the ranges that make sense."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from .api.rate_limits import MODES
from .control.deliverer import FRESH, RETRY_SIGNATURES
from .faults import MAX_LATENCY_S
from .loopback import is_loopback_host
from .world.world import FIXTURE_EVENTS

MIN_USERS = 3  # the owner, the admin and a plain user
MAX_USERS = 50_000
MAX_EVENTS = 10_000_000
MAX_TIMEOUT_S = 300.0
FASTEST_TIME = 1_000_000.0


@dataclass(frozen=True)
class SandboxOptions:
    """All settings of a sandbox.

    Attributes:
        events: events of the large organization, those of the fixtures included.
        users: users of the large organization.
        seed: what the made-up part of the world comes from; the same seed gives the same world.
        anchor: UTC day the events lie around; None for the day of `now`.
        now: when the sandbox's clock starts, with a time zone; None for what `clock` says.
        host: loopback address or name to listen on.
        port: port to listen on; 0 takes a free one.
        public_origin: name resources on https://api.calendly.com wherever the sandbox listens.
        rate_limit: requests per token and minute; None for those of the plans, 0 for no limit and no headers.
        rate_mode: how requests are counted and told of, one of `api.limits.MODES`.
        page_token_life_s: seconds after which a page token is stale.
        latency_s: seconds that every reply of the API is held back.
        render_once: keep rendered replies until the world changes; page tokens do not age then.
        strict: take requests in the documented form alone, and answer with nothing undocumented.
        check_replies: answer 500 where a reply does not fit the connector's own JSON files.
        time_scale: seconds of the sandbox's clock that pass in a second.
        retry_signature: webhooks that are sent again are signed anew (`fresh`) or as they were (`original`).
        connect_timeout_s: how long a webhook receiver may take to accept a connection; no sandbox seconds.
        read_timeout_s: how long it may then be silent.
        clock: returns unix seconds; it drives the sandbox's clock.
    """

    events: int = 250
    users: int = 8
    seed: int = 1
    anchor: date | None = None
    now: datetime | None = None
    host: str = "127.0.0.1"
    port: int = 0
    public_origin: bool = False
    rate_limit: int | None = None
    rate_mode: str = "fixed"
    page_token_life_s: float = 600.0
    latency_s: float = 0.0
    render_once: bool = False
    strict: bool = False
    check_replies: bool = False
    time_scale: float = 1.0
    retry_signature: str = FRESH
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 15.0
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        if not is_loopback_host(self.host):
            raise ValueError(f"the sandbox listens on this machine alone, not on {self.host}: use 127.0.0.1")
        if not FIXTURE_EVENTS <= self.events <= MAX_EVENTS:
            raise ValueError(f"events must be between {FIXTURE_EVENTS} and {MAX_EVENTS}")
        if not MIN_USERS <= self.users <= MAX_USERS:
            raise ValueError(f"users must be between {MIN_USERS} and {MAX_USERS}")
        if self.rate_limit is not None and self.rate_limit < 0:
            raise ValueError("rate_limit must be 0 or more")
        if self.rate_mode not in MODES:
            raise ValueError(f"rate_mode must be one of {', '.join(MODES)}")
        if self.page_token_life_s <= 0:
            raise ValueError("page_token_life_s must be more than 0")
        if not 0 <= self.latency_s <= MAX_LATENCY_S:
            raise ValueError(f"latency_s must be between 0 and {MAX_LATENCY_S:g}")
        self._check_time()

    def _check_time(self) -> None:
        if self.now is not None and self.now.tzinfo is None:
            raise ValueError("now needs a time zone")
        if not 0 < self.time_scale <= FASTEST_TIME:
            raise ValueError(f"time_scale must be more than 0 and {FASTEST_TIME:g} at most")
        if self.retry_signature not in RETRY_SIGNATURES:
            raise ValueError(f"retry_signature must be one of {', '.join(RETRY_SIGNATURES)}")
        for name in ("connect_timeout_s", "read_timeout_s"):
            if not 0 < getattr(self, name) <= MAX_TIMEOUT_S:
                raise ValueError(f"{name} must be more than 0 and {MAX_TIMEOUT_S:g} at most")
