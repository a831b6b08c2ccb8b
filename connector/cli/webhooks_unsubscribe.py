"""`calendly-connector webhooks unsubscribe`."""

import click

from ..errors import UsageError
from .options import connect, signs_in


@click.command("unsubscribe")
@click.argument("subscription_id", metavar="ID")
@signs_in
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(subscription_id: str, *, as_json: bool) -> None:
    """End a subscription at Calendly, then forget its key."""
    with connect() as connection:
        ended = connection.unsubscribe(subscription_id)
    if not ended:
        raise UsageError(
            f"There is no subscription {subscription_id!r} of ours.",
            fix="`calendly-connector webhooks list` shows those that are there.",
        )
    if as_json:
        import json

        click.echo(json.dumps({"ended": subscription_id}))
    else:
        click.echo(f"Ended {subscription_id}; its key is forgotten.")
