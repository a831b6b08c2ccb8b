"""The scopes that actions and triggers need, as few as possible."""

from ..errors import UnknownAction
from ..support.redaction import quoted
from . import expressions, json_schema
from .manifest import catalog, did_you_mean, find, manifest, named
from .models import Action
from .scopes import SUBSCRIBE, minimal


def required_scopes(name: str) -> tuple[str, ...]:
    """Return the scopes of an action or trigger by its id, or of all actions with an alias.

    Raises UnknownAction.
    """
    trigger = manifest().triggers.get(name)
    if trigger:
        return minimal((SUBSCRIBE, *trigger.scopes))
    actions = _actions(name)
    steps = [find(step) for action in actions for step in action.steps]
    functions = manifest().functions
    called = {call.name for action in (*actions, *steps) for call in expressions.calls(dict(action.defaults))}
    of_user = find("users.me").scopes if any(functions[name].source == "user" for name in called) else ()
    return minimal((*of_user, *(scope for action in actions for scope in action.scopes)))


def lookup_scopes(name: str) -> dict[str, tuple[str, ...]]:
    """Return the scopes that names in the inputs of an action need, by input; empty for a trigger.

    Raises UnknownAction.
    """
    if name in manifest().triggers:
        return {}
    scopes = {}
    for action in _actions(name):
        for key, rule in action.inputs.items():
            source = json_schema.resolve(rule.get("items", rule), action.sent).get("x-options")
            if source:
                read = required_scopes(source["read"]) if "read" in source else ()
                scopes[key] = minimal((*required_scopes(source["action"]), *read))
    return scopes


def _actions(name: str) -> tuple[Action, ...]:
    actions = named(name)
    if not actions:
        hint = did_you_mean(name, [*catalog(), *manifest().triggers])
        raise UnknownAction(
            f"Unknown action or trigger {quoted(name)}.",
            fix=f"{hint}`calendly-connector actions` lists actions. Triggers are named like invitee.created.",
        )
    return actions
