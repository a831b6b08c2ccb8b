"""`calendly-connector webhooks inbox`: what is in an inbox, and what can be done about it."""

import json
import time
from contextlib import closing

import click

from .places import INBOX_VARIABLE, own_inbox, refuse_password

_DAY_S = 86_400.0
_MEANING = {
    "waiting": "to be handled",
    "dead": "failed too many times; --revive tries them again",
    "delivered": "handled",
    "filtered": "not wanted",
    "merged": "became part of another event",
}


@click.command("inbox")
@click.option("--inbox", envvar=INBOX_VARIABLE, metavar="WHERE", help="A file, or a database's URL.")
@click.option("--revive", is_flag=True, help="Try dead events again.")
@click.option(
    "--forget-days",
    type=click.FloatRange(min=2),
    metavar="N",
    help="Forget events that ended so long ago. One that Calendly sends again after that is new.",
)
@click.option("--json", "as_json", is_flag=True, help="Print counts as JSON.")
@click.pass_context
def command(
    context: click.Context, inbox: str | None, forget_days: float | None, *, revive: bool, as_json: bool
) -> None:
    """Show how many events are waiting, completed or dead."""
    refuse_password(context, "inbox", INBOX_VARIABLE)

    from ..events.inbox import open_inbox

    with closing(open_inbox(inbox or own_inbox())) as opened:
        done = {}
        if revive:
            done["revived"] = opened.requeue()
        if forget_days is not None:
            done["forgotten"] = opened.prune(time.time() - forget_days * _DAY_S)
        counts = {**done, **opened.counts()}
    if as_json:
        click.echo(json.dumps(counts))
        return
    for name, count in counts.items():
        click.echo(f"{count:>8}  {name:<10}{_MEANING.get(name, '')}".rstrip())
