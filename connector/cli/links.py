"""`calendly-connector links`: single-use booking links, one or many."""

import click

from ..errors import UsageError
from .commands import examples
from .everyday import EverydayCommand
from .invitee_options import answer_option, invitee_params, utm_option
from .options import connect, keeps_formulas, prints_json, signs_in
from .outcomes import print_outcome


@click.command(
    "links",
    cls=EverydayCommand,
    epilog=examples(
        "links intro",
        'links intro --name "Lena Marsh" --email lena@client.example',
        "links intro --each candidates.csv --output links.csv",
    ),
)
@click.argument("event_type")
@click.option("--name", help="Fill in the invitee's name.")
@click.option("--email", help="Fill in the invitee's email.")
@answer_option
@utm_option
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
    if retry_unknown and not source:
        raise UsageError("--retry-unknown is for --each.")
    params = invitee_params(answers, utm)
    rows = [("event_type", event_type)]
    rows += [(key, value) for key, value in {"name": name, "email": email}.items() if value]
    with connect(shows_waits=not source) as connection:
        if source and output:
            from . import each

            options = each.EachOptions(source, output, params, rows, retry_unknown, keep_formulas)
            return each.report(each.run(connection, "links.create", options), options, as_json=as_json)
        result = connection.run("links.create", params, filter=rows)
    print_outcome(result, as_json=as_json, text="prefilled_url")
    return 0
