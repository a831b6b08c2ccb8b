"""`calendly-connector webhooks list`."""

import click

from .findings import print_findings
from .session import connect, signs_in


@click.command("list")
@signs_in
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, as_json: bool) -> None:
    """Show all subscriptions, ours and others, and how each one stands."""
    with connect() as connection:
        found = connection.subscriptions().audit()
    if as_json:
        import json

        click.echo(json.dumps({"subscriptions": [finding.to_dict() for finding in found]}, indent=2))
        return
    print_findings(found)
    if repairs := sum(bool(finding.repair) for finding in found):
        click.echo(f"note: {repairs} to repair: `calendly-connector webhooks prune`.", err=True)
