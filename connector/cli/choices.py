"""`calendly-connector choices`: what may be entered in a field."""

from functools import partial
from typing import Final

import click

from ..errors import UsageError
from .commands import examples
from .completers import fields, purposes
from .options import connect, key_values, prints_json, signs_in
from .terminal import notice, print_columns, print_json

_DEFAULT_LIMIT: Final = 100


@click.command(
    "choices",
    epilog=examples(
        "choices scheduled_events.cancel uuid",
        "choices bookings.create start_time event_type=intro",
        "choices invitee.created event_type --search demo --json",
    ),
)
@click.argument("name", metavar="ACTION", shell_complete=purposes)
@click.argument("field", shell_complete=fields)
@click.argument("rows", metavar="[KEY=VALUE]...", nargs=-1)
@signs_in
@click.option("--search", metavar="TEXT", default="", help="List only choices that contain TEXT.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"List up to N choices. Default: {_DEFAULT_LIMIT}.",
)
@click.option("--all", "is_all", is_flag=True, help="List all choices.")
@prints_json()
def command(
    name: str,
    field: str,
    rows: tuple[str, ...],
    *,
    search: str,
    limit: int | None,
    is_all: bool,
    as_json: bool,
) -> int:
    """List the choices of a field of an action or trigger.

    FIELD is a path such as event_type, location.kind or questions_and_answers[].question. KEY=VALUE
    arguments are other fields that its choices may depend on, such as event_type=intro.
    """
    if limit is not None and is_all:
        raise UsageError("--all and --limit can't be used together.")
    most = None if is_all else limit or _DEFAULT_LIMIT
    with connect() as connection:
        list_page = partial(connection.options, name, field, dict(key_values(rows)), search=search)
        page = list_page()
        options = page.options
        while page.next_page is not None and (most is None or len(options) < most):
            page = list_page(page=page.next_page)
            options += page.options
    shown, is_whole = options[:most], page.next_page is None and (most is None or len(options) <= most)
    if as_json:
        print_json(
            {
                "options": [{"label": option.label, "value": option.value} for option in shown],
                "complete": is_whole and not page.reason,
                "reason": page.reason,
                "needs": list(page.needs),
            }
        )
        return 1 if page.reason else 0
    if shown:
        print_columns([("CHOICE", "VALUE"), *((option.label, option.value) for option in shown)])
    if page.reason:
        notice("note", page.reason)
    elif not is_whole:
        notice("note", "there are more choices. Pass --all, or narrow them down with --search.")
    elif not shown:
        notice("note", "no choice contains this text." if search else "there are no choices.")
    return 1 if page.reason else 0
