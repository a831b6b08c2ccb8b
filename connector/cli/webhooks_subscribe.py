"""`calendly-connector webhooks subscribe`."""

import click

from .output import columns, printable
from .session import connect, signs_in


@click.command("subscribe")
@click.argument("events", nargs=-1, required=True, metavar="EVENT...")
@click.option("--to", "callback", required=True, metavar="URL", help="The receiver's address.")
@click.option(
    "--scope",
    type=click.Choice(["organization", "user", "group"]),
    help="Whose events. Default: the widest that the role allows.",
)
@click.option("--group", default="", metavar="GROUP", help="Events of this group: its URI, id or name.")
@signs_in
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(events: tuple[str, ...], callback: str, scope: str | None, group: str, *, as_json: bool) -> None:
    """Have events posted to an address; one that is there already is taken as it is.

    EVENT is one of those in README, such as invitee.created or invitee.rescheduled.
    """
    with connect() as connection:
        told = connection.subscribe(events, callback, scope=scope or "", group=group)
    if as_json:
        import json
        from dataclasses import asdict

        click.echo(json.dumps({"subscriptions": [asdict(one) for one in told]}, indent=2))
        return
    rows = [("ID", "", "SCOPE", "EVENTS")]
    rows += [
        (one.id, "created" if one.created else "exists", one.scope, " ".join(one.events)) for one in told
    ]
    for line in columns(rows):
        click.echo(printable(line))
    for one in told:
        click.echo(f"note: scope {one.scope}: {printable(one.reason)}.", err=True)
