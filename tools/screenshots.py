"""Take the pictures of the agent in the docs: it runs on a sandbox account, in Chromium. `make screenshots`.

Run it after you change the pages, and look at the pictures before you commit them.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

PICTURES: Final = Path(__file__).parent.parent / "docs" / "images"
CHROMIUM: Final = "/usr/bin/chromium"
SIZE: Final = {"width": 1280, "height": 800}
WAIT_MS: Final = 30_000
RUNS: Final = 12
_TOKEN: Final = "token-for-the-screenshots"  # noqa: S105 - of an agent that lives for a minute


@contextmanager
def agent() -> Iterator[str]:
    """Run an agent on a sandbox account; yield the address of its pages."""
    script = Path(sys.executable).with_name("calendly-connector")
    process = subprocess.Popen(
        [script, "agent", "--sandbox", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"CALENDLY_AGENT_ACCESS_TOKEN": _TOKEN},
    )
    try:
        for line in process.stderr or ():
            if found := re.search(r"listens on (http://\S+[^.\s])", line):
                yield found[1]
                return
        raise SystemExit("The agent didn't start.")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def main() -> None:
    """Take all pictures."""
    PICTURES.mkdir(exist_ok=True)
    expect.set_options(timeout=WAIT_MS)
    with agent() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = _signed_in(browser, url)
        for take in (_credential, _action_filter, _flow, _runs, _webhooks):
            take(page, url)
        browser.close()


def _signed_in(browser: Browser, url: str) -> Page:
    page = browser.new_page(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{url}/sign-in?token={_TOKEN}")
    return page


def _save(page: Page, name: str) -> None:
    page.mouse.move(0, SIZE["height"] - 1)
    page.wait_for_timeout(500)  # until transitions have ended
    page.screenshot(path=PICTURES / f"agent-{name}.png")


def _credential(page: Page, url: str) -> None:
    page.goto(f"{url}/credentials/new?connector=calendly")
    page.get_by_label("Token *").fill("sandbox-owner")
    page.get_by_role("button", name="Validate").click()
    expect(page.get_by_text("Signed in as Ada Okafor")).to_be_visible()
    _save(page, "credential")


def _action_filter(page: Page, url: str) -> None:
    page.goto(f"{url}/new-flow?template=create-webhook-subscription")
    step = page.get_by_role("group", name="Step 2")
    expect(step.get_by_label("Value of row 4", exact=True)).to_be_visible()
    step.scroll_into_view_if_needed()
    _save(page, "editor")


def _flow(page: Page, url: str) -> None:
    page.goto(f"{url}/flows/bookings-to-csv")
    expect(page.get_by_text("Process Flow URL").first).to_be_visible()
    _save(page, "flow")


def _runs(page: Page, url: str) -> None:
    page.goto(f"{url}/runs")
    for _ in range(RUNS):
        page.get_by_role("button", name="Book a sample meeting").click()
    expect(page.get_by_role("row").filter(has_text="Done")).to_have_count(RUNS)
    page.reload()
    expect(page.get_by_role("row").filter(has_text="Done")).to_have_count(RUNS)
    _save(page, "runs")
    page.get_by_role("row").filter(has_text="Done").first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="line", exact=True)).to_be_visible()
    _save(page, "run")


def _webhooks(page: Page, url: str) -> None:
    page.goto(f"{url}/webhooks")
    expect(page.get_by_role("row").filter(has_text="bookings-to-csv")).to_contain_text("Active")
    _save(page, "webhooks")


if __name__ == "__main__":
    main()
