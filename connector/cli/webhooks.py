"""`calendly-connector webhooks`: subscriptions, the inbox, and the receiver (in `webhooks_listen`)."""

import json
import sys
import time
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from ..errors import UsageError
from .commands import CommandGroup, examples
from .completers import events as complete_events
from .completers import subscriptions
from .confirm import confirm, yes_option
from .options import (
    INBOX_VARIABLE,
    connect,
    default_inbox,
    inbox_option,
    prints_json,
    reject_password,
    signs_in,
)
from .terminal import counted, fits, notice, print_columns, print_details, print_json, printable
from .webhooks_listen import listen
from .webhooks_watch import watch_options, watch_subscriptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..events.subscriptions import Finding, Repair
    from ..events.subscriptions.probe import Diagnosis

_DAY_S: Final = 86_400.0
_STATES: Final = {
    "waiting": "not handled yet",
    "dead": "failed too many times; --revive retries them",
    "delivered": "handled",
    "filtered": "not selected by the events or filters",
    "merged": "merged into another event",
}


@click.group(
    "webhooks",
    cls=CommandGroup,
    epilog=examples(
        "webhooks subscribe invitee.created --to https://hooks.acme.example/calendly",
        "webhooks listen --port 8000 --print",
    ),
)
def command() -> None:
    """Receive and manage webhooks.

    Each subscription has a random id in its callback URL and its own signing key, which is kept in the vault.
    """


command.add_command(listen)


@command.command("inbox", epilog=examples("webhooks inbox", "webhooks inbox --revive"))
@inbox_option
@click.option("--revive", is_flag=True, help="Retry events that failed too many times.")
@click.option(
    "--forget-days",
    type=click.FloatRange(min=2),
    metavar="DAYS",
    help="Forget events completed more than DAYS ago. If Calendly sends one again, it counts as new.",
)
@prints_json("Print the counts as JSON.")
@click.pass_context
def inbox_(
    context: click.Context, inbox: str | None, forget_days: float | None, *, revive: bool, as_json: bool
) -> None:
    """Count events in the inbox, and retry failed ones."""
    reject_password(context, "inbox", INBOX_VARIABLE)

    from ..events.inbox import open_inbox

    with closing(open_inbox(inbox or default_inbox())) as opened:
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
        click.echo(f"{count:>8}  {name:<11}{_STATES.get(name, '')}".rstrip())


@command.command(
    "subscribe",
    epilog=examples(
        "webhooks subscribe invitee.created invitee.canceled --to https://hooks.acme.example/calendly"
    ),
)
@click.argument("events", nargs=-1, required=True, metavar="EVENT...", shell_complete=complete_events)
@click.option("--to", "callback", required=True, metavar="URL", help="The URL of your receiver.")
@click.option(
    "--scope",
    type=click.Choice(["organization", "user", "group"]),
    help="Whose events to send. Default: the widest scope that your role allows.",
)
@click.option("--group", default="", metavar="GROUP", help="The group for --scope group: a URI, id or name.")
@signs_in
@prints_json()
def subscribe(
    events: tuple[str, ...], callback: str, scope: str | None, group: str, *, as_json: bool
) -> None:
    """Subscribe a URL to events.

    An existing identical subscription is reused. Events have names such as invitee.created and
    invitee.rescheduled; an unknown name is answered with all of them.
    """
    with connect() as connection:
        subscriptions = connection.subscribe(events, callback, scope=scope or "", group=group)
    if as_json:
        print_json({"subscriptions": [asdict(one) for one in subscriptions]})
        return
    rows = [("ID", "STATUS", "SCOPE", "EVENTS")]
    rows += [
        (one.id, "created" if one.created else "exists", one.scope, " ".join(one.events))
        for one in subscriptions
    ]
    print_columns(rows)
    for one in subscriptions:
        notice("note", f"scope {one.scope}: {one.reason}.")


