"""What can be wrong with a flow, and where in its file."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ...errors import UsageError


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a flow's file. Lines and columns begin at 1; columns count characters."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Positions:
    """Where the values of a file are, and the keys of its mappings; by paths such as `steps[0].id`."""

    values: dict[str, Position] = field(default_factory=dict)
    keys: dict[str, Position] = field(default_factory=dict)

    def of(self, path: str) -> Position:
        """Return where a value is; for one that is missing, where the value begins that should contain it."""
        return self._nearest(self.values, path)

    def of_key(self, path: str) -> Position:
        """Return where a value's key is, or else the value."""
        return self.keys.get(path) or self.of(path)

    def row(self, rows: str, number: int, key: str) -> str:
        """Return the path of a row's value, whether the rows are a mapping or a list."""
        in_list = f"{rows}[{number}]"
        return f"{in_list}.value" if in_list in self.values else f"{rows}.{key}"

    def _nearest(self, known: dict[str, Position], path: str) -> Position:
        while path and path not in known:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return known.get(path, Position())


@dataclass(frozen=True, slots=True)
class FlowProblem:
    """One finding: where it is, what is wrong, what to do, and the nearest valid name, if any.

    A flow with an "error" can't be deployed.
    """

    line: int
    column: int
    path: str
    message: str
    fix: str = ""
    near: str | None = None
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        hint = f" Did you mean {self.near!r}?" if self.near else ""
        return f"{self.message}.{hint} {self.fix}".rstrip()

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        return asdict(self)


def in_order(problems: Iterable[FlowProblem]) -> list[FlowProblem]:
    """Return findings in the order of the file, without duplicates."""
    return sorted(dict.fromkeys(problems), key=lambda each: (each.line, each.column))


class InvalidFlow(UsageError):
    """A flow's file has errors; `problems` lists all of them, in the order of the file."""

    code = "invalid_flow"

    def __init__(self, problems: Sequence[FlowProblem]) -> None:
        first, *others = problems
        more = f" ({len(others)} more)" if others else ""
        super().__init__(
            f"Line {first.line}, column {first.column}: {first}{more}",
            fix="Run `flow validate` on the file for all problems." if others else "",
        )
        self.problems = tuple(problems)

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain JSON values."""
        return {**super().to_dict(), "problems": [problem.to_dict() for problem in self.problems]}


class UnresolvedReference(UsageError):
    """A reference leads to nothing in this run."""

    code = "unresolved_reference"
