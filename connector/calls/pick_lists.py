"""Names instead of ids: the resource that a name stands for.

See docs/decisions/names-instead-of-ids.md.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from ..catalog import paths
from ..catalog.expressions import evaluate
from ..catalog.json_schema import Schema
from ..catalog.manifest import find
from ..catalog.pick_lists import PickList
from ..contract import Filter, Params, PreparedCall, Record
from ..errors import NotFound, PermissionDenied
from ..support.redaction import quoted
from .functions import Functions

Prepare = Callable[[str, Params, Filter], PreparedCall]
"""Prepares a call of an action, without resolving names: a pick list is read by functions and URIs."""

_MOST_SUGGESTIONS: Final = 3


@dataclass(frozen=True, slots=True)
class _Choice:
    """`names` are all texts that stand for it, as they are spelled."""

    label: str
    value: str
    names: tuple[str, ...]

    def is_named(self, folded: str) -> bool:
        return any(folded == name.casefold() for name in self.names)


class PickLists:
    """Reads the names in pick lists, through the list actions that the schemas name in `x-options`."""

    def __init__(
        self,
        prepare: Prepare,
        functions: Functions,
        memory: Callable[[], dict[Any, Any] | None] = lambda: None,
    ) -> None:
        self._prepare = prepare
        self._functions = functions
        self._memory = memory

    def find(self, text: str, field: Schema) -> str:
        """Return the URI that a name stands for. Raises ValueError if no resource or several have it."""
        folded = text.strip().casefold()
        source = PickList(**field["x-options"])
        if expression := source.words.get(folded):
            resolved: str = evaluate(expression, self._functions.resolve)
            return resolved
        choices = list(self._choices(source))
        found = {choice.value: choice.label for choice in choices if choice.is_named(folded)}
        if len(found) == 1:
            return next(iter(found))
        if found:
            candidates = ", ".join(f"{label} ({value})" for value, label in found.items())
            raise ValueError(f"{quoted(text)} is ambiguous ({len(found)} matches); pass a URI: {candidates}")
        nearest = " or ".join(map(repr, _nearest(folded, choices)))
        raise ValueError(
            f"{quoted(text)} matches no name in {source.action}"
            + (f"; did you mean {nearest}?" if nearest else "")
        )

    def names(self, source: PickList, record: Record, value: str) -> tuple[str, ...]:
        """Return the names of a record of a list, its label first; empty if it has none."""
        if not source.label:
            return ()
        named = self._read(source.read, value) if source.read else record
        return tuple(name for path in (source.label, *source.also) for name in _texts(named, path))

    def _choices(self, source: PickList) -> Iterable[_Choice]:
        """Return the choices as Calendly lists them now, or did before in the same batch."""
        memory = self._memory()
        if memory is None:
            return self._listed(source)
        key = ("choices", source.action, source.label)
        if key not in memory:
            memory[key] = list(self._listed(source))
        return list(memory[key])

    def _listed(self, source: PickList) -> Iterator[_Choice]:
        for record in self._prepare(source.action, {}, source.filter).iterate():
            value = next(_texts(record, source.value), None)
            if value is not None:
                names = self.names(source, record, value)
                yield _Choice(names[0] if names else value, value, names)

    def _read(self, action: str, uri: str) -> Record:
        """Read the record that holds the names; empty if the token may not see it."""
        try:
            return self._prepare(action, {find(action).path_ids[-1]: uri}, ()).run().record or {}
        except (NotFound, PermissionDenied):
            return {}


def _nearest(folded: str, choices: Iterable[_Choice]) -> list[str]:
    """Return the likeliest labels: first those whose names contain the text, then similar ones."""
    labels = {name.casefold(): choice.label for choice in choices for name in choice.names}
    containing = [name for name in labels if folded in name]
    similar = get_close_matches(folded, labels, n=_MOST_SUGGESTIONS, cutoff=0.5)
    return list(dict.fromkeys(labels[name] for name in (*containing, *similar)))[:_MOST_SUGGESTIONS]


def _texts(record: Record, path: str) -> Iterator[str]:
    """Yield the texts at a path of a record that aren't empty."""
    return (value for value in paths.values(record, path) if isinstance(value, str) and value)
