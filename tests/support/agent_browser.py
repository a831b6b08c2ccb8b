"""A person with a browser, as a pytest plugin: an agent on a sandbox's account, and a page that is signed in.

The browser is Debian's Chromium, driven by Playwright. The agent is a process of its own.
"""

import os
import re
import shutil

import pytest
from agent_desk import TOKEN, desk

CHROMIUM = shutil.which("chromium")
WAIT_MS = 30_000
SCREENS = {"wide": (1280, 800), "narrow": (400, 800)}
# The browser reaches nothing but this machine.
OPTIONS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@pytest.fixture(scope="module")
def shared_desk(tmp_path_factory):
    """Yield an agent for all tests of a module, which must not disturb each other."""
    with desk(tmp_path_factory.mktemp("desk")) as found:
        yield found


@pytest.fixture
def own_desk(tmp_path):
    """Yield an agent for one test."""
    with desk(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    """Yield a Chromium for all tests of a module.

    Not of a session: until Playwright ends, its event loop runs in this thread, so no engine can start in it.
    """
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium isn't installed.")
        pytest.skip("Chromium isn't installed.")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser):
    """Return a function that opens a page of an agent, signed in; a fault of its scripts fails the test."""
    contexts, faults = [], []

    def open_page(desk, path="/", *, screen="wide", dark=False, token=TOKEN):
        width, height = SCREENS[screen]
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if _is_fault(message) else None)
        page.goto(f"{desk.url}/sign-in?token={token}&next={path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def _is_fault(message):
    """Whether a line of the browser's console is about a script or the policy, not a reply's status."""
    return message.type == "error" and not re.match(r"Failed to load resource", message.text)
