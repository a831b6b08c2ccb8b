"""Choose a harmless read for each read scope, so `check --deep` can see which scopes a token has. Pure.

The choice follows from the catalog: the first action with a new scope is its probe.
"""

from collections.abc import Mapping
from functools import cache

from . import expressions
from .manifest import catalog
from .models import Action, Probe


@cache
def probes() -> Mapping[str, Probe]:
    """Return the probe of each read scope that the catalog has one for.

    An action with `probe` is preferred, then `list` of the resource that the scope is named after.
    """
    found: dict[str, Action] = {}
    for action in filter(_is_harmless, catalog().values()):
        [scope] = action.scopes
        if scope not in found or _rank(action, scope) > _rank(found[scope], scope):
            found[scope] = action
    return {scope: Probe(action.id, _filter(action)) for scope, action in sorted(found.items())}


def _is_harmless(action: Action) -> bool:
    """Check whether an action reads, needs one scope, and needs no input that only a caller knows."""
    if action.recipe or action.effect != "read" or len(action.scopes) != 1 or action.path_ids:
        return False
    known = _filter(action).keys()
    choices = action.sent.get("anyOf", [{}])
    return known >= set(action.sent.get("required", ())) and any(
        known >= set(choice.get("required", ())) for choice in choices
    )


def _rank(action: Action, scope: str) -> tuple[bool, bool]:
    return bool(action.probe), action.id == f"{scope.partition(':')[0]}.list"


def _filter(action: Action) -> dict[str, object]:
    """Return the defaults that name the user or the organization, what `probe` adds, and one record only."""
    whose = {name: value for name, value in action.defaults.items() if expressions.calls(value)}
    return {**whose, **action.probe, **({"count": 1} if "count" in action.inputs else {})}
