"""What tab completion suggests: actions, inputs, credentials, events and subscriptions.

Completion never fails: in place of an error there are no suggestions.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import click
    from click.shell_completion import CompletionItem

    from ..catalog.models import Action
    from ..contract import FieldType


def actions(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Suggest ids and aliases of actions."""
    from ..catalog.manifest import catalog

    names: dict[str, str] = {}
    for action in catalog().values():
        for name in (action.id, *action.aliases):
            if " " not in name:  # shells split at a space
                names.setdefault(name, action.title)
    return _items(names, incomplete)


def inputs(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Suggest the inputs of the action as `KEY=`, and after `KEY=` the values that are known.

    bash splits arguments at `=`: there the key and the sign are arguments before the incomplete one.
    """
    from ..catalog.manifest import named

    matches = named(str(context.params.get("action") or ""))
    before = list(context.params.get("rows") or ())
    if before[-1:] == ["="]:
        before.pop()
    if before and "=" not in before[-1]:
        return _items(dict.fromkeys(_values(matches, before[-1], incomplete), ""), incomplete)
    key, sign, value = incomplete.partition("=")
    if sign:
        return _items({f"{key}={each}": "" for each in _values(matches, key, value)}, incomplete)
    used = {row.partition("=")[0] for row in before}
    fields: dict[str, str] = {}
    for action in matches:
        for name, rule in action.inputs.items():
            text = str(rule.get("description", "")) if isinstance(rule, dict) else ""
            fields.setdefault(f"{name}=", text.partition(". ")[0])
    return _items({name: text for name, text in fields.items() if name[:-1] not in used}, incomplete)


def fields(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Suggest the fields of the action or trigger, those within objects too."""
    from ..catalog import field_paths
    from ..catalog.manifest import manifest, named

    name = str(context.params.get("name") or "")
    trigger = manifest().triggers.get(name)
    schemas = [trigger.filters] if trigger else [action.sent for action in named(name)]
    return _items({path: "" for schema in schemas for path in field_paths.paths(schema)}, incomplete)


def credentials(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Suggest the names of stored credentials."""
    from ..auth.vault.names import credential_names

    return _items(dict.fromkeys(credential_names(_stored_names()), ""), incomplete)


def subscriptions(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Suggest the ids of stored webhook subscriptions."""
    from ..auth.vault.names import SUBSCRIPTION_NAME

    found = (SUBSCRIPTION_NAME.fullmatch(name) for name in _stored_names())
    return _items({match[1]: "" for match in found if match}, incomplete)


def events(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Suggest kinds of events; after a comma, another one."""
    from ..catalog.manifest import manifest

    before, comma, _ = incomplete.rpartition(",")
    chosen = set(before.split(","))
    kinds = (kind for kind in manifest().triggers if kind not in chosen)
    return _items({f"{before}{comma}{kind}": "" for kind in kinds}, incomplete)


def purposes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Suggest actions and kinds of events."""
    return actions(context, parameter, incomplete) + events(context, parameter, incomplete)


def _values(matches: Iterable[Action], key: str, written: str) -> Iterator[str]:
    """Yield the values that an input may have if there are only a few; in a function, what fits there."""
    from ..catalog import json_schema

    name = key.removesuffix("[]")
    for action in matches:
        rule: Any = json_schema.resolve(action.inputs.get(name, {}), action.input)
        rule = json_schema.resolve(rule.get("items", rule), action.input)
        kinds = rule.get("type", ())
        if "~{" in written:
            kind: Any = rule.get("format") or ("text" if "string" in kinds else "number")
            yield from _with_functions(written, kind, is_secret=rule.get("writeOnly", False))
            continue
        yield from (str(value) for value in rule.get("enum", ()) if value is not None)
        yield from rule.get("x-literals", ())
        if kinds == "boolean" or "boolean" in kinds:
            yield from ("true", "false")


def _with_functions(written: str, kind: FieldType, *, is_secret: bool) -> Iterator[str]:
    """Yield an unfinished text with each function that fits at its end."""
    from ..catalog.completions import completions
    from ..catalog.manifest import manifest
    from ..contract import Field

    field = Field("", "", kind, secret=is_secret)
    for each in completions(written, len(written), manifest().functions, field):
        yield written[: each.start] + each.insert


def _stored_names() -> list[str]:
    from ..auth.vault import open_vault

    with suppress(ConnectorError, OSError):
        return open_vault().names()
    return []


def _items(suggestions: Mapping[str, str], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [
        CompletionItem(value, help=" ".join(text.split()) or None)
        for value, text in suggestions.items()
        if value.startswith(incomplete)
    ]
