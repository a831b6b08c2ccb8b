"""Parts of which pages are made: headings, links, times, notices and texts to copy."""

from collections.abc import Callable

from nicegui import ui

from ...errors import ConnectorError
from ..workspace import moments
from ..workspace.model import Finding
from .acting import succeeded
from .looks import FAULT, LINK, QUIET, of_severity


def heading(text: str, *, level: int = 2) -> ui.label:
    """Add a heading."""
    size = "text-lg" if level == 2 else "text-base"  # noqa: PLR2004 - the levels of headings
    return ui.label(text).classes(f"{size} font-medium break-words").props(f"role=heading aria-level={level}")


def link(text: str, target: str) -> ui.link:
    """Add a link to another page."""
    return ui.link(text, target).classes(LINK)


def external(text: str, address: str) -> None:
    """Draw a link to another site."""
    with (
        ui.link(target=address, new_tab=True)
        .classes(f"inline-flex items-center gap-1 {LINK}")
        .props("rel=noopener")
    ):
        ui.label(text)
        ui.icon("open_in_new").classes("text-sm").props("aria-hidden=true")


def moment(time: float | None, now: float) -> None:
    """Show a time as seen from now, with the exact one as a tooltip."""
    if time is not None:
        with ui.label(moments.when(time, now)).classes(f"whitespace-nowrap {QUIET}"):
            ui.tooltip(moments.moment(time))


def panel(error: ConnectorError) -> None:
    """Draw an error with its fix."""
    notice(error.message, error.fix, FAULT).props("role=alert")


def notice(title: str, text: str, colors: str, *, icon: str = "error") -> ui.row:
    """Draw a panel that says what is wrong, in the classes FAULT or WARNING."""
    row = ui.row().classes(f"w-full items-start no-wrap rounded px-4 py-3 gap-3 {colors}")
    with row:
        ui.icon(icon).classes("text-xl").props("aria-hidden=true")
        with ui.column().classes("gap-1 min-w-0"):
            ui.label(title).classes("font-medium break-words max-w-full whitespace-pre-wrap")
            if text:
                ui.label(text).classes("break-words max-w-full whitespace-pre-wrap")
    return row


def finding(one: Finding) -> None:
    """Draw what the doctor says about an address."""
    look = of_severity(one.severity)
    with ui.row().classes("w-full items-start no-wrap gap-2"):
        ui.icon(look.icon, size="20px").classes(look.color).props("aria-hidden=true")
        with ui.column().classes("gap-0 min-w-0"):
            ui.label(one.message).classes("break-words max-w-full")
            if one.fix:
                ui.label(one.fix).classes(f"break-words max-w-full {QUIET}")


def copy_button(text: str, label: str) -> None:
    """Add a button that copies a text."""

    def copy() -> None:
        ui.clipboard.write(text)
        succeeded("Copied.")

    button = ui.button(icon="content_copy", on_click=copy).props("flat round dense")
    button.props["aria-label"] = label


def nothing(icon: str, title: str, text: str, then: Callable[[], object]) -> None:
    """Say that there is nothing yet, why, and what to do next. `then` adds a link or buttons."""
    with ui.column().classes("w-full items-center gap-2 py-16 px-4"):
        ui.icon(icon, size="48px").classes(QUIET).props("aria-hidden=true")
        heading(title).classes("text-center")
        if text:
            ui.label(text).classes(f"text-center max-w-lg {QUIET}")
        then()


def json_text(text: str, title: str) -> None:
    """Draw JSON as text to read and copy."""
    box = "w-full overflow-auto max-h-96 rounded border border-gray-400 dark:border-gray-600 p-3"
    with ui.element("div").classes(box).props("tabindex=0 role=region") as place:
        place.props["aria-label"] = title
        ui.label(text).classes("whitespace-pre font-mono text-xs")
