"""`calendly-connector describe`: the reference of an action."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

import click

from ..catalog.manifest import find, named
from ..catalog.models import Action
from ..catalog.pick_lists import has_names
from ..support.clock import Timing
from ..support.timestamps import move
from .actions import as_dict
from .commands import examples
from .completers import actions
from .options import prints_json
from .terminal import print_json, print_labeled, print_wrapped

_LABEL_WIDTH: Final = 8
_EXAMPLES_DAY: Final = date(2026, 11, 17)  # the examples in schemas/ use dates after this day


@click.command("describe", epilog=examples("describe scheduled_events", "describe invitees.create --json"))
@click.argument("action", shell_complete=actions)
@prints_json("Print JSON; a list if several actions share the name.")
def command(action: str, *, as_json: bool) -> None:
    """Show an action's inputs, output and scopes, with an example."""
    matches = named(action) or (find(action),)
    if as_json:
        shown = [as_dict(match) for match in matches]
        print_json(shown[0] if len(shown) == 1 else shown)
        return
    if len(matches) > 1:
        ids = ", ".join(match.id for match in matches)
        click.echo(f"{action!r} is short for {ids}; `run` picks one by the ids that you pass.\n")
    for number, match in enumerate(matches):
        if number:
            click.echo()
        _print(match)


def _print(action: Action) -> None:
    click.echo(f"{action.id}: {action.title}")
    print_wrapped(action.description, first="  ")
    called = ("request", action.request) if action.request else ("calls", ", ".join(action.steps) or "none")
    details = [
        (called[0], f"{called[1]}, returns {action.returns}, effect {action.effect}"),
        ("scopes", ", ".join(action.scopes) or "none"),
        *((name, getattr(action, name)) for name in ("role", "plan", "since")),
        ("aliases", ", ".join(action.aliases)),
        ("docs", action.docs),
    ]
    for label, text in details:
        if text:
            print_labeled(label, text, indent=2, label_width=_LABEL_WIDTH)
    click.echo("  inputs" if action.inputs else "  inputs\n    none")
    label_width = max((len(name) for name in action.inputs), default=0)
    for name, schema in action.inputs.items():
        print_labeled(name, _input(action, name, schema), indent=4, label_width=label_width)
    output = _title(action) if action.returns != "none" else "nothing"
    print_labeled("output", output, indent=2, label_width=_LABEL_WIDTH)
    if action.columns:
        headings = ", ".join(column.heading for column in action.columns)
        print_labeled("columns", headings, indent=2, label_width=_LABEL_WIDTH)
    click.echo("  example")
    example = upcoming(action.examples[0]["input"], datetime.fromtimestamp(Timing().clock(), UTC).date())
    for line in json.dumps(example, indent=2).splitlines():
        click.echo(f"    {line}")


def _input(action: Action, name: str, schema: Mapping[str, Any]) -> str:
    marks = [_type(schema)]
    marks += ["required"] if name in action.input.get("required", ()) else []
    marks += [f"default {action.defaults[name]}"] if name in action.defaults else []
    if has_names(schema):
        marks.append(f"or a name from {schema['x-options']['action']}")
    return f"{', '.join(marks)}. {schema.get('description', '')}"


def upcoming(example: Any, today: date) -> Any:
    """Return an example with its dates moved by whole weeks into the future of `today`."""
    weeks = -(-(today - _EXAMPLES_DAY).days // 7)
    return move(example, 7 * max(0, weeks))


def _type(schema: object) -> str:
    if not isinstance(schema, dict):
        return "any"
    if "enum" in schema:
        return " | ".join(dict.fromkeys("null" if value is None else str(value) for value in schema["enum"]))
    kinds = schema.get("type", "any")
    kind = kinds if isinstance(kinds, str) else " or ".join(kinds)
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _title(action: Action) -> str:
    reference = str(action.output.get("$ref", "")).removeprefix("#/$defs/")
    shape = action.output.get("$defs", {}).get(reference, action.output)
    many = "a list; each record: " if action.returns == "many" else ""
    return f"{many}{shape.get('title', '')}: {', '.join(shape.get('properties', {}))}"
