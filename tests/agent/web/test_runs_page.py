"""Runs in the browser: the list, one run, its replay, and the charts."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.engine.engine import Engine
from calendly_connector.agent.flows import file
from many_runs import add_calls, add_runs
from playwright.sync_api import expect

pytest_plugins = ["agent_browser"]

FLOW = """\
name: orders
connections: {shop: {connector: http, credential: shop}}
trigger: {type: manual}
steps:
  - {id: first, connection: shop, action: http.send, filter: {json: {text: first}}}
  - {id: send, connection: shop, action: http.send, filter: {json: "~{event.payload}~"}}
"""
EVIL = "<img src=x onerror=alert(1)>{{constructor.constructor('alert(2)')()}}"
MANY = 10_000


@contextmanager
def shop():
    """Serve an application that rejects posts while `refuses`, and keep them."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            refused = self.server.refuses and b"first" not in body
            self.server.posts.append(body)
            self.send_response(403 if refused else 204)
            self.end_headers()

        def log_message(self, *_words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.refuses, server.posts = True, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def works(shared_desk):
    """Yield the application that the flow `orders` posts to, and an engine that starts its runs."""
    with shop() as server:
        address = f"http://127.0.0.1:{server.server_port}/hook"
        credential = {"kind": "webhook", "url": address, "private_network": "allowed"}
        shared_desk.vault.put("shop", credential)
        engine = Engine(
            f"sqlite:///{shared_desk.folder}/agent.db",
            read=file.parse,
            connections=Connections(store=shared_desk.vault),
        )
        engine.start(works=False)
        engine.deploy(FLOW, file.parse(FLOW))
        yield server, engine
        engine.stop()


def start(engine, event):
    """Start a run. DBOS rejects a thread with an event loop, and Playwright has one in this thread."""
    with ThreadPoolExecutor(1) as pool:
        run_id = pool.submit(engine.start_run, "orders", event).result()
    return run_id, engine.runs.get(run_id).short_id


def evil_event(name):
    payload = {"name": EVIL, "answers": "x" * 5_000}
    return {"id": f"{EVIL}{name}", "kind": EVIL, "created_at": "", "created_by": None, "payload": payload}


def test_a_run_appears_by_itself_shows_its_error_with_the_fix_and_is_replayed(shared_desk, works, open_page):
    server, engine = works
    server.refuses = True
    server.posts.clear()
    page = open_page(shared_desk, "/runs%3Ftext=appears-by-itself")
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    expect(page.get_by_text("No runs match the filters")).to_be_visible()
    _, short = start(engine, evil_event("appears-by-itself"))
    row = page.get_by_role("row").filter(has_text="orders")
    expect(row).to_contain_text("Failed")
    expect(row).to_contain_text(EVIL)
    row.get_by_role("link").first.click()
    expect(page).to_have_url(f"{shared_desk.url}/runs/{short}")
    expect(page.get_by_role("heading", name="first", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile("Step send: ")).first).to_be_visible()
    expect(page.get_by_text("Check what the credential may do there.").first).to_be_visible()
    page.get_by_role("button", name="Event").first.click()
    expect(page.get_by_role("region", name="Event")).to_contain_text(EVIL)
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_role("region", name="Event")).to_contain_text("x" * 5_000)

    server.refuses = False
    page.get_by_role("button", name="Replay").click()
    page.get_by_role("dialog").get_by_role("button", name="Replay").click()
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    expect(page.get_by_text("Turn 2")).to_be_visible()
    assert [b"first" in body for body in server.posts] == [True, False, False]

    page.get_by_role("button", name="Replay").click()
    page.get_by_label("Start at").click()
    page.get_by_role("option", name="Step first").click()
    expect(page.get_by_text("even if they succeeded before")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Replay").click()
    expect(page.get_by_text("Turn 3").nth(1)).to_be_visible()
    assert len(server.posts) == 5
    assert not dialogs


def test_an_unknown_run_says_so(shared_desk, open_page):
    page = open_page(shared_desk)
    for name in ("ffffffff", "%3Cimg%20src=x%20onerror=alert(1)%3E"):
        page.goto(f"{shared_desk.url}/runs/{name}")
        expect(page.get_by_text("There is no run")).to_be_visible()
        expect(page.get_by_role("link", name="Show all runs")).to_be_visible()


def test_ten_thousand_runs_are_filtered_loaded_and_drawn(shared_desk, works, open_page):
    _, engine = works
    add_runs(engine.database, MANY, now=time.time() - 5, every_s=30.0)
    add_calls(engine.database, now=time.time())
    page = open_page(shared_desk, "/runs%3Fflow=notes%26state=failed")
    expect(page.get_by_text("50 of 2,000 shown.")).to_be_visible()
    page.get_by_role("button", name="Load more").click()
    expect(page.get_by_text("100 of 2,000 shown.")).to_be_visible()
    page.get_by_role("button", name="Done 6,000").click()
    expect(page).to_have_url(f"{shared_desk.url}/runs?flow=notes&state=done")
    page.get_by_label("Run or event id").fill("event-1234")
    page.get_by_role("button", name="All 1", exact=True).click()
    expect(page.get_by_text("1 of 1 shown.")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Run or event id")).to_have_value("event-1234")
    page.get_by_label("Run or event id").fill("nothing like this")
    expect(page.get_by_text("No runs match the filters")).to_be_visible()
    page.get_by_role("link", name="Show all runs").click()
    page.get_by_role("link", name="Charts").click()
    expect(page.get_by_text(re.compile(r"runs in the last 24 hours, \d+ of them failed"))).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()
    expect(page.get_by_role("cell", name="calendly/work")).to_be_visible()
    page.get_by_role("link", name="7 days").click()
    expect(page).to_have_url(f"{shared_desk.url}/charts?range=7d")
    expect(page.get_by_text(re.compile("runs in the last 7 days"))).to_be_visible()


def test_narrow_and_dark_screens_need_no_scrolling_sideways(shared_desk, works, open_page):
    _, engine = works
    _, short = start(engine, evil_event("narrow"))
    page = open_page(shared_desk, "/runs", screen="narrow", dark=True)
    for path, shown in (("/runs", "shown."), (f"/runs/{short}", "Timeline"), ("/charts", "API budget")):
        page.goto(f"{shared_desk.url}{path}")
        expect(page.get_by_text(shown).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, path
