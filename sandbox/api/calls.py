"""The input and the results of operations, and the rows of the route table. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..world.domain_events import DomainEvent
from ..world.listings import RecordListing
from ..world.records import Record
from ..world.world import World
from .body_schema import BodySchema
from .parameters import Parameter
from .rate_limits import OperationLimits
from .tokens import Caller


@dataclass(frozen=True)
class ApiCall:
    """One request whose token, scopes, plan, role, parameters and body have been checked.

    Attributes:
        query: every declared parameter; None if absent.
        body: the fields that the route's schema read from the body; without a schema, the body itself.
        domain_events: the events to deliver to webhook subscriptions after the reply.
    """

    world: World
    caller: Caller
    now: int
    ids: dict[str, str]
    query: dict[str, Any]
    body: Record
    origins: frozenset[str]
    domain_events: list[DomainEvent] = field(default_factory=list)


@dataclass(frozen=True)
class SingleRecord:
    """A single record."""

    record: Record
    status: int = 200


@dataclass(frozen=True)
class PagedList:
    """A list that is sent page by page, and extra fields of the reply."""

    listing: RecordListing
    extra: Record = field(default_factory=dict)


@dataclass(frozen=True)
class FullList:
    """A list that is sent in full, and extra fields of the reply."""

    records: Sequence[Record]
    extra: Record = field(default_factory=dict)


@dataclass(frozen=True)
class RawBody:
    """A body that is sent unchanged."""

    body: Record
    status: int = 200


@dataclass(frozen=True)
class NoContent:
    """Success without a body."""


OperationResult = SingleRecord | PagedList | FullList | RawBody | NoContent


@dataclass(frozen=True)
class Route:
    """One operation and its requirements.

    Attributes:
        request: `METHOD /template`.
        action: the connector's action id.
        scopes: required scopes, all of them.
        run: performs the operation.
        parameters: query parameters.
        body: None if the operation has no body or reads it itself.
        paid: whether the operation requires a paid plan.
        role: "admin" if only owners and admins may call it.
        strict: whether unknown query parameters are rejected.
        limits: rate limits per user, in addition to the general limit.
    """

    request: str
    action: str
    scopes: tuple[str, ...]
    run: Callable[[ApiCall], OperationResult]
    parameters: tuple[Parameter, ...] = ()
    body: BodySchema | None = None
    paid: bool = False
    role: Literal["admin"] | None = None
    strict: bool = False
    limits: OperationLimits | None = None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.request.partition(" ")[0]

    @property
    def template(self) -> str:
        """The path, with ids as `{name}`."""
        return self.request.partition(" ")[2]
