"""The page of webhooks: the state of each subscription, the doctor, repair."""

from typing import Any, Final

from nicegui import events, ui

from ..workspace import Workspace, moments, webhooks
from ..workspace.webhooks import Listing, Unread, Webhook
from . import layout
from .acting import attempt, carry_out
from .looks import QUIET, WARNING, of_webhook
from .parts import link, nothing, notice, panel
from .webhook_details import Details

_COLUMNS: Final = (
    ("state", "State"),
    ("flow", "Flow"),
    ("events", "Events"),
    ("scope", "Scope"),
    ("url", "URL"),
    ("delivered", "Last delivery"),
    ("looked", "Last look"),
)
_WRAPPING: Final = {
    "flow": "whitespace-normal min-w-32",
    "events": "whitespace-normal",
    "url": "whitespace-normal",
}
_ON_A_PAGE: Final = 50
_REFRESH_S: Final = 10.0  # how often times are updated
_STATE: Final = """<div class="row items-center no-wrap text-weight-medium" :class="props.row.color">
<q-icon :name="props.row.icon" size="20px" class="q-mr-xs" aria-hidden="true"></q-icon>{{ props.row.state }}
</div>"""
_DETAILS: Final = """<q-btn flat dense no-caps color="primary" label="Details"
 :aria-label="props.row.named" @click="() => $parent.$emit('details', props.row.id)"></q-btn>"""
_CELLS: Final = {
    "state": _STATE,
    "details": _DETAILS,
    "delivered": '<span :title="props.row.delivered_at">{{ props.row.delivered }}</span>',
    "looked": '<span :title="props.row.looked_at">{{ props.row.looked }}</span>',
}
_CARD: Final = f"""
<div class="col-12 col-sm-6 q-pa-xs"><q-card flat bordered class="q-pa-md h-full">
<div class="row items-center justify-between no-wrap">{_STATE}{_DETAILS}</div>
<div class="text-weight-medium">{{{{ props.row.flow }}}}</div>
<div>{{{{ props.row.events }}}}</div>
<div class="{QUIET} q-mt-sm">Scope: {{{{ props.row.scope }}}}</div>
<div class="{QUIET}">Last delivery:
<span :title="props.row.delivered_at">{{{{ props.row.delivered }}}}</span></div>
<div class="{QUIET}">Last look: <span :title="props.row.looked_at">{{{{ props.row.looked }}}}</span></div>
</q-card></div>
"""


def register(workspace: Workspace) -> None:
    """Add the page."""

    @ui.page(webhooks.PAGE)
    def page(of: str = "") -> None:
        with layout.frame(workspace, "Webhooks"):
            _Page(workspace, layout.person(), of)


class _Page:
    """The list. `of` is the key of a subscription whose details are opened."""

    def __init__(self, workspace: Workspace, person: str, of: str) -> None:
        self._workspace = workspace
        self._person = person
        self._of = of
        self._shown: dict[str, Webhook] = {}
        self._table: ui.table | None = None
        with ui.row().classes("w-full items-center justify-between gap-2"):
            ui.label(
                "Applications post events to these addresses. "
                "The agent looks at those of its flows every minute."
            ).classes(f"grow basis-64 {QUIET}")
            self._again = ui.button("Look again", icon="refresh", on_click=self.look_again)
            self._again.props("flat no-caps")
        self._place = ui.column().classes("w-full gap-4").props("aria-live=polite")
        with self._place, ui.row().classes("items-center"):
            ui.spinner()
            ui.label("Looking at your webhooks…")
        ui.timer(0.05, self.refresh, once=True)
        ui.timer(_REFRESH_S, self._show_times)

    async def refresh(self) -> None:
        """Look again, and show what there is."""
        self._again.disable()
        found, error = await attempt(webhooks.listing, self._workspace)
        self._again.enable()
        if error is not None:
            self._place.clear()
            self._shown, self._table = {}, None
            with self._place:
                panel(error)
        if found is None:
            return
        self._shown = {_id(one): one for one in found.webhooks}
        self._place.clear()
        with self._place:
            self._list(found)
        of, self._of = self._of, ""
        if wanted := next((one for one in found.webhooks if of and one.key == of), None):
            Details(self._workspace, self._person, wanted, self.refresh)

    async def look_again(self) -> None:
        """Look again now, and let the watch do so."""
        await carry_out(webhooks.look_again, self._workspace)
        await self.refresh()

    def _details(self, event: events.GenericEventArguments) -> None:
        if (one := self._shown.get(str(event.args))) is not None:
            Details(self._workspace, self._person, one, self.refresh)

    def _list(self, found: Listing) -> None:
        for unread in found.unread:
            _unread(unread, self._workspace.timing.clock())
        self._table = None
        if found.webhooks:
            self._table = _table(self._rows())
            self._table.on("details", self._details)
        elif not found.unread:
            nothing(
                "webhook",
                "No webhooks yet",
                "Choose the trigger “triggered” with “subscribe” in a flow, and deploy it: "
                "the agent then subscribes to its events. The application must be able to reach this agent.",
                lambda: link("Go to the process flows", "/flows"),
            )

    def _rows(self) -> list[dict[str, str]]:
        now = self._workspace.timing.clock()
        return [_row(one, now) for one in self._shown.values()]

    def _show_times(self) -> None:
        if self._table is not None and (rows := self._rows()) != self._table.rows:
            self._table.rows = rows


def _table(rows: list[dict[str, str]]) -> ui.table:
    columns: list[dict[str, Any]] = [
        {"name": name, "label": label, "field": name, "align": "left", "classes": _WRAPPING.get(name, "")}
        for name, label in _COLUMNS
    ]
    columns.append({"name": "details", "label": "", "field": "details"})
    table = ui.table(
        columns=columns,
        rows=rows,
        row_key="id",
        pagination={"rowsPerPage": _ON_A_PAGE} if len(rows) > _ON_A_PAGE else None,
    )
    table.classes("w-full").props('flat bordered dense :grid="window.innerWidth < 1024" aria-label=Webhooks')
    for name, cell in _CELLS.items():
        table.add_slot(f"body-cell-{name}", f'<q-td :props="props">{cell}</q-td>')
    table.add_slot("item", _CARD)
    return table


def _id(one: Webhook) -> str:
    return f"{one.connector} {one.key}"


def _row(one: Webhook, now: float) -> dict[str, str]:
    look = of_webhook(one.subscription.state)
    flow = one.flow or "No flow"
    return {
        "id": _id(one),
        "state": one.state_word,
        "icon": look.icon,
        "color": look.color,
        "flow": flow,
        "events": ", ".join(one.subscription.events),
        "scope": one.subscription.scope,
        "url": one.short_url,
        "delivered": (moments.when(one.delivered_at, now) or "Never") if one.flow else "—",
        "delivered_at": moments.moment(one.delivered_at),
        "looked": moments.when(one.looked_at, now) or "Not watched",
        "looked_at": moments.moment(one.looked_at),
        "named": f"Details: {one.state_word}, {flow}",
    }


def _unread(one: Unread, now: float) -> None:
    looked = moments.when(one.looked_at, now) or "never"
    notice(
        f"The webhooks of the credential {one.credential} can't be listed.",
        f"{one.message} {one.fix}".strip() + f"\nLast look that succeeded: {looked}",
        WARNING,
        icon="warning",
    ).props("role=alert")
