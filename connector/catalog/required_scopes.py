"""The scopes that actions and triggers need, as few as possible."""

from ..errors import UnknownAction
from ..support.redaction import quoted
from . import expressions
from .manifest import catalog, did_you_mean, find, manifest, named
from .scopes import SUBSCRIBE, minimal


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
