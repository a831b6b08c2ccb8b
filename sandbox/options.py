"""The options of a sandbox and their valid ranges."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from .api.rate_limits import MODES
from .control.deliverer import FRESH, RETRY_SIGNATURES
from .faults import MAX_LATENCY_S
from .loopback import is_loopback_host
from .world.world import FIXTURE_EVENTS

MIN_USERS = 3  # owner, admin and user
MAX_USERS = 50_000
MAX_EVENTS = 10_000_000
MAX_EVENT_TYPES = 100_000
MAX_TIMEOUT_S = 300.0
MAX_TIME_SCALE = 1_000_000.0


@dataclass(frozen=True)
class SandboxOptions:
    """The options of a sandbox.

    Attributes:
        events: number of events in the large organization, including the fixtures.
        users: number of users in the large organization.
        event_types: number of event types that its owner has in addition to the usual ones.
        seed: seed of the generated data; the same seed generates the same world.
        anchor: UTC day around which events are generated. Default: the day of `now`.
        now: start time of the sandbox's clock, with a time zone. Default: the time of `clock`.
        host: loopback address or host name to listen on.
        port: port to listen on; 0 for any free port.
        public_origin: use https://api.calendly.com in the URIs of resources.
        rate_limit: requests per minute and token; 0 for no limit and no headers. Default: by plan.
        rate_mode: how requests are counted and reported, one of `api.rate_limits.MODES`.
        page_token_life_s: seconds until a page token expires.
        latency_s: seconds to delay every reply of the API.
        render_once: cache rendered replies until the world changes; page tokens don't expire then.
        strict: accept only documented requests and send only documented replies.
        check_replies: return 500 if a reply doesn't match the connector's JSON schemas.
        time_scale: speed of the sandbox's clock, in its seconds per real second.
        retry_signature: sign retried webhooks again (`fresh`) or resend the first signature (`original`).
        connect_timeout_s: real seconds that a webhook receiver may take to accept a connection.
        read_timeout_s: real seconds that a webhook receiver may then stay silent.
        clock: returns Unix seconds; drives the sandbox's clock.
    """

    events: int = 250
    users: int = 8
    event_types: int = 0
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
            raise ValueError(f"the sandbox listens on loopback only, not on {self.host}; use 127.0.0.1")
        if not FIXTURE_EVENTS <= self.events <= MAX_EVENTS:
            raise ValueError(f"events must be between {FIXTURE_EVENTS} and {MAX_EVENTS}")
        if not MIN_USERS <= self.users <= MAX_USERS:
            raise ValueError(f"users must be between {MIN_USERS} and {MAX_USERS}")
        if not 0 <= self.event_types <= MAX_EVENT_TYPES:
            raise ValueError(f"event_types must be between 0 and {MAX_EVENT_TYPES}")
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
            raise ValueError("now must have a time zone")
        if not 0 < self.time_scale <= MAX_TIME_SCALE:
            raise ValueError(f"time_scale must be more than 0 and at most {MAX_TIME_SCALE:g}")
        if self.retry_signature not in RETRY_SIGNATURES:
            raise ValueError(f"retry_signature must be one of {', '.join(RETRY_SIGNATURES)}")
        for name in ("connect_timeout_s", "read_timeout_s"):
            if not 0 < getattr(self, name) <= MAX_TIMEOUT_S:
                raise ValueError(f"{name} must be more than 0 and at most {MAX_TIMEOUT_S:g}")
