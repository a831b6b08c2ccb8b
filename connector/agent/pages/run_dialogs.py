"""The dialogs of a run: carry it out again, and say whether its write happened."""

from collections.abc import Awaitable, Callable
from typing import Final

from nicegui import ui

from ...errors import ConnectorError
from ..workspace import Workspace, runs
from ..workspace.run_view import RunView
from . import layout
from .acting import attempt, carry_out, succeeded
from .looks import AMBER, RED
from .parts import heading

Reload = Callable[[], Awaitable[None]]
_FIRST: Final = "The first step that didn't succeed"


async def replay(workspace: Workspace, view: RunView, reload: Reload) -> None:
    """Ask from which step, and with which version, then carry the run out again."""
    done, versions = await carry_out(runs.versions, workspace, view.id)
    if not (done and versions):
        return
    person = layout.person()
    with ui.dialog() as dialog, ui.card().classes("w-full max-w-lg gap-4"):
        heading("Replay this run")
        newest = max(versions)
        version = (
            ui.select(
                {number: f"{number} (newest)" if number == newest else str(number) for number in versions},
                label="Version of the flow",
                value=newest,
            )
            .classes("w-full")
            .props("outlined")
        )
        step = ui.select(_steps(versions[newest]), label="Start at", value="")
        step.classes("w-full").props("outlined")
        version.on_value_change(lambda: step.set_options(_steps(versions[version.value]), value=""))
        with ui.row().classes("items-start no-wrap gap-2") as warning:
            ui.icon("warning").classes(f"{AMBER} text-lg")
            ui.label("This step and those after it are carried out again, even if they succeeded before.")
        warning.bind_visibility_from(step, "value", bool)
        error = ui.label().classes(RED).props("role=alert")

        async def send() -> None:
            _, problem = await attempt(
                runs.replay, workspace, person, view.id, from_step=step.value or "", version=version.value
            )
            await _ended(problem, error, dialog, "The run is carried out again.", reload)

        _buttons(dialog, "Replay", send)
    _open(dialog)


async def decide(workspace: Workspace, view: RunView, reload: Reload) -> None:
    """Ask whether the write happened, with what is known about it; then the run goes on."""
    person = layout.person()
    with ui.dialog() as dialog, ui.card().classes("w-full max-w-lg gap-4"):
        heading("Did the write happen?")
        for trouble in view.trouble:
            ui.label(f"{trouble.message} {trouble.fix}".strip()).classes("break-words max-w-full")
        choice = ui.radio(
            {
                "yes": "Yes. The run goes on with the next step.",
                "no": "No. It is sent again.",
            }
        ).props("aria-label='Did the write happen?'")
        record = ui.textarea("What it returned, as JSON (only if later steps use it)").classes("w-full")
        record.props("outlined autogrow input-class=font-mono").bind_visibility_from(
            choice, "value", lambda value: value == "yes"
        )
        error = ui.label().classes(RED).props("role=alert")

        async def send() -> None:
            if choice.value not in {"yes", "no"}:
                error.text = "Choose one of the two."
                return
            happened, text = choice.value == "yes", record.value or ""
            _, problem = await attempt(
                runs.decide, workspace, person, view.id, happened=happened, record=text
            )
            await _ended(problem, error, dialog, "The run goes on.", reload)

        _buttons(dialog, "Decide", send)
    _open(dialog)


def _steps(names: list[str]) -> dict[str, str]:
    return {"": _FIRST} | {name: f"Step {name}" for name in names}


def _buttons(dialog: ui.dialog, word: str, send: Callable[[], Awaitable[None]]) -> None:
    with ui.row().classes("w-full justify-end"):
        ui.button("Cancel", on_click=dialog.close).props("flat no-caps")
        ui.button(word, on_click=send).props("no-caps")


def _open(dialog: ui.dialog) -> None:
    dialog.on("hide", dialog.delete)
    dialog.open()


async def _ended(
    problem: ConnectorError | None, error: ui.label, dialog: ui.dialog, done: str, reload: Reload
) -> None:
    if problem is not None:
        error.text = str(problem)
        return
    succeeded(done)
    dialog.close()
    await reload()
