"""Which scopes a flow needs: the fewest that its actions and triggers can do with. Pure.

Facts: https://developer.calendly.com/release-notes/2026/3/3
"""

from collections.abc import Collection, Iterable

from ..errors import UnknownAction
from ..support.redaction import quoted
from . import expressions
from .manifest import catalog, find, manifest, named

_ALL = "default"  # what apps from before scopes hold
_SUBSCRIBE = "webhooks:write"


def covers(held: Collection[str], scope: str) -> bool:
    """Whether a token that holds these may do what needs `scope`: a write scope includes its read."""
    family, _, right = scope.partition(":")
    return scope in held or _ALL in held or (right == "read" and f"{family}:write" in held)


def least(scopes: Iterable[str]) -> tuple[str, ...]:
    """Leave out what another of them includes; sorted."""
    wanted = frozenset(scopes)
    return tuple(sorted(scope for scope in wanted if not covers(wanted - {scope}, scope)))


def needed(name: str) -> tuple[str, ...]:
    """Give the scopes of an action or trigger by its id, or of all actions with an alias."""
    trigger = manifest().triggers.get(name)
    if trigger:
        return least((_SUBSCRIBE, *trigger.scopes))
    actions = named(name)
    if not actions:
        raise UnknownAction(f"There is no action or trigger {quoted(name)}.", fix=_nearest(name))
    functions = manifest().functions
    asked = {call.name for action in actions for call in expressions.calls(dict(action.defaults))}
    whose = find("users.me").scopes if any(functions[call].source == "user" for call in asked) else ()
    return least((*whose, *(scope for action in actions for scope in action.scopes)))


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    known = {word.casefold(): word for word in (*catalog(), *manifest().triggers)}
    nearest = [known[word] for word in get_close_matches(name.casefold(), known, n=3, cutoff=0.5)]
    hint = f"Did you mean {', '.join(nearest)}? " if nearest else ""
    return f"{hint}`calendly-connector actions` lists the actions; a trigger is named like invitee.created."
