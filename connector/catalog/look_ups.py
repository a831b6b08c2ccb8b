"""How an action's look-up finds out whether a write happened, as `look_up` in `actions/` declares it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..contract import LookUp


@dataclass(frozen=True, slots=True)
class LookUpRule(LookUp):
    """A look-up, with what it sends and how it recognizes the write.

    `inputs` are the inputs of the read, and `match` the fields of a record that must be equal to inputs of
    the write; both map to paths in the inputs of the write. A new record must have all of them, and be empty
    where the write was. A change is compared in what was passed. `has` is a field that only a changed record
    has. `time` is the field with the time of the creation, or of the last change.

    `result` makes the record look like the write's own: its fields, and where the record has them.
    `function` is `module:function` in `recipes/`, for a look-up of several calls; it replaces all of these.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    match: Mapping[str, str] = field(default_factory=dict)
    has: str = ""
    time: str = ""
    result: Mapping[str, str] = field(default_factory=dict)
    function: str = ""


def look_up_rule(
    *,
    inputs: Mapping[str, str] | Iterable[str] = (),
    match: Mapping[str, str] | Iterable[str] = (),
    by: Iterable[str] = (),
    **others: Any,
) -> LookUpRule:
    """Return a declared look-up. A list of `inputs` or `match` has the same names on both sides."""
    sent, compared = _by_name(inputs), _by_name(match)
    used = dict.fromkeys((*by, *sent.values(), *compared.values()))
    return LookUpRule(by=tuple(used), inputs=_plain(sent), match=_plain(compared), **others)


def _by_name(declared: Mapping[str, str] | Iterable[str]) -> dict[str, str]:
    return dict(declared) if isinstance(declared, Mapping) else {name: name for name in declared}


def _plain(declared: Mapping[str, str]) -> dict[str, str]:
    """Return the paths as `catalog.paths` reads them, without the `[]` of lists that fields have."""
    return {name: path.replace("[]", "") for name, path in declared.items()}
