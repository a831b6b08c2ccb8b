"""A newcomer presses a button, and sees a booking run through a flow."""

import re
from pathlib import Path

from agent_desk import TOKEN
from agent_process import agent
from engine_waiting import wait_for
from playwright.sync_api import expect

pytest_plugins = ["agent_browser"]


def test_a_sample_booking_becomes_a_line_of_a_file(browser, tmp_path, monkeypatch):
    monkeypatch.setenv("CALENDLY_AGENT_ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    with agent(tmp_path / "unused.db", "--sandbox") as running:
        folder = Path(re.findall(r"write to (\S+)\.\n", running.announced)[0])
        page = browser.new_page()
        page.goto(f"{running.url}/sign-in?token={TOKEN}")
        page.get_by_role("button", name="Book a sample meeting").click()
        expect(page.get_by_text("An invented person booked a meeting.")).to_be_visible()

        def done():
            runs = page.request.get(f"{running.url}/api/runs").json()["runs"]
            return [one["flow"] for one in runs if one["state"] == "done"]

        assert wait_for(done) == ["bookings-to-csv"]
        lines = (folder / "bookings.csv").read_text("utf-8").splitlines()
        page.context.close()
        assert running.end()[0] == 0
    assert (lines[0], len(lines)) == ("key,meeting,start,host,name,email", 2)
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == [], "nothing is kept of the sandbox, not even keys in the vault"


def test_without_a_sandbox_there_is_no_such_button(shared_desk, open_page):
    page = open_page(shared_desk)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    expect(page.get_by_role("button", name="Book a sample meeting")).to_have_count(0)
