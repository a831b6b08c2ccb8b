"""Tests one step with sample data: reads run at once, writes show their request first."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from ...errors import ConnectorError
from ..workspace import audit, draft_edits, trials
from ..workspace.trials import Trial, TrialResult
from .acting import carry_out
from .editor_state import Editor, dialog
from .parts import heading

_TEXT = "w-full whitespace-pre-wrap break-all font-mono text-xs p-2 rounded bg-gray-100 dark:bg-gray-800"


def trial(editor: Editor, number: int) -> None:
    """Add the button, and the place for what it finds."""
    button = (
        ui.button("Test this step", icon="play_arrow")
        .props("outline no-caps dense")
        .classes("self-start px-2")
    )
    button.props["aria-label"] = f"Test step {number + 1}"
    place = ui.column().classes("w-full gap-1").props("aria-live=polite")

    async def act() -> None:
        button.disable()
        try:
            await _test(editor, number, place)
        finally:
            button.enable()

    button.on_click(act)


async def _test(editor: Editor, number: int, place: ui.column) -> None:
    place.clear()
    flow, samples, workspace = editor.flow, editor.samples, editor.workspace

    def failed(error: ConnectorError) -> None:
        with place:
            _failed(error)

    if samples.event is None:
        await carry_out(trials.load_event, workspace, flow, samples)
    _, prepared = await carry_out(trials.prepare, workspace, flow, number, samples, show=failed)
    if prepared is None or not (prepared.is_read or await _ask(prepared)):
        return
    if not prepared.is_read:
        audit.note(editor.person, "flow.test_step", flow.name, action=flow.steps[number].call.action)
    _, found = await carry_out(trials.run, workspace, flow, number, samples, show=failed)
    if found is not None:
        with place:
            _show(prepared, found)


async def _ask(prepared: Trial) -> bool:
    """Show the exact request of a write, and ask."""
    title = "Send this for real?"
    with dialog(title) as asking, ui.card().classes("w-full max-w-2xl"):
        heading(title)
        ui.label(f"{prepared.action} changes data. It uses sample data, and is sent once.")
        for request in prepared.requests:
            ui.label(_line(request)).classes("font-medium break-all")
            body = {
                name: value
                for name, value in request.items()
                if name not in {"action", "method", "url"} and value
            }
            ui.label(trials.as_text(body)).classes(f"{_TEXT} max-h-80 overflow-auto").props("tabindex=0")
        with ui.row().classes("w-full justify-end"):
            ui.button("Cancel", on_click=lambda: asking.submit(False)).props("flat no-caps")
            ui.button("Send it", on_click=lambda: asking.submit(True)).props("no-caps")
    answer = await asking
    asking.delete()
    return bool(answer)


def _line(request: Mapping[str, Any]) -> str:
    return f"{request.get('method', request.get('action', ''))} {request.get('url', '')}".strip()


def _failed(error: ConnectorError) -> None:
    with ui.row().classes("w-full items-start no-wrap text-red-700 dark:text-red-300").props("role=alert"):
        ui.icon("error")
        ui.label(f"{error.message} {error.fix}".rstrip()).classes("break-words min-w-0")


def _show(prepared: Trial, found: TrialResult) -> None:
    with ui.row().classes("items-center no-wrap text-green-800 dark:text-green-300"):
        ui.icon("check_circle")
        ui.label(f"It works. {found.summary}")
    if prepared.is_skipped:
        ui.label("With this sample its conditions don't hold, so a run would skip the step.").classes(
            "text-sm"
        )
    for warning in found.warnings:
        ui.label(warning).classes("text-sm")
    _block("Sent", "\n".join(f"{key} = {draft_edits.shown(value)}" for key, value in prepared.rows))
    _block("Returned", trials.as_text({name: value for name, value in found.result.items() if value}))


def _block(title: str, text: str) -> None:
    if text:
        ui.label(title).classes("text-sm font-medium")
        block = ui.label(text).classes(f"{_TEXT} max-h-72 overflow-auto").props("tabindex=0 role=region")
        block.props["aria-label"] = title
