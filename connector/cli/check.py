"""`calendly-connector check`: what a credential is and can do."""

from collections import Counter
from dataclasses import asdict

import click

from ..contract import CheckReport
from .commands import examples
from .options import connect, prints_json, signs_in
from .terminal import print_json, print_labeled, print_outcome

_LABEL_WIDTH = 12
_SIGNED_IN = {"ok", "missing_scope", "forbidden"}


@click.command("check", epilog=examples("check", "check --deep", "check --credential work --json"))
@signs_in
@click.option("--deep", is_flag=True, help="Also send one harmless read per scope family.")
@prints_json("Print the whole report as JSON.")
def command(*, deep: bool, as_json: bool) -> int:
    """Check a credential: its owner, its permissions, and any problems.

    Exits with code 1 if the credential doesn't work.
    """
    with connect() as connection:
        report = connection.check(deep=deep)
    if as_json:
        print_json({"ok": report.ok, **asdict(report)})
    else:
        print_outcome(report.outcome, report.message, is_good=report.ok)
        for label, text in _details(report, suggest_deep=not deep):
            print_labeled(label, text, indent=2, label_width=_LABEL_WIDTH)
    return 0 if report.ok else 1


def lines(report: CheckReport) -> list[str]:
    """Return a report as lines of text: the outcome, then one labeled line per detail."""
    details = _details(report, suggest_deep=False)
    return [f"{report.outcome}: {report.message}", *(f"  {label:<12}  {text}" for label, text in details)]


def _details(report: CheckReport, *, suggest_deep: bool) -> list[tuple[str, str]]:
    details: list[tuple[str, str]] = []
    if report.fix:
        details.append(("fix", report.fix))
    if report.user:
        details.append(("user", f"{report.user['uri']}, {report.user['timezone']}"))
        details.append(("organization", f"{report.organization}, role {report.role or 'unknown'}"))
    if report.owner:
        details.append(("signed in", f"{report.owner}, access token expires at {report.expires_at}"))
    if report.scopes and report.outcome in _SIGNED_IN:
        details += [("scopes", _scopes(report)), ("actions", _actions(report, suggest_deep=suggest_deep))]
    if limit := report.rate_limit:
        reset = "" if limit.reset_s is None else f" (resets in {limit.reset_s} s)"
        details.append(("rate limit", f"{limit.remaining} of {limit.limit} requests left this minute{reset}"))
    if report.clock_skew_s is not None:
        details.append(("clock", f"{abs(report.clock_skew_s):.1f} s off Calendly's"))
    details += [("note", note) for note in report.notes]
    return details


def _scopes(report: CheckReport) -> str:
    """Return the known scopes by state; of those that were not tried, only the number."""
    groups = {
        label: [scope for scope, known in report.scopes.items() if known == state]
        for label, state in (("granted", "granted"), ("not granted", "refused"))
    }
    untried = sum(known == "untried" for known in report.scopes.values())
    parts = [f"{label}: {', '.join(scopes)}" for label, scopes in groups.items() if scopes]
    return "; ".join([*parts, f"{untried} not checked"] if untried else parts)


def _actions(report: CheckReport, *, suggest_deep: bool) -> str:
    count = Counter(verdict.ability for verdict in report.actions.values())
    counts = (
        (count["can"], "available"),
        (count["cannot"], "unavailable"),
        (count["unknown"], "not checked (try --deep)" if suggest_deep else "not checked"),
    )
    return ", ".join(f"{number} {label}" for number, label in counts if number)
