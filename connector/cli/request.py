"""`calendly-connector request`: any request of the API, for what the catalog does not have yet."""

import json

import click

from ..errors import UsageError
from .options import connect, signs_in
from .run import filter_rows, read_inputs


@click.command("request")
@click.argument("method")
@click.argument("path")
@click.argument("rows", metavar="[KEY=VALUE]...", nargs=-1)
@signs_in
@click.option("--input", "source", metavar="FILE", help="Take values from JSON in FILE, or - for stdin.")
def command(method: str, path: str, rows: tuple[str, ...], source: str | None) -> None:
    """Send any request, such as GET /users/me: KEY=VALUE is a read's query, or text in a write's body."""
    values = read_inputs(source)
    for key, value in filter_rows(rows):
        if key.endswith("[]"):
            values.setdefault(key.removesuffix("[]"), []).append(value)
        elif key in values:
            raise UsageError(f"{key} was given twice.", fix="Write KEY[]=VALUE for each item of a list.")
        else:
            values[key] = value
    with connect() as connection:
        click.echo(json.dumps(connection.request(method, path, values), indent=2))