@command.command("list", epilog=examples("webhooks list"))
@signs_in
@prints_json()
def list_(*, as_json: bool) -> None:
    """List all subscriptions and their status.

    Includes subscriptions that this installation didn't create.
    """
    with connect() as connection:
        findings = connection.subscriptions().audit()
    if as_json:
        print_json({"subscriptions": [finding.to_dict() for finding in findings]})
        return
    _print_findings(findings)
    if repairs := sum(bool(finding.repair) for finding in findings):
        notice(
            "note", f"{counted(repairs, 'subscription')} to repair. Run: calendly-connector webhooks prune"
        )


@command.command("unsubscribe", epilog=examples("webhooks unsubscribe ID"))
@click.argument("subscription_id", metavar="ID", shell_complete=subscriptions)
@signs_in
@yes_option
@prints_json("Print JSON, and never ask.")
def unsubscribe(subscription_id: str, *, yes: bool, as_json: bool) -> None:
    """Delete a subscription in Calendly, then its key."""
    confirm(
        f"This deletes the subscription {subscription_id}: its URL gets no more events.", yes=yes or as_json
    )
    with connect() as connection:
        deleted = connection.unsubscribe(subscription_id)
    if not deleted:
        raise UsageError(
            f"No subscription {subscription_id!r} is stored here.",
            fix="`calendly-connector webhooks list` shows the subscriptions.",
        )
    if as_json:
        click.echo(json.dumps({"ended": subscription_id}))
    else:
        click.echo(f"Deleted {subscription_id} and its key.")


@command.command("rotate", epilog=examples("webhooks rotate ID"))
@click.argument("subscription_id", metavar="ID", shell_complete=subscriptions)
@signs_in
@prints_json()
def rotate(subscription_id: str, *, as_json: bool) -> None:
    """Replace a subscription with one that has a new key.

    The old subscription is deleted once the new one is active.
    """
    with connect() as connection:
        subscription = connection.subscriptions().rotate(subscription_id)
    if as_json:
        print_json({"subscription": asdict(subscription), "ended": subscription_id})
    else:
        click.echo(f"Replaced {subscription_id} with {subscription.id}.")


@command.command("prune", epilog=examples("webhooks prune", "webhooks prune --yes"))
@click.option("--yes", is_flag=True, help="Repair without asking, except orphans at unknown URLs.")
@click.option("--to", "callback", default="", metavar="URL", help="With --yes: this URL is yours, too.")
@signs_in
@prints_json("Print JSON, and never ask.")
def prune(callback: str, *, yes: bool, as_json: bool) -> int:
    """Repair subscriptions, asking before each change.

    Finds orphaned, duplicated, disabled, pending and forgotten subscriptions. An orphan may belong to another
    installation with its own vault, so --yes deletes only orphans whose URL a subscription in this vault
    uses, too. Exits with code 1 if something is left to repair.
    """
    with connect() as connection:
        subscriptions = connection.subscriptions()
        findings = subscriptions.audit()
        repairs = subscriptions.prune(findings, _consent(findings, callback, yes=yes, asks=not as_json))
    if as_json:
        print_json(
            {
                "repairs": [
                    {**repair.finding.to_dict(), "outcome": repair.outcome, "error": repair.message}
                    for repair in repairs
                ]
            }
        )
    else:
        for repair in repairs:
            click.echo(_line(repair))
        if not repairs:
            click.echo("Nothing to repair.")
    return 0 if all(repair.outcome in {"done", "changed"} for repair in repairs) else 1


