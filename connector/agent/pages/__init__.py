"""The pages of the agent, with NiceGUI. They hold no logic: what they do is in `agent/workspace/`.

NiceGUI has one application in a process, so a process has one agent with pages.
"""

from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui

from ..workspace import Workspace
from . import (
    app_action,
    apps,
    charts,
    credential_form,
    credentials,
    flow,
    flow_editor,
    flows,
    run,
    runs,
    webhooks,
)

# The first page whose address fits is shown.
_PAGES = (
    flows,
    flow_editor,
    flow,
    credential_form,
    credentials,
    app_action,
    apps,
    runs,
    run,
    charts,
    webhooks,
)


def register(app: FastAPI, workspace: Workspace) -> None:
    """Add the pages to an application. Each module adds its own."""
    for module in _PAGES:
        module.register(workspace)
    nicegui_app.config.quasar_config["loadingBar"] = {"skipHijack": True}  # it has no name for screen readers
    ui.run_with(
        app,
        title="Calendly connector",
        dark=None,
        language="en-US",
        gzip_middleware_factory=None,  # the proxy's task; the guard reads pages
        show_welcome_message=False,
        reconnect_timeout=10.0,
    )
