"""Apps on the pages: the catalog, and a form to try each action."""

import pytest
from accessibility import assert_accessible
from playwright.sync_api import expect

pytest_plugins = ["agent_browser"]

ATTACK = "<img src=x onerror=alert(1)>{{constructor.constructor('alert(1)')()}}"


@pytest.fixture(autouse=True)
def _credential(shared_desk):
    shared_desk.vault.put("work", {"kind": "personal_access_token", "token": "sandbox-owner"})


def test_the_catalog_is_searched_and_a_read_is_tried(shared_desk, open_page):
    page = open_page(shared_desk, "/apps")
    for name in ("Calendly", "Files", "HTTP", "SQL database"):
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Calendly", exact=True).click()
    for name in ("Endpoint", "Action", "Action type", "Schema", "Help", "API path"):
        expect(page.get_by_role("columnheader", name=name, exact=True).first).to_be_visible()
    page.get_by_label("Search actions and triggers").fill("list event types")
    action = page.get_by_role("link", name="List event types", exact=True)
    expect(page.get_by_role("heading", name="Triggers")).to_be_hidden()
    expect(page.get_by_role("link", name="Get the current user")).to_be_hidden()
    assert_accessible(page)  # with few rows: axe looks at each
    api = page.get_by_role("link", name="/event_types", exact=True)
    expect(api).to_have_attribute("rel", "noopener")
    action.click()

    page.get_by_role("button", name="Choose: User").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Search").fill("ada ok")
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    dialog.get_by_text("Ada Okafor", exact=True).click()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("cell", name="Intro call", exact=True)).to_be_visible()
    assert_accessible(page)
    page.get_by_role("tab", name="Output").click()
    expect(page.get_by_role("cell", name="scheduling_url", exact=True)).to_be_visible()
    page.get_by_role("tab", name="Example").click()
    expect(page.get_by_role("region", name="Example of the output")).to_contain_text("scheduling_url")


def test_a_write_shows_its_request_and_asks_and_its_problems_are_beside_the_fields(shared_desk, open_page):
    page = open_page(shared_desk, "/apps/calendly/contacts.create", dark=True)
    show = page.get_by_role("button", name="Show the request")
    page.get_by_label("Name", exact=True).fill(ATTACK)
    show.click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    page.get_by_role("button", name="Add to Email addresses").click()
    page.get_by_label("Email *").fill("no address")
    page.get_by_label("Primary *").click()
    page.get_by_role("option", name="Yes").click()
    show.click()
    expect(page.get_by_text("Must be an email address.")).to_be_visible()
    page.get_by_label("Email *").fill("eve@client.example")
    assert_accessible(page)
    show.click()
    request = page.get_by_role("region", name="The request")
    expect(request).to_contain_text("/contacts")
    expect(request).to_contain_text("eve@client.example")
    assert not written(shared_desk)
    page.get_by_role("button", name="Cancel").click()
    expect(request).to_have_count(0)
    show.click()
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_text("1 record, with 1 request.")).to_be_visible()
    expect(page.get_by_role("cell", name=ATTACK, exact=True)).to_be_visible()
    assert written(shared_desk)
    assert any('"what": "action.run"' in line for line in shared_desk.log)


def written(desk):
    """Return how many contacts were written."""
    return desk.account.requests()["counts"].get("POST /contacts", 0)


def test_an_unknown_app_or_action_has_a_way_back(shared_desk, open_page):
    page = open_page(shared_desk, "/apps/nosuch")
    expect(page.get_by_role("link", name="Back to the apps")).to_be_visible()
    page.goto(f"{shared_desk.url}/apps/calendly/nosuch")
    expect(page.get_by_role("link", name="Back to the apps")).to_be_visible()
