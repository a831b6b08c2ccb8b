"""What needs a person's attention: the pages show it as banners, each with a link to where it is repaired."""

from collections.abc import Callable
from typing import Final

from . import webhooks
from .credentials import page_of, uses
from .model import Workspace
from .notice import Notice


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


_SOURCES: Final[tuple[Callable[[Workspace], list[Notice]], ...]] = (
    _broken_credentials,
    webhooks.notices,
    _paused_flows,
)


def notices(workspace: Workspace) -> list[Notice]:
    """Return all that needs attention, the most urgent first. It reads the database only."""
    found = [notice for source in _SOURCES for notice in source(workspace)]
    return sorted(found, key=lambda notice: notice.severity != "error")
