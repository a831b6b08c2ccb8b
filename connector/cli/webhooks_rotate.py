"""`calendly-connector webhooks rotate`."""

import click

from .options import connect, signs_in


@click.command("rotate")
@click.argument("subscription_id", metavar="ID")
@signs_in
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(subscription_id: str, *, as_json: bool) -> None:
    """Replace a subscription by one with a new key; the old one ends when the new one is there."""
    with connect() as connection:
        made = connection.subscriptions().rotate(subscription_id)
    if as_json:
        import json
        from dataclasses import asdict

        click.echo(json.dumps({"subscription": asdict(made), "ended": subscription_id}, indent=2))
    else:
        click.echo(f"{made.id} takes the place of {subscription_id}.")
