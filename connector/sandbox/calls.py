"""What an operation is given and what it gives back; the rows of the route table. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .listings import Listing
from .parameters import Parameter
from .shapes import Record
from .tokens import Caller
from .world import World


@dataclass(frozen=True)
class Call:
    """One request whose token, scopes and parameters were found good."""

    world: World
    caller: Caller
    now: int
    ids: dict[str, str]
    query: dict[str, Any]
    body: Record
    origins: frozenset[str]


@dataclass(frozen=True)
class One:
    """A single record."""

    record: Record
    status: int = 200


@dataclass(frozen=True)
class Many:
    """A list of which one page is sent."""

    listing: Listing


@dataclass(frozen=True)
class Nothing:
    """Success without a body."""


Answer = One | Many | Nothing


@dataclass(frozen=True)
class Route:
    """One operation: `METHOD /template`, the connector's action id, what it needs and what does it."""

    request: str
    action: str
    scopes: tuple[str, ...]
    run: Callable[[Call], Answer]
    parameters: tuple[Parameter, ...] = ()

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.request.partition(" ")[0]

    @property
    def template(self) -> str:
        """The path, ids as `{name}`."""
        return self.request.partition(" ")[2]
