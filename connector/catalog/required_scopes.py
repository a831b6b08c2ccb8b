"""The scopes that actions and triggers need, as few as possible."""

from . import expressions, json_schema
from .manifest import find, manifest, named, unknown
from .models import Action
from .pick_lists import has_names, pick_list
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
            field = json_schema.resolve(rule.get("items", rule), action.sent)
            source = pick_list(field)
            if source and has_names(field):
                read = required_scopes(source.read) if source.read else ()
                scopes[key] = minimal((*required_scopes(source.action), *read))
    return scopes


def _actions(name: str) -> tuple[Action, ...]:
    actions = named(name)
    if not actions:
        raise unknown(name)
    return actions
