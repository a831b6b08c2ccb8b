"""`calendly-connector check`: the credential report."""

from collections import Counter
from dataclasses import asdict

import click

from ..contract import Ability, CheckReport
from .options import connect, signs_in
from .output import printable

_SIGNED_IN = {"ok", "missing_scope", "forbidden"}


@click.command("check")
@signs_in
@click.option("--deep", is_flag=True, help="Also try one harmless read per scope family.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
def command(*, deep: bool, as_json: bool) -> int:
    """Say who a credential is and what it can do, or what exactly is wrong with it."""
    with connect() as connection:
        report = connection.check(deep=deep)
    if as_json:
        import json

        click.echo(json.dumps({"ok": report.ok, **asdict(report)}, indent=2))
    else:
        for line in lines(report):
            click.echo(printable(line))
    return 0 if report.ok else 1


def lines(report: CheckReport) -> list[str]:
    """Word a report for a person."""
    told = [f"{report.outcome}: {report.message}"]
    if report.fix:
        told.append(f"  what to do    {report.fix}")
    if report.user:
        told.append(f"  user          {report.user['uri']}, {report.user['timezone']}")
        told.append(f"  organization  {report.organization}, role {report.role or 'not known'}")
    if report.owner:
        told.append(f"  signed in     {report.owner}, access token until {report.expires_at}")
    if report.scopes and report.outcome in _SIGNED_IN:
        told += [f"  scopes        {_grouped(report)}", f"  actions       {_abilities(report)}"]
    if limit := report.rate_limit:
        again = "" if limit.reset_s is None else f", all again in {limit.reset_s} s"
        told.append(f"  rate limit    {limit.remaining} of {limit.limit} requests a minute left{again}")
    if report.clock_skew_s is not None:
        told.append(f"  clock         {abs(report.clock_skew_s):.1f} s from Calendly's")
    return told + [f"  note          {note}" for note in report.notes]


def _grouped(report: CheckReport) -> str:
    groups = {
        state: [scope for scope, known in report.scopes.items() if known == state]
        for state in ("granted", "refused", "untried")
    }
    return "; ".join(f"{state}: {', '.join(scopes)}" for state, scopes in groups.items() if scopes)


def _abilities(report: CheckReport) -> str:
    count = Counter(verdict.ability for verdict in report.actions.values())
    abilities: tuple[Ability, ...] = ("can", "cannot", "unknown")
    return ", ".join(f"{ability} {count[ability]}" for ability in abilities if count[ability])
