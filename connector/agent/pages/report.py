"""The report on a credential: who, what it can do and what it can't, and what is wrong with it."""

from typing import Final

from nicegui import ui

from ...contract import CheckReport
from ..workspace import credential_report
from ..workspace.credential_checks import BROKEN
from .looks import FAULT, QUIET

_GOOD: Final = "bg-green-100 text-green-900 dark:bg-green-900 dark:text-green-50"
_UNSURE: Final = "bg-amber-100 text-amber-950 dark:bg-amber-900 dark:text-amber-50"
_ICONS: Final = {"can": "check_circle", "cannot": "block", "unknown": "help"}


def draw(report: CheckReport) -> None:
    """Draw a report."""
    color, icon = (_GOOD, "check_circle") if report.ok else (_UNSURE, "help")
    if report.outcome in BROKEN:
        color, icon = FAULT, "error"
    with ui.row().classes(f"w-full items-start no-wrap rounded px-4 py-3 {color}").props("role=status"):
        ui.icon(icon).classes("text-xl")
        with ui.column().classes("gap-1"):
            ui.label(report.message).classes("font-medium break-words")
            if report.fix:
                ui.label(report.fix).classes("break-words")
    _facts(report)
    for note in report.notes:
        with ui.row().classes("items-center no-wrap"):
            ui.icon("info")
            ui.label(f"{note[:1].upper()}{note[1:]}").classes(QUIET)
    if report.ok:
        _scopes(report)
        _abilities(report)


def _facts(report: CheckReport) -> None:
    found = credential_report.facts(report)
    if not found:
        return
    with ui.element("dl").classes("grid grid-cols-1 sm:grid-cols-[10rem_1fr] gap-x-4 gap-y-1 w-full m-0"):
        for label, value in found:
            with ui.element("dt").classes(QUIET):
                ui.label(label)
            is_address = value.startswith("http")
            with ui.element("dd").classes("m-0"):
                ui.label(value).classes("font-mono text-sm break-all" if is_address else "break-words")


def _scopes(report: CheckReport) -> None:
    for state, names in credential_report.scopes(report):
        with ui.expansion(f"Scopes {state}: {len(names)}", icon="lock_open").classes("w-full").props("dense"):
            ui.label(", ".join(names)).classes("text-sm")


def _abilities(report: CheckReport) -> None:
    for group in credential_report.abilities(report):
        with ui.expansion(group.heading, icon=_ICONS[group.ability]).classes("w-full").props("dense"):
            for reason, actions in group.reasons:
                if reason:
                    ui.label(f"{reason[:1].upper()}{reason[1:]} ({len(actions)})").classes(
                        "font-medium text-sm"
                    )
                ui.label(", ".join(actions)).classes("text-sm pb-2 break-words")
