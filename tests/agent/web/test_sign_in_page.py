"""The way in: the link of the terminal, the form, and what a stranger gets."""

import re

from agent_desk import TOKEN
from playwright.sync_api import expect

pytest_plugins = ["agent_browser"]


def test_the_link_of_the_terminal_signs_in(shared_desk, browser):
    (link,) = re.findall(r"Open (\S+)", shared_desk.agent.announced)
    page = browser.new_page()
    page.goto(link)
    expect(page.get_by_role("heading", name="Process flows")).to_be_visible()
    assert "token" not in page.url
    page.context.close()


def test_a_wrong_token_is_rejected_beside_the_field_and_the_right_one_leads_to_the_page(shared_desk, browser):
    page = browser.new_page()
    page.goto(f"{shared_desk.url}/runs")
    page.get_by_label("Access token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("That isn't the agent's access token.")
    page.get_by_label("Access token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{shared_desk.url}/runs")
    page.context.close()
