"""`calendly-connector actions`: the catalog."""

import json
import sys
from dataclasses import asdict

import click

from ..catalog.manifest import catalog
from ..catalog.models import Action
from .output import columns, styled


@click.command("actions")
@click.option("--json", "as_json", is_flag=True, help="Print the whole catalog, schemas included, as JSON.")
def command(*, as_json: bool) -> None:
    """List everything the connector can do."""
    if as_json:
        click.echo(json.dumps([as_dict(action) for action in catalog().values()], indent=2))
        return
    rows = [(action.id, action.effect, action.request, action.title) for action in catalog().values()]
    for line in columns([("ACTION", "EFFECT", "REQUEST", "WHAT IT DOES"), *rows], bold=styled(sys.stdout)):
        click.echo(line)


def as_dict(action: Action) -> dict[str, object]:
    """Give all there is to know of an action as plain JSON values."""
    return {
        "id": action.id,
        "title": action.title,
        "description": action.description,
        "request": action.request,
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
        "input": action.input,
        "output": action.output,
        "examples": list(action.examples),
    }
