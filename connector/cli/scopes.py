"""`calendly-connector scopes`: the scopes that actions and triggers need."""

import click

from ..catalog.required_scopes import required_scopes
from ..catalog.scopes import minimal
from ..errors import UsageError
from .commands import examples
from .completers import purposes as complete_purposes
from .options import prints_json
from .terminal import print_json


@click.command(
    "scopes", epilog=examples("scopes --for book", "scopes --for scheduled_events.list --for invitee.created")
)
@click.option(
    "--for",
    "purposes",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_purposes,
    help="An action or trigger, such as users.me (repeatable).",
)
@prints_json()
def command(purposes: tuple[str, ...], *, as_json: bool) -> None:
    """List the minimum scopes that actions and triggers need."""
    if not purposes:
        raise UsageError("Missing --for.", fix="Pass --for ACTION or --for TRIGGER (repeatable).")
    each = {name: required_scopes(name) for name in purposes}
    scopes = minimal(scope for some in each.values() for scope in some)
    if as_json:
        print_json({"scopes": scopes, "for": each})
        return
    for scope in scopes:
        click.echo(scope)
