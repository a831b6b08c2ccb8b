"""What an operation is given and what it gives back; the rows of the route table. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..world.happenings import Happening
from ..world.listings import Listing
from ..world.shapes import Record
from ..world.world import World
from .body_rules import Form
from .limits import OwnLimits
from .parameters import Parameter
from .tokens import Caller


@dataclass(frozen=True)
class Call:
    """One request whose token, scopes, plan, role, parameters and body were found good.

    Attributes:
        query: every declared parameter, None where absent.
        body: what the route's form made of the body, absent fields left out; without a form, the body itself.
        happened: what subscribers are to be told of once the call is answered.
    """

    world: World
    caller: Caller
    now: int
    ids: dict[str, str]
    query: dict[str, Any]
    body: Record
    origins: frozenset[str]
    happened: list[Happening] = field(default_factory=list)


@dataclass(frozen=True)
class One:
    """A single record."""

    record: Record
    status: int = 200


@dataclass(frozen=True)
class Many:
    """A list of which one page is sent, with what stands beside it."""

    listing: Listing
    beside: Record = field(default_factory=dict)


@dataclass(frozen=True)
class Whole:
    """A list that is sent as a whole, with what stands beside it."""

    records: Sequence[Record]
    beside: Record = field(default_factory=dict)


@dataclass(frozen=True)
class Bare:
    """A body that is sent as it is."""

    body: Record
    status: int = 200


@dataclass(frozen=True)
class Nothing:
    """Success without a body."""


Answer = One | Many | Whole | Bare | Nothing


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
    run: Callable[[Call], Answer]
    parameters: tuple[Parameter, ...] = ()
    body: Form | None = None
    paid: bool = False
    role: Literal["admin"] | None = None
    strict: bool = False
    limits: OwnLimits | None = None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.request.partition(" ")[0]

    @property
    def template(self) -> str:
        """The path, ids as `{name}`."""
        return self.request.partition(" ")[2]
