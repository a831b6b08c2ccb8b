"""Deploys drafts, and reports what others deployed meanwhile."""

from dataclasses import dataclass

from ...errors import UsageError
from ..flows import file
from . import draft_store, drafts, flows
from .drafts import Draft, Opened
from .model import Workspace


@dataclass(frozen=True, slots=True)
class Done:
    """A flow was deployed. `warning` says what is left to do, such as subscribing to its events."""

    name: str
    version: int
    url: str
    events: tuple[str, ...]
    is_subscribed: bool
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody else deployed, or removed, the flow meanwhile. `lines` are what differs from theirs."""

    message: str
    version: int | None
    text: str
    lines: list[str]


class NameTaken(UsageError):
    """A new flow has the name of one that exists."""

    code = "name_taken"


def deploy(
    workspace: Workspace, person: str, opened: Opened, draft: Draft, *, over: bool = False
) -> Done | Conflict:
    """Deploy a draft. If others were faster, nothing is deployed, unless it is to go `over` theirs.

    Raises InvalidFlow with all problems, NameTaken, or the error of the agent.
    """
    expected = opened.version
    if over:
        expected = {one.name: one.version for one in workspace.engine.flows.all()}.get(opened.name)
    warning = ""
    try:
        flows.deploy(workspace, draft.text, expected_version=expected, by=person)
    except flows.FlowChanged as error:
        if not opened.name:
            raise NameTaken(
                f"A flow named {draft.flow.name} exists already.",
                fix="Choose another name, or edit that flow.",
            ) from error
        return _conflict(workspace, opened, draft, error)
    except flows.NotSubscribed as error:
        warning = f"{error.message} {error.fix}".rstrip()
    draft_store.drop(workspace, person, opened.key)
    flow = file.parse(draft.text)
    is_triggered = flow.trigger.type == "triggered"
    return Done(
        name=flow.name,
        version=workspace.engine.flows.get(flow.name).version,
        url=workspace.engine.url(flow.name) if is_triggered else "",
        events=flow.trigger.events,
        is_subscribed=flow.trigger.subscribe and not warning,
        warning=warning,
    )


def deployed(done: Done, draft: Draft) -> Opened:
    """Return what a person edits after deploying."""
    return Opened(f"flow:{done.name}", done.name, done.version, draft.text, draft)


def _conflict(workspace: Workspace, opened: Opened, draft: Draft, error: flows.FlowChanged) -> Conflict:
    text = "" if error.version is None else workspace.engine.flows.text(opened.name, error.version)
    return Conflict(error.message, error.version, text, drafts.difference(text, draft.text))
