"""`calendly-connector scopes`: the scopes that actions and triggers need."""

import click

from ..catalog.manifest import named
from ..catalog.required_scopes import lookup_scopes, required_scopes
from ..catalog.scopes import covers, minimal
from ..errors import UsageError
from .commands import action_of, examples
from .completers import purposes as complete_purposes
from .options import prints_json
from .terminal import notice, print_json


@click.command(
    "scopes", epilog=examples("scopes --for book", "scopes --for scheduled_events.list --for invitee.created")
)
@click.option(
    "--for",
    "purposes",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_purposes,
    help="An action, an everyday command or a trigger, such as users.me or cancel (repeatable).",
)
@prints_json()
def command(purposes: tuple[str, ...], *, as_json: bool) -> None:
    """List the minimum scopes that actions and triggers need."""
    if not purposes:
        raise UsageError("Missing --for.", fix="Pass --for ACTION or --for TRIGGER (repeatable).")
    purposes = tuple(name if named(name) else action_of(name) for name in purposes)
    each = {name: required_scopes(name) for name in purposes}
    scopes = minimal(scope for some in each.values() for scope in some)
    lookups = {name: found for name in purposes if (found := lookup_scopes(name))}
    if as_json:
        print_json({"scopes": scopes, "for": each, "names": lookups})
        return
    for scope in scopes:
        click.echo(scope)
    for name, found in lookups.items():
        for key, needed in found.items():
            if more := [scope for scope in needed if not any(covers(own, scope) for own in scopes)]:
                notice("note", f"to use a name as {key} in {name}, add {' '.join(more)}.")
    for name in purposes:
        action = action_of(name)
        if action != name and action not in {one.id for one in named(name)}:
            notice("note", f"the command `{name}` runs {action}: --for {action} lists its scopes.")
