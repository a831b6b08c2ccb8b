"""`calendly-connector webhooks prune`."""

import sys
from collections.abc import Callable, Sequence

import click

from ..events.subscriptions import Finding, Repair
from .output import printable
from .session import connect, signs_in


@click.command("prune")
@click.option("--yes", is_flag=True, help="Repair without asking, but for orphans at an unknown address.")
@click.option("--to", "callback", default="", metavar="URL", help="With --yes: this address is ours, too.")
@signs_in
@click.option("--json", "as_json", is_flag=True, help="Print JSON; asks nothing.")
def command(callback: str, *, yes: bool, as_json: bool) -> int:
    """Repair subscriptions, each with consent: orphaned, duplicated, disabled, pending, forgotten.

    An orphan may belong to another installation, with a vault of its own: --yes deletes only those at an
    address that a subscription in this vault has, too. Exit code 1: something is left to repair.
    """
    with connect() as connection:
        subscriptions = connection.subscriptions()
        found = subscriptions.audit()
        repairs = subscriptions.prune(found, _consent(found, callback, yes=yes, asks=not as_json))
    if as_json:
        import json

        told = [
            {**repair.finding.to_dict(), "outcome": repair.outcome, "error": repair.message}
            for repair in repairs
        ]
        click.echo(json.dumps({"repairs": told}, indent=2))
    else:
        for repair in repairs:
            click.echo(_line(repair))
        if not repairs:
            click.echo("Nothing to repair.")
    return 0 if all(repair.outcome in {"done", "changed"} for repair in repairs) else 1


def _consent(found: Sequence[Finding], callback: str, *, yes: bool, asks: bool) -> Callable[[Finding], bool]:
    """Give what decides: --yes, or the person at the terminal; without either nothing is touched."""
    from ..events.subscriptions.urls import checked

    ours = {finding.base for finding in found if finding.kind not in {"orphaned", "foreign"}}
    ours |= {checked(callback)} if callback else set()
    asks = asks and not yes and sys.stdin.isatty()

    def consent(finding: Finding) -> bool:
        if yes:
            return finding.kind != "orphaned" or finding.base in ours
        return asks and click.confirm(
            printable(f"{_named(finding)} {finding.message} Repair ({finding.repair})?")
        )

    return consent


def _line(repair: Repair) -> str:
    finding = repair.finding
    how = f"--yes --to {finding.base}" if finding.kind == "orphaned" else "--yes"
    words = {
        "done": f"repaired ({finding.repair})",
        "left": f"left as it is. {finding.message} With {how}: {finding.repair}",
        "changed": "changed meanwhile, see again",
        "failed": f"failed ({finding.repair}): {repair.message}",
    }
    return printable(f"{_named(finding)} {words[repair.outcome]}")


def _named(finding: Finding) -> str:
    return f"{finding.kind} {finding.id} at {finding.base}:"
