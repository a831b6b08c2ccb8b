"""Deploys what a person edits: what is wrong, who was faster, and what to do next."""

from collections.abc import Awaitable, Callable
from typing import Final

from nicegui import ui

from ...errors import ConnectorError
from ..workspace import draft_deployment
from ..workspace.draft_deployment import Conflict, Done, NameTaken
from .acting import carry_out
from .editor_state import Editor, dialog
from .parts import heading

_SHOW: Final = "getHtmlElement({})?.scrollIntoView({{block: 'center'}})"


async def deploy(
    editor: Editor, *, reload: Callable[[str, int], Awaitable[None]], over: bool = False
) -> None:
    """Deploy the draft. `reload` replaces what is edited by a text and its version."""
    await editor.check()
    count = len(editor.draft.errors) + len(editor.unread)
    if count:
        if first := editor.ask_for_all():
            ui.run_javascript(_SHOW.format(first.id))
        what = "1 problem keeps" if count == 1 else f"{count} problems keep"
        ui.notify(f"Nothing was deployed: {what} the flow from running.", type="negative")
        return
    draft = editor.draft
    _, found = await carry_out(
        draft_deployment.deploy,
        editor.workspace,
        editor.person,
        editor.opened,
        draft,
        over=over,
        show=lambda error: _rejected(editor, error),
    )
    if isinstance(found, Conflict):
        _conflict(editor, found, reload)
    elif found is not None:
        editor.opened = draft_deployment.deployed(found, draft)
        _done(found)


def _rejected(editor: Editor, error: ConnectorError) -> None:
    if isinstance(error, NameTaken):
        editor.entry("name", f"{error.message} {error.fix}")
    text = f"Nothing was deployed. {error.message} {error.fix}".rstrip()
    ui.notify(text, type="negative", multi_line=True, close_button="Close", timeout=15_000)


def _done(done: Done) -> None:
    title = f"{done.name} is deployed, version {done.version}."
    with dialog(title) as shown, ui.card().classes("w-full max-w-xl gap-3"):
        heading(title)
        if done.warning:
            ui.label(done.warning).classes("text-amber-800 dark:text-amber-300").props("role=alert")
        if done.url:
            with ui.row().classes("w-full items-center no-wrap gap-2"):
                url = ui.input("Process Flow URL", value=done.url).props("readonly dense outlined")
                url.classes("grow min-w-0")
                copy = ui.button(icon="content_copy", on_click=lambda: _copy(done.url)).props(
                    "flat round dense"
                )
                copy.props["aria-label"] = "Copy the Process Flow URL"
            events = ", ".join(done.events)
            ui.label(
                f"Subscribed to {events}."
                if done.is_subscribed
                else f"It waits for {events}. A webhook subscription must post them to this URL."
            )
        with ui.row().classes("w-full justify-end items-center"):
            ui.button("Keep editing", on_click=shown.close).props("flat no-caps")
            ui.button("Open the flow", on_click=lambda: ui.navigate.to(f"/flows/{done.name}")).props(
                "no-caps"
            )
    shown.open()


def _copy(text: str) -> None:
    ui.clipboard.write(text)
    ui.notify("Copied.")


def _conflict(editor: Editor, conflict: Conflict, reload: Callable[[str, int], Awaitable[None]]) -> None:
    title = "Somebody else changed this flow"
    with dialog(title).props("persistent") as shown, ui.card().classes("w-full max-w-2xl gap-3"):
        heading(title)
        ui.label(f"{conflict.message} Your changes are kept, and aren't deployed.")
        if conflict.lines:
            ui.label("Lines with + are yours, lines with - are theirs.").classes("text-sm opacity-80")
            ui.label("\n".join(conflict.lines[:400])).classes(
                "w-full whitespace-pre-wrap break-all font-mono text-xs p-2 rounded max-h-80 overflow-auto"
                " bg-gray-100 dark:bg-gray-800"
            ).props("tabindex=0 role=region aria-label=Difference")

        async def go_over() -> None:
            shown.close()
            await deploy(editor, reload=reload, over=True)

        async def load(version: int) -> None:
            shown.close()
            await reload(conflict.text, version)

        with ui.row().classes("w-full justify-end"):
            ui.button("Keep editing", on_click=shown.close).props("flat no-caps")
            if conflict.version is not None:
                version = conflict.version
                ui.button(f"Load version {version}", on_click=lambda: load(version)).props("outline no-caps")
            ui.button("Deploy mine over it", on_click=go_over).props("no-caps color=negative")
    shown.open()
