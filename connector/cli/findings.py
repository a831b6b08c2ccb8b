"""Findings as a person reads them."""

import sys
from collections.abc import Sequence

import click

from ..events.subscriptions import Finding
from .output import columns, printable, styled


def print_findings(found: Sequence[Finding]) -> None:
    """Print a table of subscriptions, then what is to be said of some."""
    listed = [finding for finding in found if finding.url]
    rows = [("STATE", "ID", "SCOPE", "ADDRESS", "EVENTS")]
    rows += [
        (one.kind, one.id or "-", one.scope, printable(one.base), " ".join(one.events)) for one in listed
    ]
    lines = columns(rows, bold=styled(sys.stdout)) if listed else ["no subscriptions"]
    for line in lines:
        click.echo(line)
    for one in found:
        if one.kind == "unlisted":
            click.echo(f"note: {printable(one.message)}", err=True)
        elif one.message and one.kind != "foreign":
            click.echo(f"{one.kind} {one.id}: {printable(one.message)}")
