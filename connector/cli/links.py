"""`calendly-connector links`: single-use booking links, one or many."""

import sys
from typing import Any

import click

from ..errors import UsageError
from .book import pairs
from .commands import examples
from .options import connect, keeps_formulas, key_values, prints_json, signs_in
from .terminal import notice, print_json


@click.command(
    "links",
    epilog=examples(
        "links intro",
        'links intro --name "Lena Marsh" --email lena@client.example',
        "links intro --each candidates.csv --output links.csv",
    ),
)
@click.argument("event_type")
@click.option("--name", help="Fill in the invitee's name.")
@click.option("--email", help="Fill in the invitee's email.")
@click.option(
    "--answer", "answers", metavar="QUESTION=ANSWER", multiple=True, help="Fill in an answer; repeatable."
)
@click.option("--utm", metavar="KEY=VALUE", multiple=True, help="Such as source=newsletter; repeatable.")
@click.option(
    "--each",
    "source",
    metavar="FILE",
    help="A link for each row of FILE: CSV, JSON or JSON lines, with columns such as name and email.",
)
@click.option("--output", metavar="FILE", help="With --each: where to write the rows with their links.")
@click.option("--retry-unknown", is_flag=True, help="With --each: repeat rows whose outcome is unknown, too.")
@keeps_formulas
@signs_in
@prints_json()
def command(  # noqa: PLR0913 - one per option
    event_type: str,
    name: str | None,
    email: str | None,
    answers: tuple[str, ...],
    utm: tuple[str, ...],
    source: str | None,
    output: str | None,
    *,
    retry_unknown: bool,
    keep_formulas: bool,
    as_json: bool,
) -> int:
    """Create a booking link for EVENT_TYPE that works once, or one for each row of a file.

    With --each, run the same command again to resume: a row that has its link keeps it.
    """
    if bool(source) != bool(output):
        raise UsageError("--each and --output belong together.", fix="Pass both.")
    params: dict[str, Any] = {}
    if answers:
        params["answers"] = dict(pairs(answers, "--answer"))
    if utm:
        params["tracking"] = {f"utm_{key}": value for key, value in key_values(utm)}
    rows = [("event_type", event_type)]
    rows += [(key, value) for key, value in {"name": name, "email": email}.items() if value]
    with connect() as connection:
        if source and output:
            from . import each

            options = each.EachOptions(source, output, params, rows, retry_unknown, keep_formulas)
            return each.report(each.run(connection, "links.create", options), options, as_json=as_json)
        result = connection.run("links.create", params, filter=rows)
    record = result.record or {}
    if as_json or not sys.stdout.isatty():
        print_json({"record": record, "action": result.action, "warnings": list(result.warnings)})
    else:
        click.echo(record["prefilled_url"] or record["url"])
    for warning in result.warnings:
        notice("warning", warning)
    return 0
