"""`calendly-connector describe`: all there is to know of an action."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Final

import click

from ..catalog.manifest import find, named
from ..catalog.models import Action
from ..support.clock import Timing
from ..support.timestamps import move
from .actions import as_dict

_EXAMPLES_DAY: Final = date(2026, 11, 17)  # the examples in schemas/ are about the days after it


@click.command("describe")
@click.argument("action")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print JSON; a list where several actions share the name.",
)
def command(action: str, *, as_json: bool) -> None:
    """Show an action: its inputs, its output, an example, the scopes it needs."""
    matches = named(action) or (find(action),)
    if as_json:
        told = [as_dict(match) for match in matches]
        click.echo(json.dumps(told[0] if len(told) == 1 else told, indent=2))
        return
    if len(matches) > 1:
        ids = ", ".join(match.id for match in matches)
        click.echo(f"{action!r} names {ids}: the one whose path ids are given is run.\n")
    click.echo("\n\n".join("\n".join(_lines(match)) for match in matches))


def _lines(action: Action) -> Iterator[str]:
    yield f"{action.id}: {action.title}"
    yield f"  {action.description}"
    yield f"  request   {action.request}, returns {action.returns}, effect {action.effect}"
    yield f"  scopes    {', '.join(action.scopes) or 'none'}"
    for name in ("role", "plan", "since"):
        if getattr(action, name):
            yield f"  {name:<9} {getattr(action, name)}"
    if action.aliases:
        yield f"  aliases   {', '.join(action.aliases)}"
    yield f"  docs      {action.docs}"
    yield "  inputs"
    required = action.input.get("required", ())
    width = max((len(name) for name in action.inputs), default=0)
    for name, schema in action.inputs.items():
        marks = [_type(schema)]
        marks += ["required"] if name in required else []
        marks += [f"default {action.defaults[name]}"] if name in action.defaults else []
        if "x-options" in schema:
            marks.append(f"or a name out of {schema['x-options']['action']}")
        yield f"    {name:<{width}}  {', '.join(marks)}. {schema.get('description', '')}"
    if not action.inputs:
        yield "    none"
    yield "  output    " + (_title(action) if action.returns != "none" else "nothing")
    yield "  example"
    example = upcoming(action.examples[0]["input"], datetime.fromtimestamp(Timing().clock(), UTC).date())
    yield from (f"    {line}" for line in json.dumps(example, indent=2).splitlines())


def upcoming(example: Any, today: date) -> Any:
    """Return an example with its dates moved by whole weeks, so that Calendly takes it today."""
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
