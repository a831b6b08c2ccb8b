"""The pages of one credential: add it, see its report, validate, replace, rename and delete it."""

from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from ...contract import CheckReport
from ...errors import ConnectorError
from ..workspace import Workspace, apps, credential_changes, credentials, sign_ins
from ..workspace.apps import App
from ..workspace.credentials import StoredCredential, page_of
from ..workspace.moments import moment
from . import layout, report
from .acting import attempt, say, succeeded
from .apps import icon
from .credential_editor import SAVED, Editor
from .looks import LINK, QUIET
from .parts import panel

_FRESH_S = 60.0


def register(workspace: Workspace) -> None:
    """Add the pages. The one with a name comes last: it has all other addresses."""

    @ui.page("/credentials/new")
    async def add(connector: str = "", kind: str = "") -> None:
        with layout.frame(workspace, "Add a credential", section="Credentials"):
            await _add(workspace, connector, kind)

    @ui.page("/credentials/sign-in-failed")
    def failed(id: str = "") -> None:  # noqa: A002 - the name in the address
        with layout.frame(workspace, "The sign-in failed", section="Credentials"):
            _failed(workspace, id)

    @ui.page("/credentials/{name}")
    async def one(name: str, saved: str = "") -> None:
        wanted = ui.context.client.request.query_params.get("name", "") if name == "_" else name
        with layout.frame(workspace, "Credential", section="Credentials"):
            await _one(workspace, wanted, is_saved=bool(saved))


async def _add(workspace: Workspace, connector: str, kind: str) -> None:
    if not connector:
        found, error = await attempt(apps.apps, workspace)
        _choose_app([app for app in found or [] if app.kinds]) if error is None else panel(error)
        return
    app, error = await attempt(apps.app, workspace, connector)
    if error is not None or app is None or not app.kinds:
        panel(error or ConnectorError(f"{connector} needs no credential.", fix="Choose another app."))
        return
    known = {one.id: one for one in app.kinds}
    chosen = known.get(kind, app.kinds[0])
    with ui.row().classes("items-center gap-3"):
        icon(app)
        ui.label(app.name).classes("text-lg font-medium")
        ui.link("Choose another app", "/credentials/new").classes(LINK)

    def change(to: str) -> None:
        ui.navigate.to(f"/credentials/new?{urlencode({'connector': app.id, 'kind': to})}")

    if len(known) > 1:
        ui.select(
            {id_: one.title for id_, one in known.items()},
            label="Kind of credential",
            value=chosen.id,
            on_change=lambda event: change(event.value),
        ).classes("w-full max-w-2xl").props("outlined dense")
    with ui.column().classes("w-full max-w-2xl gap-4"):
        taken, _ = await attempt(workspace.vault.names)
        suggested = next((name for name in ("work", app.id) if name not in (taken or [])), "")
        Editor(workspace, app, chosen, suggested=suggested)


def _choose_app(found: list[App]) -> None:
    ui.label("Choose the app that the credential is for.").classes(QUIET)
    with ui.list().props("bordered separator").classes("w-full max-w-2xl rounded"):
        for app in found:
            address = f"/credentials/new?{urlencode({'connector': app.id})}"
            with ui.item(on_click=lambda address=address: ui.navigate.to(address)).props("clickable"):
                with ui.item_section().props("avatar"):
                    icon(app)
                with ui.item_section():
                    ui.item_label(app.name).classes("font-medium")
                    ui.item_label(app.summary).classes(QUIET)


def _failed(workspace: Workspace, id_: str) -> None:
    person, origin = layout.person(), layout.origin()
    found = workspace.sign_ins.failed(id_, person)
    panel(found.error)

    async def again() -> None:
        if found.sign_in is None:
            return
        next_id, error = await attempt(sign_ins.again, workspace, found.sign_in, origin=origin)
        if error is not None:
            say(error)
        elif next_id:
            ui.navigate.to(f"/credentials/connect/{next_id}")

    with ui.row().classes("gap-3 items-center"):
        if found.sign_in is not None:
            ui.button("Try again", icon="refresh", on_click=again).props("color=primary no-caps")
        ui.link("Back to the credentials", credentials.PAGE).classes(LINK)


async def _one(workspace: Workspace, name: str, *, is_saved: bool) -> None:
    stored, error = await attempt(credentials.find, workspace, name)
    if error is not None or stored is None:
        if error is not None:
            panel(error)
        ui.link("Back to the credentials", credentials.PAGE).classes(LINK)
        return
    if is_saved:
        succeeded(SAVED)
        ui.navigate.history.replace(stored.page)
    app = None
    if stored.apps:
        app, _ = await attempt(lambda: apps.app(workspace, credentials.app_of(workspace, stored)))
    _Credential(workspace, stored, app)


