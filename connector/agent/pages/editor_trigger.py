"""The part of the editor about what starts the flow."""

import re
from typing import Any, Final

from nicegui import ui

from ...support import time_zones
from ..flows import cron, file
from ..flows.model import FlowConnection
from ..workspace import choices, draft_edits
from ..workspace.choices import Choices
from ..workspace.completions import MOST, Suggestion
from .editor_rows import Rows
from .editor_state import Editor
from .parts import heading
from .suggest import Suggest

_TYPES: Final = {"triggered": "Triggered", "polling": "Polling", "manual": "By hand"}
_HELP: Final = {
    "triggered": "An event starts the flow. It is posted to the flow's own Process Flow URL.",
    "polling": "A schedule starts the flow. With a source application, each new event does.",
    "manual": "A person starts the flow.",
}
LENGTH: Final = re.compile(r"[0-9]{1,6}[smhdw]")


def trigger(editor: Editor) -> None:
    """Add the part."""
    with ui.card().classes("w-full gap-3").props("flat bordered"):
        heading("Trigger")
        kind = ui.radio(_TYPES, value=editor.flow.trigger.type).props("inline")
        kind.props["aria-label"] = "Trigger type"
        help_text = ui.label(_HELP[editor.flow.trigger.type]).classes("text-sm opacity-80")
        editor.problem("trigger.type")
        details = ui.column().classes("w-full gap-3")

        def change(event: Any) -> None:
            editor.change(lambda flow: draft_edits.with_trigger_type(flow, str(event.value)))
            for place in ("trigger.every", "trigger.cron"):
                editor.unread.pop(place, None)
            help_text.text = _HELP[str(event.value)]
            _draw(editor, details)

        kind.on_value_change(change)
        _draw(editor, details)


def _draw(editor: Editor, place: ui.column) -> None:
    place.clear()
    kind = editor.flow.trigger.type
    with place:
        if kind == "polling":
            _schedule(editor)
        if kind != "manual":
            _source(editor)
    editor.show_problems()


def application(editor: Editor, step: int | None, label: str, on_change: Any = None) -> None:
    """Add the choice of an application and of a credential for it, for a step or the trigger (None)."""
    path = "trigger" if step is None else f"steps[{step}]"
    here = draft_edits.connection_at(editor.flow, step)
    known = choices.connectors(editor.workspace)
    with ui.row().classes("w-full gap-2 sm:flex-nowrap items-start"):
        with ui.column().classes("w-full gap-0"):
            names = _with_current(known, here.connector, "not installed")
            app = ui.select(names, label=label, value=here.connector or None)
            app.props("dense outlined clearable").classes("w-full")
            app.on("blur", lambda: editor.leave(f"{path}.connection"))
            editor.problem(f"{path}.connection")
        with ui.column().classes("w-full gap-0"):
            stored = _credentials(editor, here)
            credential = ui.select(stored, label=f"Credential of the {label.lower()}", value=here.credential)
            credential.props("dense outlined").classes("w-full")
            editor.problem(f"{path}.credential")

    def change_app(event: Any) -> None:
        connector = str(event.value or "")
        found = choices.credentials(editor.workspace, connector)
        wanted = FlowConnection(connector, found[0] if found else "")
        editor.change(lambda flow: draft_edits.with_connection(flow, step, wanted))
        credential.set_options(_credentials(editor, wanted), value=wanted.credential)
        if on_change:
            on_change()

    def change_credential(event: Any) -> None:
        now = draft_edits.connection_at(editor.flow, step)
        if now.connector:
            wanted = FlowConnection(now.connector, str(event.value or ""))
            editor.change(lambda flow: draft_edits.with_connection(flow, step, wanted))

    app.on_value_change(change_app)
    credential.on_value_change(change_credential)


def _credentials(editor: Editor, here: FlowConnection) -> dict[str, str]:
    names = {name: name for name in choices.credentials(editor.workspace, here.connector)}
    return {"": "None"} | _with_current(names, here.credential, "not stored")


def _with_current(names: dict[str, str], current: str, why: str) -> dict[str, str]:
    return names if not current or current in names else {**names, current: f"{current} ({why})"}


