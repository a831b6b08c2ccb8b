"""`calendly-connector webhooks doctor`."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from .findings import print_findings
from .output import printable
from .session import connect, signs_in

if TYPE_CHECKING:
    from ..events.subscriptions import Finding
    from ..events.subscriptions.probe import Diagnosis


@click.command("doctor")
@click.argument("address", metavar="[URL]", default="")
@signs_in
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(address: str, *, as_json: bool) -> int:
    """Say why an address cannot be reached; without one, examine all subscriptions of ours.

    One post goes to each address, without a signature and without credentials: a good receiver refuses it.
    With an address nobody signs in. Exit code 1: something is wrong.
    """
    from ..events.subscriptions.probe import probe

    found: list[Finding] = []
    if not address:
        with connect() as connection:
            found = connection.subscriptions().audit()
    wanted = (
        [address]
        if address
        else [one.url for one in found if one.kind in {"healthy", "retrying", "disabled"}]
    )
    told = {one: probe(one) for one in dict.fromkeys(wanted)}
    if as_json:
        import json

        document = {
            "subscriptions": [finding.to_dict() for finding in found],
            "addresses": {one: [asdict(each) for each in diagnoses] for one, diagnoses in told.items()},
        }
        click.echo(json.dumps(document, indent=2))
    else:
        if not address:
            print_findings(found)
            click.echo()
        for one, diagnoses in told.items():
            _print(one, diagnoses)
    well = not any(finding.repair for finding in found)
    reached = not any(each.severity == "error" for diagnoses in told.values() for each in diagnoses)
    return 0 if well and reached else 1


def _print(address: str, diagnoses: "list[Diagnosis]") -> None:
    click.echo(printable(address))
    for one in diagnoses:
        click.echo(f"  {one.severity:<8} {printable(one.message)}")
        if one.fix:
            click.echo(f"           {one.fix}")
