"""`calendly-connector scopes`: which scopes a flow needs."""

import json

import click

from ..catalog.scopes import minimal, required_scopes
from ..errors import UsageError


@click.command("scopes")
@click.option(
    "--for",
    "purposes",
    multiple=True,
    metavar="NAME",
    help="An action or trigger, such as users.me; repeat it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(purposes: tuple[str, ...], *, as_json: bool) -> None:
    """Say which scopes actions and triggers need, the fewest that will do."""
    if not purposes:
        raise UsageError("It is not said for what.", fix="Give --for ACTION or --for TRIGGER, once or more.")
    each = {name: required_scopes(name) for name in purposes}
    scopes = minimal(scope for some in each.values() for scope in some)
    if as_json:
        click.echo(json.dumps({"scopes": scopes, "for": each}, indent=2))
        return
    for scope in scopes:
        click.echo(scope)
