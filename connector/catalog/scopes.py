"""The scopes that actions and triggers need, as few as possible. Pure.

Facts: https://developer.calendly.com/release-notes/2026/3/3
"""

from collections.abc import Collection, Iterable, Sequence

from ..errors import UnknownAction
from ..support.redaction import quoted
from . import expressions
from .manifest import catalog, did_you_mean, find, manifest, named

SUBSCRIBE = "webhooks:write"
_ALL = "default"  # held by apps from before scopes existed


def covers(held: Collection[str], scope: str) -> bool:
    """Return whether a token with the scopes `held` may do what needs `scope`: write includes read."""
    family, _, right = scope.partition(":")
    return scope in held or _ALL in held or (right == "read" and f"{family}:write" in held)


def minimal(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return the scopes without those that another one includes, sorted."""
    wanted = frozenset(scopes)
    return tuple(sorted(scope for scope in wanted if not covers(wanted - {scope}, scope)))


def required_scopes(name: str) -> tuple[str, ...]:
    """Return the scopes of an action or trigger by its id, or of all actions with an alias.

    Raises UnknownAction.
    """
    trigger = manifest().triggers.get(name)
    if trigger:
        return minimal((SUBSCRIBE, *trigger.scopes))
    actions = named(name)
    if not actions:
        hint = did_you_mean(name, [*catalog(), *manifest().triggers])
        raise UnknownAction(
            f"Unknown action or trigger {quoted(name)}.",
            fix=f"{hint}`calendly-connector actions` lists actions. Triggers are named like invitee.created.",
        )
    functions = manifest().functions
    called = {call.name for action in actions for call in expressions.calls(dict(action.defaults))}
    of_user = find("users.me").scopes if any(functions[name].source == "user" for name in called) else ()
    return minimal((*of_user, *(scope for action in actions for scope in action.scopes)))


def scope_advice(scopes: Sequence[str], *, place: str = "", login: str = "") -> str:
    """Return how to get a token with these scopes.

    `place` is where the token is stored, `login` the command that signs in again.
    """
    if login:
        return f"Sign in again for {', '.join(scopes)}: {login}"
    if place:
        return f"Create a token that also has {', '.join(scopes)} and put it in {place}."
    return f"Create a token with {' and '.join(scopes)}, or sign in again with these scopes."
