"""The whole story of the guide, in a browser: from the first start to the repair of a revoked token."""

import json
import re

from playwright.sync_api import expect

pytest_plugins = ["agent_browser"]

KEY = "a-made-up-signing-key-of-32-chars"
NAME = "<b>Noor</b> van Dijk"


def test_from_the_first_start_to_the_repair_of_a_revoked_token(own_desk, open_page):
    account, folder = own_desk.account, own_desk.folder
    owner = account.control("GET", "/tokens")["tokens"][0]
    account.control("POST", "/tokens", {"name": "ada-token", "scopes": owner["scopes"]})
    (folder / "files").mkdir()
    page = open_page(own_desk)
    expect(page.get_by_role("heading", name="No flows yet")).to_be_visible()
    expect(page.get_by_role("heading", name="1. Add a credential")).to_be_visible()

    token_is_validated_and_saved(page)
    folder_is_saved(page, folder / "files")
    flow_of_new_invitees_is_built_by_mouse(page)
    flow_that_subscribes_it_is_built_by_keyboard(page)
    subscription_is_created_at_the_first_poll(page)

    account.book(name=NAME, email="noor@client.example")
    booking_is_seen_to_run(page)
    lines = (folder / "files" / "invitees.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["name"] for line in lines] == [NAME]

    account.control("POST", "/tokens/revoke", {"token": "ada-token"})
    revoked_token_raises_a_banner_that_leads_to_its_repair(page, own_desk.url)


def token_is_validated_and_saved(page):
    page.get_by_role("link", name="Apps").click()
    page.get_by_role("button", name="Add credential for Calendly").click()
    token = page.get_by_label("Token *")
    token.fill("mistyped-token")
    page.get_by_role("button", name="Validate").click()
    expect(page.get_by_text("Calendly doesn't accept the token")).to_be_visible()
    token.fill("ada-token")
    page.get_by_role("button", name="Validate").click()
    expect(page.get_by_text("Signed in as Ada Okafor")).to_be_visible()
    page.get_by_text("Advanced", exact=True).click()
    page.get_by_label("Webhook signing key").fill(KEY)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Connection Saved Successfully!")).to_be_visible()


def folder_is_saved(page, folder):
    page.get_by_role("link", name="Apps").click()
    page.get_by_role("button", name="Add credential for Files").click()
    page.get_by_label("Path *").fill(str(folder))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Connection Saved Successfully!").last).to_be_visible()
    expect(page).to_have_url(re.compile("/credentials/file$"))


def flow_of_new_invitees_is_built_by_mouse(page):
    page.get_by_role("link", name="Process flows").click()
    page.get_by_role("button", name="New flow").click()
    page.get_by_label("Name", exact=True).fill("new-invitees")
    page.get_by_text("Triggered", exact=True).click()
    choose(page, "Source application", "Calendly")
    choose(page, "Events", "Invitee created")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Add step").click()
    choose(page, "Destination application", "Files")
    page.get_by_role("button", name="Choices for Action").click()
    page.get_by_role("option").filter(has_text="Append to a file").first.click()
    step = page.get_by_role("group", name="Step 1")
    step.get_by_label("Value of row 1", exact=True).fill("invitees.jsonl")
    step.get_by_role("button", name="Add row").first.click()
    step.get_by_label("Key of row 2", exact=True).fill("record")
    step.get_by_label("Value of row 2", exact=True).fill("~{event.payload}~")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Deploy").click()
    expect(page.get_by_text("new-invitees is deployed, version 1.")).to_be_visible()
    expect(page.get_by_label("Process Flow URL", exact=True)).to_have_value(
        re.compile("/flows/new-invitees/")
    )
    page.get_by_role("button", name="Keep editing").click()
    expect(page.get_by_role("dialog")).to_have_count(0)  # when it is gone, the focus is back


def flow_that_subscribes_it_is_built_by_keyboard(page):
    page.get_by_role("link", name="Process flows").press("Enter")
    page.get_by_role("button", name="New flow").press("Enter")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("create-webhook-subscription")
    page.get_by_role("radio", name="Polling").press("Space")
    page.get_by_label("Length of time", exact=True).focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("1d")
    page.get_by_role("button", name="Add step").press("Enter")
    pick(page, page.get_by_label("Destination application", exact=True), "Calendly")
    page.get_by_label("Action", exact=True).focus()
    page.keyboard.type("Create Webhook Subscription")
    expect(page.get_by_role("option").filter(has_text="Create a webhook subscription")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Key of row 3", exact=True)).to_be_visible()
    values = {
        "events[]": "invitee.created",
        "scope": "organization",
        "url": '~{flows["new-invitees"].url}~',
        "organization": "~{GetOrganizationUrl}~",
    }
    for number in (1, 2, 3):
        key = page.get_by_label(f"Key of row {number}", exact=True).input_value()
        write(page, page.get_by_label(f"Value of row {number}", exact=True), values.pop(key))
    page.get_by_role("group", name="Step 1").get_by_role("button", name="Add row").first.press("Enter")
    (key,) = values
    write(page, page.get_by_label("Key of row 4", exact=True), key)
    write(page, page.get_by_label("Value of row 4", exact=True), values[key])
    page.get_by_role("button", name="Deploy").press("Enter")
    expect(page.get_by_text("create-webhook-subscription is deployed, version 1.")).to_be_visible()
    page.get_by_role("button", name="Open the flow").press("Enter")


def subscription_is_created_at_the_first_poll(page):
    expect(page).to_have_url(re.compile("/flows/create-webhook-subscription$"))
    page.get_by_role("link", name="Runs", exact=True).click()
    row = page.get_by_role("row").filter(has_text="create-webhook-subscription")
    expect(row.first).to_contain_text("Done")
    page.get_by_role("link", name="Webhooks").click()
    expect(page.get_by_role("row").filter(has_text="new-invitees")).to_contain_text("Active")


def booking_is_seen_to_run(page):
    page.get_by_role("link", name="Runs", exact=True).click()
    row = page.get_by_role("row").filter(has_text="new-invitees")
    expect(row).to_contain_text("Done")
    row.get_by_role("link").first.click()
    page.get_by_role("button", name="Event").first.click()
    expect(page.get_by_role("region", name="Event")).to_contain_text(NAME)
    page.get_by_role("button", name="Replay").click()
    page.get_by_role("dialog").get_by_role("button", name="Replay").click()
    expect(page.get_by_text("Turn 2").first).to_be_visible()


def revoked_token_raises_a_banner_that_leads_to_its_repair(page, url):
    page.goto(f"{url}/credentials/work")
    page.get_by_role("button", name="Validate again").click()
    banner = page.get_by_text("The credential work doesn't work.")
    expect(banner).to_be_visible()
    page.get_by_role("link", name="Runs", exact=True).click()
    page.get_by_role("link", name="Repair it").click()
    page.get_by_label("Token *").fill("sandbox-owner")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Connection Saved Successfully!")).to_be_visible()
    expect(banner).to_have_count(0)


def choose(page, label, option):
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option).first.click()


def pick(page, place, option):
    """Choose from a list by keyboard."""
    place.press("Enter")
    expect(page.get_by_role("option", name=option).first).to_be_visible()
    for _ in range(page.get_by_role("option").count()):
        page.keyboard.press("ArrowDown")
        marked = place.get_attribute("aria-activedescendant")
        if option in page.locator(f"#{marked}").inner_text():
            break
    page.keyboard.press("Enter")
    expect(place).to_have_value(option)


def write(page, place, text):
    """Type a text and close what the editor offers for it."""
    place.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type(text)
    page.keyboard.press("Escape")
    expect(place).to_have_value(text)
