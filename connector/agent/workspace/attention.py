"""What needs a person's attention: the pages show it as banners, each with a link to where it is repaired."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from .credentials import page_of, uses
from .model import Workspace


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that needs attention. `page` is where to repair it, and `action` what the link says."""

    message: str
    page: str
    action: str
    severity: Literal["error", "warning"] = "error"


def _paused_flows(workspace: Workspace) -> list[Notice]:
    return [
        Notice(
            f"The flow {flow.name} is paused. {flow.reason} {flow.fix}".rstrip(),
            f"/flows/{flow.name}",
            "Look at it",
        )
        for flow in workspace.engine.flows.all()
        if flow.state == "paused" and flow.paused_by == "agent"
    ]


def _broken_credentials(workspace: Workspace) -> list[Notice]:
    broken = workspace.checks.broken()
    used = uses(workspace) if broken else {}
    return [
        Notice(
            f"The credential {name} doesn't work. {report.message}",
            page_of(name),
            "Repair it",
            "error" if name in used else "warning",
        )
        for name, report in broken.items()
    ]


def _webhooks(workspace: Workspace) -> list[Notice]:
    from . import webhooks

    return webhooks.notices(workspace)


_SOURCES: Final[tuple[Callable[[Workspace], list[Notice]], ...]] = (
    _broken_credentials,
    _webhooks,
    _paused_flows,
)


def notices(workspace: Workspace) -> list[Notice]:
    """Return all that needs attention, the most urgent first. It reads the database only."""
    found = [notice for source in _SOURCES for notice in source(workspace)]
    return sorted(found, key=lambda notice: notice.severity != "error")
