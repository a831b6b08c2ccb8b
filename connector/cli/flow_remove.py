"""`calendly-connector flow remove`: flows that nobody needs any more."""

from typing import TYPE_CHECKING, Any

import click

from ..errors import ConnectorError
from .agent_options import database_option, opened
from .commands import examples
from .confirm import confirm, yes_option
from .options import prints_json
from .terminal import counted, notice, print_json

if TYPE_CHECKING:
    from ..agent.engine.removal import RemovedFlow


@click.command("remove", epilog=examples("flow remove booking-to-chat", "flow remove old-flow --force --yes"))
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Remove it even if its webhook subscription can't be deleted.")
@yes_option
@database_option
@prints_json()
def remove(names: tuple[str, ...], *, force: bool, yes: bool, database: str | None, as_json: bool) -> int:
    """Remove flows, with all their versions.

    Deletes the webhook subscriptions that deploying them made. Their addresses then answer 404. Runs under
    way end; runs that wait fail. You still see their runs until these are cleaned up. A flow that you deploy
    again gets another address.
    """
    names = tuple(dict.fromkeys(names))
    results: list[dict[str, Any]] = []
    with opened(database) as engine:
        for name in names:
            engine.flows.require(name)
        what = f"Removes {', '.join(names)}, with all versions, the addresses, and the webhook subscriptions."
        confirm(what, yes=yes)
        for name in names:
            error = None
            try:
                removed = engine.remove(name, force=force)
            except ConnectorError as raised:
                if len(names) == 1:
                    raise
                error = raised
                results.append({"name": name, "removed": False, "error": error.to_dict()})
            else:
                results.append(_result(removed))
            if not as_json:
                _print(results[-1], error)
    if as_json:
        print_json(results)
    return 0 if all(result["removed"] for result in results) else 1


def _result(removed: "RemovedFlow") -> dict[str, Any]:
    return {
        "name": removed.name,
        "removed": True,
        "unsubscribed": removed.unsubscribed,
        "left_behind": list(removed.left_behind),
        "ended_runs": removed.ended_runs,
        "error": None,
    }


def _print(result: dict[str, Any], error: ConnectorError | None) -> None:
    if error:
        notice("error", str(error))
        return
    click.echo(f"{result['name']} is removed.")
    if result["unsubscribed"]:
        click.echo(f"  Deleted {counted(result['unsubscribed'], 'webhook subscription')}.")
    if result["ended_runs"]:
        click.echo(f"  {counted(result['ended_runs'], 'run')} that waited failed.")
    for why in result["left_behind"]:
        notice("warning", f"a webhook subscription of {result['name']} is left: {why}")
