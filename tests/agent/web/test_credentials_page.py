"""Credentials on the pages: a token is validated and saved as in the guide, and repaired if it is revoked."""

import re

import pytest
from accessibility import assert_accessible
from calendly_connector.agent.engine.database import Database
from calendly_connector.agent.engine.flow_store import FlowStore
from calendly_connector.agent.flows import file
from calendly_connector.support.clock import Timing
from playwright.sync_api import expect
from signing_in import answer

pytest_plugins = ["agent_browser"]

SAVED = "Connection Saved Successfully!"
OWNER = "Signed in as Ada Okafor (ada@acme.example)."
ATTACK = "<img src=x onerror=alert(1)>{{constructor.constructor('alert(1)')()}}"
FLOW = """\
name: nightly
connections: {calendly: {connector: calendly, credential: %s}}
trigger: {type: manual}
steps:
  - {id: me, connection: calendly, action: users.me}
"""


@pytest.fixture
def flows(shared_desk):
    """Yield the deployed flows of the agent."""
    database = Database(f"sqlite:///{shared_desk.folder / 'agent.db'}")
    yield FlowStore(database, file.parse, Timing())
    database.close()


def deploy(flows, credential):
    flows.deploy(FLOW % credential, file.parse(FLOW % credential))


def heading(page, name):
    return page.get_by_role("heading", name=name, exact=True)


def test_a_token_is_validated_saved_renamed_and_deleted_and_never_sent_back(shared_desk, open_page, flows):
    page = open_page(shared_desk, "/apps")
    sent_to_browser = []
    page.on(
        "websocket", lambda socket: socket.on("framereceived", lambda data: sent_to_browser.append(str(data)))
    )
    page.get_by_role("button", name="Add credential for Calendly").click()
    expect(page.get_by_label("Token *")).to_be_visible()
    assert_accessible(page)

    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    page.get_by_label("Token *").fill("wrong-token-1")
    page.get_by_role("button", name="Validate").click()
    expect(page.get_by_text("Calendly doesn't accept the token")).to_be_visible()
    expect(page.get_by_text("Create a new token in Calendly")).to_be_visible()
    assert page.get_by_label("Token *").input_value() == "wrong-token-1"

    page.get_by_label("Token *").fill("sandbox-owner")
    page.get_by_role("button", name="Validate").click()
    expect(page.get_by_text(OWNER)).to_be_visible()
    expect(page.get_by_text(re.compile(r"\d+ of \d+ requests left"))).to_be_visible()
    page.get_by_text(re.compile(r"May be able to do: \d+ actions")).click()
    expect(page.get_by_text(re.compile("Not checked yet: ")).first).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(SAVED)).to_be_visible()
    expect(page).to_have_url(f"{shared_desk.url}/credentials/work")
    assert shared_desk.vault.get("work")["token"] == "sandbox-owner"
    page.reload()
    expect(page.get_by_text(OWNER)).to_be_visible()
    assert_accessible(page)
    for secret in ("sandbox-owner", "wrong-token-1"):
        assert secret not in page.content()
        assert not [frame for frame in sent_to_browser if secret in frame]

    deploy(flows, "work")
    page.reload()
    expect(page.get_by_role("link", name="nightly")).to_be_visible()
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("New name").fill("main")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_text("The flow nightly uses the name 'work'.")).to_be_visible()
    deploy(flows, "other")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page).to_have_url(f"{shared_desk.url}/credentials/main")
    deploy(flows, "main")
    expect(heading(page, "main")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The flow nightly uses it.")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page).to_have_url(f"{shared_desk.url}/credentials")
    expect(page.get_by_role("button", name="Add")).to_be_visible()
    expect(page.get_by_text("Personal access token")).to_be_hidden()
    assert "main" not in shared_desk.vault.names()


def test_a_revoked_token_raises_a_banner_until_it_is_replaced_and_its_flow_goes_on(
    shared_desk, open_page, flows
):
    shared_desk.vault.put("robot", {"kind": "personal_access_token", "token": "sandbox-revoked"})
    deploy(flows, "robot")
    flows.pause("nightly", by="agent", reason="The token was revoked.")
    page = open_page(shared_desk, "/credentials")
    expect(page.get_by_text("Doesn't work", exact=True)).to_be_visible()
    banner = page.get_by_text("The credential robot doesn't work.")
    expect(banner).to_be_visible()
    page.get_by_role("link", name="Repair it").click()
    page.get_by_label("Token *").fill("sandbox-owner")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(SAVED)).to_be_visible()
    expect(banner).to_have_count(0)
    assert flows.get("nightly").state == "active"
    shared_desk.vault.delete("robot")


def test_a_person_connects_by_oauth_in_the_browser_that_began_it(shared_desk, open_page):
    account = shared_desk.account
    callback = f"{shared_desk.url}/credentials/callback"
    app = account.control("POST", "/apps", {"kind": "web", "redirect_uris": [callback]})
    page = open_page(shared_desk, "/credentials/new?connector=calendly%26kind=oauth")
    expect(page.get_by_role("textbox", name="Redirect URI")).to_have_value(callback)
    page.get_by_label("Name *").fill(ATTACK)
    page.get_by_label("Client ID *").fill(app["client_id"])
    page.get_by_label("Client secret").fill(app["client_secret"])
    answer(account, "deny")
    page.get_by_role("button", name="Connect with Calendly").click()
    expect(page.get_by_text("Consent was denied.")).to_be_visible()
    answer(account, "allow")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text(SAVED)).to_be_visible()
    expect(heading(page, ATTACK)).to_be_visible()
    expect(page.get_by_text(OWNER)).to_be_visible()
    stored = shared_desk.vault.get(ATTACK)
    for secret in (stored["access_token"], stored["client_secret"]):
        assert secret not in page.content()
    page.goto(f"{callback}?code=x&state=y")
    expect(page.get_by_text("No sign-in was begun in this browser")).to_be_visible()
    page.goto(f"{shared_desk.url}/credentials")
    expect(page.get_by_text(ATTACK)).to_be_visible()
    assert_accessible(page)
