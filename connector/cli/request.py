"""`calendly-connector request`: a raw API request, for endpoints that aren't in the catalog."""

import click

from ..errors import UsageError
from .commands import examples
from .confirm import confirm, yes_option
from .options import connect, key_values, read_inputs, signs_in
from .terminal import print_json


@click.command(
    "request",
    epilog=examples(
        "request GET /users/me", "request GET /event_types user=https://api.calendly.com/users/ID"
    ),
)
@click.argument("method")
@click.argument("path")
@click.argument("rows", metavar="[KEY=VALUE]...", nargs=-1)
@signs_in
@yes_option
@click.option(
    "--input", "source", metavar="FILE", help="Read values from a JSON file; - reads standard input."
)
def command(method: str, path: str, rows: tuple[str, ...], source: str | None, *, yes: bool) -> None:
    """Send a raw API request, such as GET /users/me.

    PATH may leave out its first slash. KEY=VALUE arguments are the query of a GET or DELETE request, and
    text fields of the JSON body otherwise. Use KEY[]=VALUE for each item of a list.
    """
    if "://" not in path:
        path = f"/{path.removeprefix('/')}"  # Git Bash on Windows would replace the slash by a folder
    values = read_inputs(source)
    for key, value in key_values(rows):
        if key.endswith("[]"):
            values.setdefault(key.removesuffix("[]"), []).append(value)
        elif key in values:
            raise UsageError(f"{key} is set twice.", fix="Use KEY[]=VALUE for each item of a list.")
        else:
            values[key] = value
    if method.upper() == "DELETE":
        confirm(f"This sends DELETE {path}.", yes=yes)
    with connect() as connection:
        print_json(connection.request(method, path, values))
