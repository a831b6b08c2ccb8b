"""The page of webhooks: one is disabled, a banner appears, a person repairs it, and the banner goes."""

import pytest
from agent_desk import settings
from calendly_connector import cli
from playwright.sync_api import expect
from subscribing import at_calendly, change

pytest_plugins = ["agent_browser"]

FLOW = """\
name: bookings
connections:
  calendly: {connector: calendly, credential: work}
  agent: {connector: agent}
trigger: {type: triggered, connection: calendly, events: [invitee.created], subscribe: true}
steps:
  - {id: note, connection: agent, action: log.write, filter: {text: A booking}}
"""
BANNER = "A webhook of the flow bookings is disabled."


@pytest.fixture
def deploy(shared_desk, tmp_path, monkeypatch):
    """Return a function that deploys a flow, which is then subscribed to bookings."""
    for name, value in settings(shared_desk.account, shared_desk.folder).items():
        monkeypatch.setenv(name, value)

    def deploy():
        shared_desk.vault.put("work", {"kind": "personal_access_token", "token": "sandbox-owner"})
        file = tmp_path / "bookings.yaml"
        file.write_text(FLOW)
        assert (
            cli.main(["flow", "deploy", str(file), "--database", str(shared_desk.folder / "agent.db")]) == 0
        )

    return deploy


def test_a_disabled_webhook_raises_a_banner_that_leads_to_its_repair(shared_desk, open_page, deploy):
    page = open_page(shared_desk, "/webhooks")
    expect(page.get_by_role("heading", name="No webhooks yet")).to_be_visible()
    deploy()
    page.get_by_role("button", name="Look again").click()
    row = page.get_by_role("row").filter(has_text="bookings")
    expect(row).to_contain_text("Active")
    expect(row).to_contain_text("…/flows/bookings/…")
    (url,) = at_calendly(shared_desk.account)
    change(shared_desk.account, url, state="disabled")
    page.get_by_role("button", name="Look again").click()
    expect(row).to_contain_text("Disabled")
    banner = page.get_by_role("status").filter(has_text=BANNER)
    expect(banner).to_be_visible()
    banner.get_by_role("link", name="Repair it").click()

    details = page.get_by_role("dialog")
    expect(details).to_contain_text("Calendly disabled it")
    details.get_by_role("button", name="Try the address").click()
    expect(details).to_contain_text("127.0.0.1 is this machine")
    details.get_by_role("button", name="Repair").click()
    page.get_by_role("dialog").filter(has_text="Repair this webhook?").get_by_role(
        "button", name="Repair"
    ).click()
    expect(page.get_by_text("Repaired.")).to_be_visible()
    expect(row).to_contain_text("Active")
    expect(page.get_by_text(BANNER)).to_have_count(0)
    assert [record["state"] for record in at_calendly(shared_desk.account).values()] == ["active"]
    page.set_viewport_size({"width": 400, "height": 800})
    page.reload()
    expect(page.get_by_text("Last look: just now").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert any('"what": "webhook.repair"' in line for line in shared_desk.log)
