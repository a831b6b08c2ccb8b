"""The list of flows and the page of one flow, in a browser."""

import pytest
from calendly_connector.cli.agent_options import make_engine
from playwright.sync_api import expect

pytest_plugins = ["agent_browser"]

CREDENTIAL = "connections: {calendly: {connector: calendly, credential: work}}\n"
ME = "  - {id: me, connection: calendly, action: users.me}\n"
HOSTILE = "<img src=x onerror=alert(1)> {{constructor.constructor('alert(1)')()}}"
BOOKED = (
    f'name: booked\ntitle: "{HOSTILE}"\n{CREDENTIAL}'
    "trigger: {type: triggered, connection: calendly, events: [invitee.created]}\nsteps:\n" + ME
)
BY_HAND = f"name: by-hand\n{CREDENTIAL}trigger: {{type: manual}}\nsteps:\n{ME}"
REASON = "The connector isn't installed."
AGAIN = "  - {id: again, connection: calendly, action: users.me}\n"


@pytest.fixture
def deploy(shared_desk):
    """Return a function that deploys a flow from another process, as `flow deploy` does."""
    from calendly_connector.agent.flows import file

    def deploy(text):
        engine = make_engine(f"sqlite:///{shared_desk.folder}/agent.db")
        engine.start(works=False)
        engine.deploy(text, file.parse(text))
        engine.stop()

    shared_desk.vault.put("work", {"kind": "personal_access_token", "token": "sandbox-owner"})
    return deploy


def agent_pauses(desk, name):
    """Pause a flow as the agent does when it can't run."""
    engine = make_engine(f"sqlite:///{desk.folder}/agent.db")
    engine.start(works=False)
    engine.flows.resume(name)
    engine.flows.pause(name, by="agent", reason=REASON)
    engine.stop()


def heading(page, name):
    return page.get_by_role("heading", name=name, exact=True)


def test_a_person_finds_pauses_and_runs_a_flow(shared_desk, open_page, deploy):
    page = open_page(shared_desk, "/")
    expect(heading(page, "No flows yet")).to_be_visible()
    page.get_by_role("button", name="From a template").click()
    expect(page.get_by_text("new-invitees", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    deploy(BOOKED)
    deploy(BY_HAND)
    expect(page.get_by_text(HOSTILE, exact=True)).to_be_visible()  # without loading the page again
    expect(page.get_by_role("cell", name="invitee.created, by webhook")).to_be_visible()

    switch = page.get_by_role("switch", name="by-hand is on")
    switch.click()
    expect(page.get_by_text("Paused by a person.")).to_be_visible()
    page.get_by_role("link", name="by-hand").click()
    expect(heading(page, "by-hand")).to_be_visible()
    agent_pauses(shared_desk, "by-hand")
    expect(page.get_by_text("The agent paused it")).to_be_visible()
    expect(page.get_by_text(REASON)).to_have_count(1)  # no banner says it again
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Run it now").click()
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_role("link", name="Done")).to_be_visible()


def test_a_person_looks_at_a_flow_runs_it_with_an_event_and_removes_it(shared_desk, open_page, deploy):
    deploy(BOOKED)
    deploy(BOOKED + AGAIN)
    page = open_page(shared_desk, "/flows/booked", screen="narrow", dark=True)
    expect(page.get_by_text(HOSTILE, exact=True)).to_be_visible()
    address = page.get_by_role("textbox", name="Process Flow URL").input_value()
    assert address.startswith(f"{shared_desk.url}/flows/booked/")
    page.get_by_role("button", name="Check that Calendly reaches it").click()
    expect(page.get_by_text("is this machine, so Calendly can't reach it.")).to_be_visible()
    expect(page.get_by_role("link", name="Change the trigger to polling")).to_be_visible()

    page.get_by_role("button", name="Run it now").click()
    event = page.get_by_label("Event, as JSON")
    event.fill("{")
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_text("The event isn't JSON in line 1. Correct it.")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()

    page.get_by_role("button", name="Changes since version 1").click()
    expect(page.get_by_text(f"+{AGAIN.rstrip()}")).to_be_visible()
    page.get_by_role("button", name="Deploy this version again").click()
    expect(page.get_by_text("Version 3")).to_be_visible()

    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Runs under way end. Runs that wait fail.")).to_be_visible()
    page.get_by_role("button", name="Remove the flow").click()
    expect(heading(page, "Process flows")).to_be_visible()
    expect(page.get_by_role("link", name="booked")).to_have_count(0)
    page.goto(f"{shared_desk.url}/flows/booked")
    expect(page.get_by_text("No flow named 'booked' is deployed.")).to_be_visible()
