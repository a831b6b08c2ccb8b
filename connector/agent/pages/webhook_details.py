"""The details of one webhook subscription: a dialog with the doctor, repair and deletion."""

from collections.abc import Awaitable, Callable
from typing import Final

from nicegui import ui

from ..workspace import Workspace, moments, webhooks
from ..workspace.webhooks import Webhook
from .acting import carry_out, succeeded
from .looks import ANYWHERE, GREY, QUIET, RED, of_webhook
from .parts import copy_button, finding, heading, link

_DELETED: Final = "Its address gets no more events, and its key is deleted. This can't be undone."


class Details:
    """A dialog about one subscription."""

    def __init__(
        self,
        workspace: Workspace,
        person: str,
        webhook: Webhook,
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        self._workspace = workspace
        self._person = person
        self._webhook = webhook
        self._changed = changed
        self._client = ui.context.client
        one = webhook.subscription
        with ui.dialog(value=True) as self._dialog, ui.card().classes("w-full max-w-2xl gap-3"):
            self._dialog.on("hide", self._dialog.delete)
            with ui.row().classes("w-full items-center no-wrap"):
                heading("Webhook").classes("grow")
                ui.button(icon="close", on_click=self._dialog.close).props(
                    "flat round dense aria-label=Close"
                )
            _state(webhook)
            _facts(webhook, workspace.timing.clock())
            if workspace.probe is not None and one.state not in {"foreign", "vanished"}:
                self._doctor()
            with ui.row().classes("w-full justify-end gap-2"):
                if one.state != "foreign":
                    self._ask("Delete", "delete", webhooks.delete, "flat", _DELETED)
                if one.repair:
                    self._ask(
                        "Repair",
                        "build",
                        webhooks.repair,
                        "unelevated color=primary",
                        f"The agent will {one.repair}.",
                    )

    def _doctor(self) -> None:
        ui.separator()
        with ui.row().classes("w-full items-center"):
            heading("Doctor", level=3).classes("grow")
            button = ui.button("Try the address", icon="network_check").props("flat no-caps")
        place = ui.column().classes("w-full gap-2").props("aria-live=polite")
        with place:
            ui.label(
                "Sends one post without a signature to the URL. A receiver that works rejects it."
            ).classes(QUIET)

        async def probe() -> None:
            button.disable()
            done, found = await carry_out(webhooks.diagnose, self._workspace, self._webhook)
            button.enable()
            if not done:
                return
            place.clear()
            with place:
                for one in found or ():
                    finding(one)

        button.on_click(probe)

    def _ask(
        self, label: str, icon: str, act: Callable[[Workspace, Webhook, str], str], props: str, what: str
    ) -> None:
        """Add a button that asks before it acts."""
        color = "red-9" if act is webhooks.delete else "primary"

        async def confirmed(question: ui.dialog) -> None:
            with self._client:  # the dialogs are deleted when they close
                question.close()
                done, said = await carry_out(act, self._workspace, self._webhook, self._person)
                if done and said:
                    succeeded(said)
                    self._dialog.close()
                await self._changed()

        def ask() -> None:
            with ui.dialog(value=True) as question, ui.card().classes("max-w-md gap-3"):
                question.on("hide", question.delete)
                heading(f"{label} this webhook?")
                ui.label(what)
                with ui.row().classes("w-full justify-end"):
                    ui.button("Cancel", on_click=question.close).props("flat no-caps")
                    ui.button(label, on_click=lambda: confirmed(question)).props(
                        f"unelevated no-caps color={color}"
                    )

        button = ui.button(label, icon=icon, color=None, on_click=ask).props(f"no-caps {props}")
        if act is webhooks.delete:
            button.classes(RED)


def _state(webhook: Webhook) -> None:
    one = webhook.subscription
    look = of_webhook(one.state)
    with ui.row().classes(f"items-center gap-2 {look.color}"):
        ui.icon(look.icon, size="sm").props("aria-hidden=true")
        ui.label(webhook.state_word).classes("font-medium")
    if one.message:
        ui.label(one.message)


def _facts(webhook: Webhook, now: float) -> None:
    one = webhook.subscription
    rows = (
        ("Events", ", ".join(one.events)),
        ("Scope", one.scope),
        ("URL", one.url),
        ("Id", one.id or one.uri),
        ("Credential", f"{webhook.credential} ({webhook.connector})"),
        ("Last delivery", _time(webhook.delivered_at, now) or "Never" if webhook.flow else ""),
        (
            "Last look",
            _time(webhook.looked_at, now) or "Not watched: no deployed flow uses its credential",
        ),
        ("Fails since", one.since),
    )
    with ui.element("dl").classes("w-full flex flex-col gap-2"):
        if webhook.flow:
            with _fact("Flow"):
                link(webhook.flow, f"/flows/{webhook.flow}").classes(ANYWHERE)
        for name, value in rows:
            if value:
                with _fact(name):
                    ui.label(value).classes(f"min-w-0 {ANYWHERE}")
                    if value == one.url:
                        copy_button(value, "Copy the URL")


def _fact(name: str) -> ui.element:
    """Add the name of a fact, above its value on narrow screens, and return the place of the value."""
    with ui.element("div").classes("w-full flex no-wrap flex-col sm:flex-row sm:gap-3"):
        with ui.element("dt").classes(f"sm:w-28 shrink-0 {GREY}"):
            ui.label(name)
        return ui.element("dd").classes("min-w-0 flex no-wrap items-start gap-1")


def _time(at: float | None, now: float) -> str:
    return f"{moments.when(at, now)} ({moments.moment(at)})" if at is not None else ""