class _Credential:
    """What a person sees of a stored credential, and does with it."""

    def __init__(self, workspace: Workspace, stored: StoredCredential, app: App | None) -> None:
        self._workspace, self._stored, self._person = workspace, stored, layout.person()
        ui.label(stored.name).classes("text-xl font-medium break-all").props("role=heading aria-level=2")
        with ui.row().classes(f"items-center gap-2 {QUIET}"):
            ui.label(f"{stored.kind} · {', '.join(stored.apps) or 'no installed app'}")
        with ui.row().classes(f"items-center gap-2 {QUIET}"):
            ui.label("Used by" if stored.flows else "No deployed flow uses it.")
            for flow in stored.flows:
                ui.link(flow, f"/flows/{flow}").classes(LINK)
        with ui.row().classes("gap-2"):
            ui.button("Validate again", icon="verified_user", on_click=self._validate).props(
                "outline no-caps"
            )
            ui.button("Rename", icon="edit", on_click=self._rename).props("flat no-caps")
            ui.button("Delete", icon="delete", on_click=self._delete).props("flat no-caps")
        self._place = ui.column().classes("w-full max-w-3xl gap-4")
        if app is not None:
            self._replace(app)
        ui.timer(0.05, self._first, once=True)

    async def _first(self) -> None:
        checked = self._workspace.checks.get(self._stored.name)
        now = self._workspace.timing.clock()
        if checked is not None and checked.is_deep and now - checked.at < _FRESH_S:
            self._show(checked.report, checked.at)
        elif self._stored.apps:
            await self._validate()
        elif self._stored.message:
            self._place.clear()
            with self._place:
                panel(ConnectorError(self._stored.message, fix=self._stored.fix))

    async def _validate(self) -> None:
        self._place.clear()
        with self._place, ui.row().classes("items-center").props("role=status"):
            ui.spinner()
            ui.label("Asking the application…")
        found, error = await attempt(credentials.check_stored, self._workspace, self._stored.name, deep=True)
        if found is not None:
            self._show(found, self._workspace.timing.clock())
            return
        self._place.clear()
        if error is not None:
            with self._place:
                panel(error)

    def _show(self, found: CheckReport, at: float) -> None:
        self._place.clear()
        with self._place:
            report.draw(found)
            ui.label(f"Checked {moment(at)}").classes(QUIET)

    def _replace(self, app: App) -> None:
        """Draw the form that replaces the credential, closed at first unless it is broken."""
        kind = next((one for one in app.kinds if one.id == self._stored.kind_id), None)
        if kind is None:
            return
        title = "Replace it" if not kind.needs_sign_in else "Sign in again"
        is_open = self._stored.state == "broken"
        with ui.expansion(title, icon="key", value=is_open).classes(
            "w-full max-w-2xl border border-gray-400 dark:border-gray-600 rounded"
        ):
            ui.label("The name stays. Flows use the new one from their next step on.").classes(QUIET)
            if kind.needs_sign_in:
                ui.button(
                    f"Connect with {app.name}", icon="login", on_click=lambda: self._sign_in_again(app)
                ).props("color=primary no-caps")
            else:
                Editor(self._workspace, app, kind, name=self._stored.name)

    async def _sign_in_again(self, app: App) -> None:
        origin = layout.origin()

        def begin() -> str:
            draft = sign_ins.stored_draft(self._workspace, self._stored.name, app.id)
            return sign_ins.begin(
                self._workspace,
                self._person,
                self._stored.name,
                draft,
                origin=origin,
                scopes=sign_ins.stored_scopes(self._workspace, self._stored.name),
                replaces=True,
            )

        id_, error = await attempt(begin)
        if error is not None:
            say(error)
        elif id_:
            ui.navigate.to(f"/credentials/connect/{id_}")

    def _rename(self) -> None:
        with _dialog("Rename the credential") as dialog, ui.card().classes("w-full max-w-md"):
            _heading("Rename the credential")
            name = (
                ui.input("New name", value=self._stored.name)
                .classes("w-full")
                .props("outlined dense autofocus")
            )

            async def rename() -> None:
                new, error = await attempt(
                    credential_changes.rename,
                    self._workspace,
                    self._person,
                    self._stored.name,
                    str(name.value or ""),
                )
                if error is not None:
                    name.error = str(error)
                elif new:
                    ui.navigate.to(page_of(new))

            _answers(dialog, "Rename", rename)
        dialog.open()

    async def _delete(self) -> None:
        stored, error = await attempt(credentials.find, self._workspace, self._stored.name)
        if error is not None or stored is None:
            say(error) if error is not None else None
            return
        with _dialog("Delete the credential?") as dialog, ui.card().classes("w-full max-w-md"):
            _heading("Delete the credential?")
            ui.label(credentials.consequence(stored))
            ui.label(
                "The token itself stays valid. If you no longer need it, revoke it in the application."
            ).classes(QUIET)

            async def delete() -> None:
                _, failed = await attempt(
                    credential_changes.delete, self._workspace, self._person, stored.name
                )
                if failed is not None:
                    say(failed)
                else:
                    ui.navigate.to(credentials.PAGE)

            _answers(dialog, "Delete", delete, color="red-10")
        dialog.open()


def _dialog(title: str) -> ui.dialog:
    """Return a dialog that screen readers can name. Its card shows the title."""
    dialog = ui.dialog().props("transition-duration=0")
    dialog.props["aria-label"] = title
    return dialog


def _heading(text: str) -> None:
    ui.label(text).classes("text-lg font-medium").props("role=heading aria-level=2")


def _answers(dialog: ui.dialog, yes: str, act: Any, *, color: str = "primary") -> None:
    with ui.row().classes("w-full justify-end"):
        ui.button("Cancel", on_click=dialog.close).props("flat no-caps")
        ui.button(yes, on_click=act).props(f"no-caps color={color}")
