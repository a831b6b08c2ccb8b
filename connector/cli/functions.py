"""`calendly-connector functions`: the functions of a filter."""

import click

from ..catalog.completions import signature
from ..catalog.manifest import manifest
from ..catalog.models import Function
from .commands import examples
from .options import prints_json
from .tables import GAP, cells, cut
from .terminal import output_width, print_columns, print_json


@click.command("functions", epilog=examples("functions", "functions --json"))
@prints_json()
def command(*, as_json: bool) -> None:
    """List the ~{…}~ functions that KEY=VALUE inputs may contain, with examples.

    A time zone or weekday goes in parentheses, as in ~{StartOfWeek(Sunday)}~, and an offset after it, as in
    ~{Now+7d}~. Units are s, m, h, d, w and mo.
    """
    functions = manifest().functions.values()
    if as_json:
        print_json([as_dict(each) for each in functions])
        return
    print_columns([("FUNCTION", "DESCRIPTION"), *((signature(each), each.description) for each in functions)])
    click.echo()
    rows = [("EXAMPLE", "VALUE"), *((each.example, each.example_value) for each in functions)]
    width = output_width()
    room = width and width - GAP - max(cells(example) for example, _ in rows)
    print_columns([(example, cut(value, room) if room else value) for example, value in rows])


def as_dict(function: Function) -> dict[str, object]:
    """Return a function's declaration as JSON values."""
    return {
        "name": function.name,
        "description": function.description,
        "type": function.type,
        "arguments": list(function.arguments),
        "takes_offset": function.takes_offset,
        "secret": function.secret,
        "example": function.example,
        "example_value": function.example_value,
    }