def _source(editor: Editor) -> None:
    events: ui.select | None = None

    def known() -> dict[str, str]:
        connector = editor.workspace.connectors.get(draft_edits.connection_at(editor.flow, None).connector)
        names = {one.id: one.title for one in connector.manifest.triggers.values()} if connector else {}
        return names | {
            event: f"{event} (unknown)" for event in editor.flow.trigger.events if event not in names
        }

    application(editor, None, "Source application", lambda: events.set_options(known()) if events else None)
    with ui.column().classes("w-full gap-0"):
        events = ui.select(known(), label="Events", value=list(editor.flow.trigger.events), multiple=True)
        events.props("dense outlined use-chips").classes("w-full")
        events.on("blur", lambda: editor.leave("trigger.events"))
        editor.problem("trigger.events")

    def change(event: Any) -> None:
        editor.change(lambda flow: draft_edits.with_trigger(flow, events=tuple(event.value or ())))

    events.on_value_change(change)
    with ui.column().classes("w-full gap-1"):
        heading("Event filter", level=3)
        ui.label("Without rows, every event starts the flow.").classes("text-sm opacity-80")
        Rows(editor, None)
    if editor.flow.trigger.type == "triggered":
        switch = ui.switch(
            "Create the webhook subscription when I deploy", value=editor.flow.trigger.subscribe
        )
        switch.on_value_change(
            lambda event: editor.change(
                lambda flow: draft_edits.with_trigger(flow, subscribe=bool(event.value))
            )
        )
        editor.problem("trigger.subscribe")


def _schedule(editor: Editor) -> None:
    schedule = editor.flow.trigger.schedule
    every = file.duration(schedule.every_s) if schedule else ""
    with ui.row().classes("w-full gap-2 sm:flex-nowrap items-start"):
        how = ui.select({"every": "Every", "cron": "At times"}, label="Schedule")
        how.props("dense outlined").classes("w-full sm:w-40").value = "every" if every else "cron"
        fields = ui.row().classes("w-full gap-2 sm:flex-nowrap items-start")

    def draw() -> None:
        fields.clear()
        with fields:
            _every(editor) if how.value == "every" else _cron(editor)

    def change() -> None:
        for place in ("trigger.every", "trigger.cron"):
            editor.unread.pop(place, None)
        if how.value == "every":
            editor.change(
                lambda flow: draft_edits.with_schedule(flow, every_s=86_400.0, cron="", time_zone="UTC")
            )
        else:
            editor.change(lambda flow: draft_edits.with_schedule(flow, every_s=0.0, cron="0 8 * * 1-5"))
        draw()

    how.on_value_change(change)
    draw()


def _every(editor: Editor) -> None:
    schedule = editor.flow.trigger.schedule
    with ui.column().classes("w-full gap-0"):
        value = file.duration(schedule.every_s) if schedule else ""
        every = (
            ui.input("Length of time", value=value, placeholder="5m")
            .props("dense outlined")
            .classes("w-full")
        )
        ui.label("A number with s, m, h, d or w, such as 5m or 1d").classes("text-xs px-1 opacity-80")
        editor.problem("trigger.every")

    def change() -> None:
        text = str(every.value or "").strip()
        if not LENGTH.fullmatch(text) or not file.seconds(text):
            editor.entry("trigger.every", "It must be a length of time such as 30s, 5m or 1h.")
            return
        editor.entry("trigger.every", "")
        editor.change(lambda flow: draft_edits.with_schedule(flow, every_s=file.seconds(text)))

    every.on_value_change(change)


def _cron(editor: Editor) -> None:
    schedule = editor.flow.trigger.schedule
    with ui.column().classes("w-full gap-0"):
        field = ui.input("Cron expression", value=schedule.cron if schedule else "")
        field.props("dense outlined").classes("w-full")
        ui.label("Minute, hour, day, month, weekday").classes("text-xs px-1 opacity-80")
        editor.problem("trigger.cron")
    with ui.column().classes("w-full gap-0"):
        zone = schedule.time_zone if schedule else "UTC"
        Suggest(
            "Time zone",
            zone,
            _look_zones,
            lambda text: editor.change(lambda flow: draft_edits.with_schedule(flow, time_zone=text or "UTC")),
        )
        editor.problem("trigger.time_zone")

    def change() -> None:
        text = str(field.value or "").strip()
        wrong = cron.problem(text)
        editor.entry("trigger.cron", f"It {wrong}." if wrong else "")
        if not wrong:
            editor.change(lambda flow: draft_edits.with_schedule(flow, cron=text))

    field.on_value_change(change)


async def _look_zones(text: str, is_search: bool, _page: str | None) -> Choices:
    wanted = text.strip().replace(" ", "_").casefold() if is_search else ""
    found = [name for name in sorted(time_zones.names()) if wanted in name.casefold()]
    return Choices(
        tuple(Suggestion(name, name) for name in found[:MOST]), "" if found else "No such time zone."
    )
