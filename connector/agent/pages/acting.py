"""What a page does when a person presses a button: the work in a thread, and its errors in words."""

import logging
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

from nicegui import run, ui

from ...errors import ConnectorError

_P = ParamSpec("_P")
_T = TypeVar("_T")
_WRONG: Final = ConnectorError("Something went wrong.", fix="Try again. The agent's log says more.")
_LOGGER: Final = logging.getLogger("calendly_connector.agent")


async def attempt(
    call: Callable[_P, _T], *values: _P.args, **named: _P.kwargs
) -> tuple[_T | None, ConnectorError | None]:
    """Carry something out that blocks. Return its result, and the error if there was one.

    For errors that have a place of their own. Both are None when the agent is stopping.
    """
    try:
        return await run.io_bound(call, *values, **named), None
    except ConnectorError as error:
        return None, error
    except Exception:
        _LOGGER.exception("A page failed")
        return None, _WRONG


async def carry_out(
    act: Callable[..., Any],
    *values: Any,
    show: Callable[[ConnectorError], None] | None = None,
    **named: Any,
) -> tuple[bool, Any]:
    """Carry something out that blocks, and show its error, by `show` or as a notification.

    Return whether it succeeded, and its result.
    """
    result, error = await attempt(act, *values, **named)
    if error is not None:
        (show or say)(error)
    return error is None, result


def say(error: ConnectorError) -> None:
    """Show an error that has no place of its own."""
    ui.notify(str(error), color="red-10", icon="error", multi_line=True, timeout=15_000, close_button="Close")


def succeeded(message: str) -> None:
    """Show that something worked."""
    ui.notify(message, color="green-10", icon="check_circle", position="top")
