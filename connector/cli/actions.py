"""`calendly-connector actions`: the catalog, by group."""

from dataclasses import asdict
from typing import Final

import click

from ..catalog.manifest import catalog, manifest
from ..catalog.models import Action
from .commands import examples
from .options import prints_json
from .terminal import output_width, print_columns, print_json

_WIDE: Final = 160  # columns with room for the requests


@click.command("actions", epilog=examples("actions", "actions --json"))
@prints_json("Print the whole catalog, including schemas, as JSON.")
def command(*, as_json: bool) -> None:
    """List all actions by group."""
    if as_json:
        print_json([as_dict(action) for action in catalog().values()])
        return
    rows, titles = [("ACTION", "EFFECT", "REQUEST", "DESCRIPTION")], {}
    for group in manifest().groups:
        titles[len(rows)] = group.title
        rows += [
            (action.id, action.effect, action.request or "several calls", action.title)
            for action in map(catalog().__getitem__, group.actions)
        ]
    width = output_width()
    narrow = width is not None and width < _WIDE
    print_columns([(row[0], row[-1]) for row in rows] if narrow else rows, titles)


def as_dict(action: Action) -> dict[str, object]:
    """Return an action's whole declaration as JSON values."""
    return {
        "id": action.id,
        "title": action.title,
        "description": action.description,
        "request": action.request,
        "steps": list(action.steps),
        "returns": action.returns,
        "effect": action.effect,
        "scopes": list(action.scopes),
        "hints": dict(action.hints),
        "role": action.role,
        "plan": action.plan,
        "since": action.since,
        "aliases": list(action.aliases),
        "defaults": dict(action.defaults),
        "window": action.window and asdict(action.window),
        "deprecated": action.deprecated,
        "docs": action.docs,
        "columns": [asdict(column) for column in action.columns],
        "input": action.input,
        "output": action.output,
        "examples": list(action.examples),
    }