@command.command(
    "doctor",
    epilog=examples(
        "webhooks doctor",
        "webhooks doctor https://hooks.acme.example/calendly",
        "webhooks doctor --watch --every 300",
    ),
)
@click.argument("address", metavar="[URL]", default="")
@watch_options
@signs_in
@prints_json("Print JSON; with --watch, a line per change.")
def doctor(address: str, *, watch: bool, every: float, as_json: bool) -> int:
    """Diagnose why a URL can't be reached. Default: your subscriptions and their URLs.

    Sends one POST without a signature or credentials to each URL; a working receiver rejects it. With a URL,
    no credential is needed. Exits with code 1 if a problem is found.

    --watch keeps looking at your subscriptions, and sends nothing to their URLs. It prints what changes, and
    exits with code 1 as soon as Calendly has disabled one or no longer has it, because it tells nobody.
    """
    if watch:
        return watch_subscriptions(address, every_s=every, as_json=as_json)
    from ..events.subscriptions.probe import probe

    findings: list[Finding] = []
    urls = [address]
    if not address:
        with connect() as connection:
            findings = connection.subscriptions().audit()
        urls = [one.url for one in findings if one.kind in {"healthy", "retrying", "disabled"}]
    diagnoses = {url: probe(url) for url in dict.fromkeys(urls)}
    if as_json:
        print_json(
            {
                "subscriptions": [finding.to_dict() for finding in findings],
                "addresses": {url: [asdict(each) for each in found] for url, found in diagnoses.items()},
            }
        )
    else:
        if not address:
            _print_findings(findings)
            click.echo()
        for url, found in diagnoses.items():
            _print_diagnoses(url, found)
    repairs = any(finding.repair for finding in findings)
    errors = any(each.severity == "error" for found in diagnoses.values() for each in found)
    return 1 if repairs or errors else 0


def _print_findings(findings: "Sequence[Finding]") -> None:
    """Print subscriptions, as a table if the terminal is wide enough, then the problems that they have."""
    shown = [one for one in findings if one.url]
    cells = [(one.kind, one.id or "-", one.scope, one.base, " ".join(one.events)) for one in shown]
    rows = [("STATE", "ID", "SCOPE", "URL", "EVENTS"), *cells]
    if not shown:
        click.echo("no subscriptions")
    elif fits(rows):
        print_columns(rows)
    else:
        for state, id_, scope, url, events in cells:
            click.echo(printable(f"{state}  {url}"))
            print_details([("id", id_), ("scope", scope), ("events", events)], label_width=len("events"))
    for one in findings:
        if one.kind == "unlisted":
            notice("note", one.message)
        elif one.message and one.kind != "foreign":
            click.echo(printable(f"{one.kind} {one.id}: {one.message}"))


def _print_diagnoses(url: str, diagnoses: "Sequence[Diagnosis]") -> None:
    click.echo(printable(url))
    for one in diagnoses:
        click.echo(f"  {one.severity:<8} {printable(one.message)}")
        if one.fix:
            click.echo(f"           {one.fix}")


def _consent(
    findings: "Sequence[Finding]", callback: str, *, yes: bool, asks: bool
) -> "Callable[[Finding], bool]":
    """Return the function that approves repairs: by --yes, or by asking at the terminal."""
    from ..events.subscriptions.urls import checked

    own_urls = {finding.base for finding in findings if finding.kind not in {"orphaned", "foreign"}}
    own_urls |= {checked(callback)} if callback else set()
    asks = asks and not yes and sys.stdin.isatty()

    def consent(finding: "Finding") -> bool:
        if yes:
            return finding.kind != "orphaned" or finding.base in own_urls
        return asks and click.confirm(
            printable(f"{_named(finding)} {finding.message} Repair ({finding.repair})?")
        )

    return consent


def _line(repair: "Repair") -> str:
    finding = repair.finding
    flags = f"--yes --to {finding.base}" if finding.kind == "orphaned" else "--yes"
    outcome = {
        "done": f"repaired ({finding.repair})",
        "left": f"not repaired. {finding.message} Pass {flags} to repair it ({finding.repair}).",
        "changed": "changed in the meantime. Run the command again.",
        "failed": f"failed ({finding.repair}): {repair.message}",
    }[repair.outcome]
    return printable(f"{_named(finding)} {outcome}")


def _named(finding: "Finding") -> str:
    return f"{finding.kind} {finding.id} at {finding.base}:"
