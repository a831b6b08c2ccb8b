"""Make the pictures of the docs: pages of the agent, and a terminal. `make screenshots`.

`--check` makes them again without saving them, and says which ones are stale and in what. Look at the
pictures before you commit them.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

import terminal_pictures as terminals
from pictures import FOLDER, Picture

CHROMIUM: Final = "/usr/bin/chromium"
OPTIONS: Final = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
WIDTH: Final = 1200
LEAST: Final = 400
MOST: Final = 900
BELOW: Final = 24
WAIT_MS: Final = 30_000
SETTLE_MS: Final = 500  # until transitions have ended
NARROW: Final = {"width": 600, "height": 510}
HEADER: Final = 70
RUNS: Final = 12
LAST_RUNS: Final = 10
_SCROLL: Final = f"element => window.scrollBy(0, element.getBoundingClientRect().top - {HEADER})"
_END: Final = (
    "Math.max(...[...document.querySelectorAll('main *')].map(one => one.getBoundingClientRect().bottom))"
)
_TOKEN: Final = "token-for-the-screenshots"  # noqa: S105 - of an agent that lives for a minute
_BOOK: Final = (
    'calendly-connector book intro "{when}" --name "{name}" --email {email} --location zoom_conference '
    '--answer "What would you like to discuss?={answer}"'
)


@contextmanager
def agent() -> Iterator[str]:
    """Run an agent on a sandbox account; yield the address of its pages."""
    script = Path(sys.executable).with_name("calendly-connector")
    with TemporaryDirectory(prefix="calendly-picture-") as home:
        process = subprocess.Popen(
            [script, "agent", "--sandbox", "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | terminals.environment(Path(home)) | {"CALENDLY_AGENT_ACCESS_TOKEN": _TOKEN},
        )
        try:
            yield _address(process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


def _address(process: "subprocess.Popen[str]") -> str:
    for line in process.stderr or ():
        if found := re.search(r"listens on (http://\S+[^.\s])", line):
            return found[1]
    raise SystemExit("The agent didn't start.")


def pictures() -> Iterator[Picture]:
    """Make all pictures."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        with terminals.terminal() as terminal:
            yield _terminal(browser, terminal)
        with agent() as url:
            page = _signed_in(browser, url)
            for take in (_credential, _action_filter, _runs, _webhooks, _flow, _run):
                yield take(page, url)
            with terminals.terminal() as terminal:
                yield _front(browser, page, terminal)
        browser.close()


def _terminal(browser: Browser, terminal: terminals.Terminal) -> Picture:
    """Show a terminal: a wrong token and a right one, who comes tomorrow, and a booking."""
    _book_two(terminal)
    _try_wrong_token(terminal)
    terminal.type("calendly-connector check")
    _type_agenda(terminal)
    _type_booking(terminal)
    return Picture(
        "terminal", _drawn(browser, terminals.window(terminal.shown)), terminals.plain(terminal.shown)
    )


def _book_two(terminal: terminals.Terminal) -> None:
    for when, name, email, answer in (
        ("tomorrow 9:30", "Noor van Dijk", "noor@client.example", "Pricing for 40 seats"),
        ("tomorrow 11:00", "Omar Reyes", "omar@client.example", "Moving from another tool"),
    ):
        terminal.prepare(_BOOK.format(when=when, name=name, email=email, answer=answer))


def _try_wrong_token(terminal: terminals.Terminal) -> None:
    terminal.type("calendly-connector check", CALENDLY_API_TOKEN="a-wrong-token")  # noqa: S106 - invented


def _type_agenda(terminal: terminals.Terminal) -> None:
    terminal.type("calendly-connector agenda --tomorrow --answers")


def _type_booking(terminal: terminals.Terminal) -> None:
    terminal.type(
        'calendly-connector book intro "tomorrow 14:00" --name "Lena Marsh" \\\n'
        "    --email lena@client.example --location zoom_conference \\\n"
        '    --answer "What would you like to discuss?=Security"'
    )


def _front(browser: Browser, page: Page, terminal: terminals.Terminal) -> Picture:
    """Show a terminal, as above, beside the run of a booking in the agent."""
    _book_two(terminal)
    _try_wrong_token(terminal)
    _type_agenda(terminal)
    _type_booking(terminal)
    beside = _narrow_run(page)
    windows = terminals.window(terminal.shown) + terminals.framed(beside.png)
    png = _drawn(browser, f'<div class="pair">{windows}</div>')
    return Picture("front", png, f"{terminals.plain(terminal.shown)}\n{beside.text}")


