"""What an operation is given and what it gives back; the rows of the route table. Pure."""

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
    """One request whose token, scopes, plan, role, parameters and body were found good.

    Attributes:
        query: every declared parameter, None where absent.
        body: what the route's form made of the body, absent fields left out; without a form, the body itself.
        domain_events: what subscribers are to be told of once the call is answered.
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
    """A list of which one page is sent, with what stands beside it."""

    listing: RecordListing
    extra: Record = field(default_factory=dict)


@dataclass(frozen=True)
class FullList:
    """A list that is sent as a whole, with what stands beside it."""

    records: Sequence[Record]
    extra: Record = field(default_factory=dict)


@dataclass(frozen=True)
class RawBody:
    """A body that is sent as it is."""

    body: Record
    status: int = 200


@dataclass(frozen=True)
class NoContent:
    """Success without a body."""


OperationResult = SingleRecord | PagedList | FullList | RawBody | NoContent


@dataclass(frozen=True)
class Route:
    """One operation, and what it needs before it is run.

    Attributes:
        request: `METHOD /template`.
        action: the connector's action id.
        scopes: all of them are needed.
        run: does it.
        parameters: of the query.
        body: None where the operation reads the body itself, or there is none.
        paid: whether the free plan is refused.
        role: "admin" where owners and admins alone may.
        strict: whether unknown query parameters are refused.
        limits: requests that one user may make, beside the general limit.
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
        """The path, ids as `{name}`."""
        return self.request.partition(" ")[2]
