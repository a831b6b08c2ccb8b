"""One call of a recipe whose inputs are checked: preview it, run it, or iterate over its records."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from itertools import chain
from typing import Any

from ..calls.inputs import CheckedInputs, Inputs
from ..contract import Record, Result
from ..errors import UsageError
from .steps import Steps


class RecipeCall:
    """A call of a recipe that passed every check that needs no network."""

    def __init__(
        self,
        inputs: Inputs,
        checked: CheckedInputs,
        begin: Callable[[], Steps],
        *,
        limit: int | None = None,
    ) -> None:
        self.action = checked.action
        self._inputs = inputs
        self._checked = checked
        self._begin = begin
        self._limit = limit

    def preview(self) -> Mapping[str, Any]:
        """Return the inputs as written, with secrets masked, and the actions that it may call."""
        return {
            "action": self.action.id,
            "steps": list(self.action.steps),
            "inputs": self._inputs.shown(self._checked),
        }

    def preview_resolved(self) -> list[Mapping[str, Any]]:
        """Return the preview with names and functions looked up."""
        inputs = self._inputs.masked(self.action, self.values())
        return [{**self.preview(), "inputs": inputs}]

    def run(self, *, all_pages: bool = False) -> Result:
        """Run it. For a list, return one page, up to the limit, or all pages."""
        if self.action.returns == "many":
            stream = RecipeRecords(self, self._limit, one_page=not all_pages)
            records = list(stream)
            return Result(
                action=self.action.id,
                records=records,
                complete=stream.complete,
                extra=stream.extra,
                calls=stream.calls,
                warnings=stream.warnings,
            )
        steps = self._begin()
        record = self.function(steps, self.values())
        return Result(action=self.action.id, record=record, calls=steps.calls, warnings=tuple(steps.warnings))

    def iterate(self) -> "RecipeRecords":
        """Return the records of a list as a stream. Raises UsageError for any other action."""
        if self.action.returns != "many":
            raise UsageError(f"{self.action.id} doesn't return a list.", fix="Use run() instead.")
        return RecipeRecords(self, self._limit)

    def values(self) -> dict[str, Any]:
        """Return the inputs with names and functions resolved, which may need calls."""
        [values] = self._inputs.resolve(self._checked)
        return values

    def begin(self) -> Steps:
        """Return the steps of a new run."""
        return self._begin()

    @cached_property
    def function(self) -> Callable[[Steps, dict[str, Any]], Any]:
        """The function that the declaration names: `module:function` in this package."""
        module, _, name = self.action.recipe.partition(":")
        function: Callable[[Steps, dict[str, Any]], Any]
        function = getattr(import_module(f".{module}", __package__), name)
        return function


class RecipeRecords:
    """The records of a recipe that returns a list; `complete` and the rest are final after the iteration."""

    def __init__(self, call: RecipeCall, limit: int | None, *, one_page: bool = False) -> None:
        self.complete = False
        self.extra: Record = {}
        self.next_page_token: str | None = None
        self._call = call
        self._limit = limit
        self._one_page = one_page and limit is None
        self._steps = call.begin()
        self._steps.limit = limit

    @property
    def calls(self) -> int:
        """The HTTP requests so far."""
        return self._steps.calls

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user of the records should know."""
        return tuple(self._steps.warnings)

    def __iter__(self) -> Iterator[Record]:
        return chain.from_iterable(self.pages())

    def pages(self) -> Iterator[list[Record]]:
        """Yield the records page by page; a page may be empty."""
        left = self._limit
        for page, more in self._call.function(self._steps, self._call.values()):
            records = page if left is None else page[:left]
            left = None if left is None else left - len(records)
            self.complete = not more and len(records) == len(page)
            yield records
            if left == 0 or self._one_page:
                return