def _narrow_run(page: Page) -> Picture:
    """Return the run that is open in a narrow window, from its state on."""
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    page.get_by_text("Done", exact=True).evaluate(_SCROLL)
    page.wait_for_timeout(SETTLE_MS)
    return Picture("", page.screenshot(), page.locator("main").aria_snapshot())


def _drawn(browser: Browser, body: str) -> bytes:
    """Return a picture of HTML, on no background."""
    page = browser.new_page(viewport={"width": 1400, "height": 400}, device_scale_factor=2)
    page.set_content(terminals.PAGE.format(body=body))
    png = page.locator("main > *").first.screenshot(omit_background=True)
    page.close()
    return png


def _signed_in(browser: Browser, url: str) -> Page:
    size = {"width": WIDTH, "height": MOST}
    page = browser.new_page(viewport=size, color_scheme="light", device_scale_factor=2)  # type: ignore[arg-type]
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{url}/sign-in?token={_TOKEN}")
    return page


def _taken(page: Page, name: str) -> Picture:
    """Return a picture of a page, down to where it ends."""
    page.mouse.move(0, MOST - 1)
    text = _settled(page)
    end = page.evaluate(_END)
    height = min(MOST, max(LEAST, round(end) + BELOW))
    png = page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": height})
    return Picture(f"agent-{name}", png, text)


def _settled(page: Page) -> str:
    """Wait until a page changes no more; return what it shows."""
    before = ""
    for _ in range(WAIT_MS // SETTLE_MS):
        page.wait_for_timeout(SETTLE_MS)
        text = page.locator("body").aria_snapshot()
        if text == before:
            return text
        before = text
    raise SystemExit(f"{page.url} goes on changing.")


def _credential(page: Page, url: str) -> Picture:
    page.goto(f"{url}/credentials/new?connector=calendly")
    page.get_by_label("Token *").fill("sandbox-owner")
    page.get_by_role("button", name="Validate").click()
    expect(page.get_by_text("Signed in as Ada Okafor")).to_be_visible()
    return _taken(page, "credential")


def _action_filter(page: Page, url: str) -> Picture:
    page.goto(f"{url}/new-flow?template=create-webhook-subscription")
    step = page.get_by_role("group", name="Step 2")
    expect(step.get_by_label("Value of row 4", exact=True)).to_be_visible()
    step.scroll_into_view_if_needed()
    return _taken(page, "editor")


def _flow(page: Page, url: str) -> Picture:
    page.goto(f"{url}/flows/bookings-to-csv")
    expect(page.get_by_text("Process Flow URL").first).to_be_visible()
    expect(page.get_by_role("link", name="Done")).to_have_count(LAST_RUNS)
    expect(page.get_by_text("Version 1", exact=True)).to_be_visible()
    return _taken(page, "flow")


def _runs(page: Page, url: str) -> Picture:
    page.goto(f"{url}/runs")
    for _ in range(RUNS):
        page.get_by_role("button", name="Book a sample meeting").click()
    expect(page.get_by_role("row").filter(has_text="Done")).to_have_count(RUNS)
    page.reload()
    expect(page.get_by_role("row").filter(has_text="Done")).to_have_count(RUNS)
    return _taken(page, "runs")


def _run(page: Page, url: str) -> Picture:
    page.goto(f"{url}/runs")
    page.get_by_role("row").filter(has_text="Done").first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="line", exact=True)).to_be_visible()
    return _taken(page, "run")


def _webhooks(page: Page, url: str) -> Picture:
    page.goto(f"{url}/webhooks")
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_role("row").filter(has_text="bookings-to-csv")).to_contain_text(
        re.compile("Active.* now.* now")
    )
    return _taken(page, "webhooks")


def stale(made: Picture) -> str:
    """Return what is stale about the saved picture; empty if nothing is."""
    try:
        return made.difference()
    except (OSError, ValueError) as error:
        return str(error)


def main() -> int:
    """Make all pictures and save them, or with --check compare them with the saved ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare them with the saved ones")
    is_check = parser.parse_args().check
    FOLDER.mkdir(exist_ok=True)
    count = 0
    for made in pictures():
        if not is_check:
            made.save()
        elif problem := stale(made):
            count += 1
            print(f"{made.path.name} is stale. Run: make screenshots\n{problem}\n", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
