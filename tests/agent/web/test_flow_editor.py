"""The flow editor in a browser: both flows of the guide, by mouse and by keyboard, and what goes wrong."""

import re

import pytest
from accessibility import assert_accessible
from playwright.sync_api import expect

pytest_plugins = ["agent_browser"]

EVIL = "<img src=x onerror=alert(1)>{{constructor.constructor('alert(1)')()}}"
FLOW = """
name: {name}
title: Look up the user
connections:
  calendly: {{connector: calendly, credential: work}}
trigger: {{type: manual}}
steps:
  - id: me  # a comment
    connection: calendly
    action: users/me
"""


@pytest.fixture(scope="module", autouse=True)
def credentials(shared_desk):
    folder = shared_desk.folder / "files"
    folder.mkdir()
    signing_key = "a-made-up-signing-key-of-32-chars"
    shared_desk.vault.put(
        "work", {"kind": "personal_access_token", "token": "sandbox-owner", "signing_key": signing_key}
    )
    shared_desk.vault.put("files", {"kind": "folder", "path": str(folder)})


@pytest.fixture
def open_editor(shared_desk, open_page):
    def open_editor(path, **options):
        page = open_page(shared_desk, path.replace("?", "%3F"), **options)
        expect(page.get_by_role("button", name="Deploy")).to_be_visible()
        return page

    return open_editor


def field(page, label):
    return page.get_by_label(label, exact=True)


def choose(page, label, option):
    """Choose from a list by mouse."""
    field(page, label).click()
    page.get_by_role("option", name=option).first.click()


def offer(page, text):
    """Return what the editor offers."""
    return page.get_by_role("option").filter(has_text=text).first


def type_and_pick(page, text, offered):
    """Type a text, and take the first thing that is offered, by keyboard."""
    page.keyboard.type(text)
    expect(offer(page, offered)).to_be_visible()
    page.keyboard.press("Enter")
    expect(offer(page, offered)).to_be_hidden()


def tab_to(page, label, *, back=False):
    """Press Tab until the cursor is in a field or on a button."""
    for _ in range(60):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        focused = page.evaluate("[document.activeElement.ariaLabel, document.activeElement.innerText]")
        name = focused[0] or focused[1].split("\n")[-1]
        if name == label:
            return
    pytest.fail(f"Tab doesn't lead to {label}.")


def write_yaml(page, text):
    page.get_by_role("tab", name="YAML").click()
    editor = page.locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def deploy(page):
    page.get_by_role("button", name="Deploy").click()
    expect(page.get_by_text("is deployed, version")).to_be_visible()


def test_both_flows_of_the_guide_are_built_by_mouse_and_by_keyboard(open_editor):
    page = open_editor("/new-flow?trigger=triggered")
    empty_fields_say_what_they_need_once_they_are_left(page)
    build_the_triggered_flow_by_mouse(page)
    deploy(page)
    assert "/flows/collect-bookings/" in field(page, "Process Flow URL").input_value()
    expect(page.get_by_text("It waits for invitee.created.")).to_be_visible()
    expect(page).to_have_url(re.compile("/flows/collect-bookings/edit$"))

    page = open_editor("/new-flow")
    build_the_polling_flow_by_keyboard(page)
    tab_to(page, "Discard changes", back=True)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("subscribe-bookings is deployed, version 1.")).to_be_visible()


def empty_fields_say_what_they_need_once_they_are_left(page):
    expect(page.get_by_text("Not complete yet")).to_be_visible()
    field(page, "Name").click()
    field(page, "Title").click()
    expect(page.get_by_text("Enter a name.")).to_be_visible()
    expect(page.get_by_text("1 to repair")).to_be_visible()
    expect(page.get_by_text("Add a step.")).to_be_hidden()
    page.get_by_role("button", name="Deploy").click()
    expect(page.get_by_text("Add a step.")).to_be_visible()
    expect(page.get_by_text("Choose at least one event.")).to_be_visible()
    expect(page.get_by_text("4 to repair")).to_be_visible()


def build_the_triggered_flow_by_mouse(page):
    field(page, "Name").fill("collect-bookings")
    choose(page, "Source application", "Calendly")
    expect(page.get_by_text("work").first).to_be_visible()
    choose(page, "Events", "Invitee created")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Add row").first.click()
    field(page, "Key of row 1").fill("event")
    offer(page, "event_type").click()
    page.get_by_role("button", name="Choices for Value of row 1").click()
    offer(page, "Intro").click()
    page.get_by_role("button", name="Add step").click()
    choose(page, "Destination application", "Files")
    page.get_by_role("button", name="Choices for Action").click()
    offer(page, "Append to a file").click()
    step = page.get_by_role("group", name="Step 1")
    field(step, "Value of row 1").fill("bookings.jsonl")
    step.get_by_role("button", name="Add row").click()
    field(step, "Key of row 2").fill("record.email")
    field(step, "Value of row 2").press_sequentially("~{event.payload.ema")
    expect(offer(page, "~{event.payload.email}~")).to_contain_text("Email")
    offer(page, "~{event.payload.email}~").click()
    expect(field(step, "Value of row 2")).to_have_value("~{event.payload.email}~")
    expect(page.get_by_text("to repair")).to_be_hidden()


def build_the_polling_flow_by_keyboard(page):
    keyboard = page.keyboard
    tab_to(page, "Name")
    keyboard.type("subscribe-bookings")
    tab_to(page, "Polling")
    keyboard.press("Space")
    tab_to(page, "Length of time")
    keyboard.press("Control+a")
    keyboard.type("6h")
    tab_to(page, "Add step")
    keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove step 1")).to_be_focused()
    tab_to(page, "Destination application")
    keyboard.press("Enter")
    expect(page.get_by_role("option", name="Calendly")).to_be_visible()
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    tab_to(page, "Schema")
    type_and_pick(page, "webhook_subscription", "webhook_subscriptions")
    tab_to(page, "Action")
    type_and_pick(page, "Create Webhook Subscription", "Create a webhook subscription")
    expect(field(page, "Key of row 3")).to_be_visible()
    rows = [field(page, f"Key of row {number}").input_value() for number in (1, 2, 3)]
    assert rows == ["url", "events[]", "scope"]  # those that the action requires
    tab_to(page, "Value of row 1")
    type_and_pick(page, '~{flows["coll', "Process Flow URL of collect-bookings")
    tab_to(page, "Value of row 2")
    type_and_pick(page, "invitee.cr", "Invitee created")
    tab_to(page, "Value of row 3")
    type_and_pick(page, "org", "Organization")
    tab_to(page, "Add row")
    keyboard.press("Enter")
    expect(field(page, "Key of row 4")).to_be_focused()
    type_and_pick(page, "organi", "Organization")
    expect(field(page, "Key of row 4")).to_have_value("organization")
    page.keyboard.press("Tab")
    type_and_pick(page, "~{GetOrg", "~{GetOrganizationUrl}~")
    values = [
        '~{flows["collect-bookings"].url}~',
        "invitee.created",
        "organization",
        "~{GetOrganizationUrl}~",
    ]
    for number, value in enumerate(values, 1):
        expect(field(page, f"Value of row {number}")).to_have_value(value)


def test_a_step_is_tested_and_what_is_wrong_stands_beside_its_row(open_editor):
    page = open_editor("/new-flow?template=booking-to-chat", dark=True)
    write_yaml(page, FLOW.format(name="trying-out"))
    expect(page.get_by_text("No problems.")).to_be_visible()
    page.get_by_role("tab", name="Form").click()
    expect(page.get_by_text("This flow was written by hand.")).to_be_visible()
    page.get_by_role("button", name="Test step 1").click()
    expect(page.get_by_text("It works.")).to_be_visible()
    expect(page.get_by_role("region", name="Returned")).to_contain_text("current_organization")
    page.get_by_role("button", name="Add step").click()
    step = page.get_by_role("group", name="Step 2")
    field(step, "Action").fill("Create Webhook Subscription")
    page.keyboard.press("Escape")
    step.get_by_role("button", name="Add row").click()
    field(step, "Key of row 1").fill("scope")
    value = field(step, "Value of row 1")
    typed = "~{me.record.current_organisation}~ " + "and more " * 3
    value.press_sequentially(typed)  # the check runs meanwhile
    expect(value).to_have_value(typed)
    expect(step.get_by_text("Did you mean 'current_organization'?")).to_be_visible()
    value.fill("galaxy")
    expect(step.get_by_text("must be one of")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Deploy").click()
    expect(page.get_by_text("Nothing was deployed")).to_be_visible()
    value.fill("user")
    page.keyboard.press("Escape")
    for number, (key, text) in enumerate(
        [("events[]", "invitee.created"), ("url", "https://acme.example/in"), ("user", "~{me.record.uri}~")],
        2,
    ):
        step.get_by_role("button", name="Add row").click()
        field(step, f"Key of row {number}").fill(key)
        field(step, f"Value of row {number}").fill(text)
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Test step 2").click()
    expect(page.get_by_text("POST http")).to_be_visible()
    expect(page.get_by_role("dialog")).to_contain_text("https://acme.example/in")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Move step 2 up").click()
    expect(page.get_by_role("button", name="Move step 1 up")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Move step 2 down")).to_be_focused()
    expect(page.get_by_text("Draft kept")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Your changes from before are shown.")).to_be_visible()
    expect(field(page.get_by_role("group", name="Step 2"), "Key of row 4")).to_have_value("user")
    assert_accessible(page)


def test_the_second_person_who_edits_a_flow_sees_the_difference(open_editor):
    page = open_editor("/new-flow?trigger=polling")
    write_yaml(page, FLOW.format(name="new"))
    deploy(page)
    first, second = open_editor("/flows/new/edit"), open_editor("/flows/new/edit")
    field(first, "Title").fill("What the first one wrote")
    deploy(first)
    field(second, "Title").fill("What the second one wrote")
    second.get_by_role("button", name="Deploy").click()
    expect(second.get_by_text("Somebody else changed this flow")).to_be_visible()
    expect(second.get_by_role("region", name="Difference")).to_contain_text(
        "-title: What the first one wrote"
    )
    second.get_by_role("button", name="Load version 2").click()
    expect(field(second, "Title")).to_have_value("What the first one wrote")
    field(second, "Title").fill("What the second one wrote then")
    deploy(second)
    second.get_by_role("button", name="Open the flow").click()
    expect(second).to_have_url(re.compile("/flows/new$"))
    expect(second.get_by_role("heading", name="new", exact=True)).to_be_visible()


def test_texts_of_strangers_stay_texts(open_editor, shared_desk):
    page = open_editor("/new-flow?template=new-invitees", screen="narrow")
    asked = []

    def answer(dialog):
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    text = (
        FLOW.format(name="evil").replace("Look up the user", f'"{EVIL}"').replace("id: me", f'id: "{EVIL}"')
    )
    write_yaml(
        page, text + f"    for_each: '{EVIL.replace(chr(39), chr(34))}'\n    filter: {{'{EVIL[:28]}': 1}}\n"
    )
    expect(page.get_by_text("Line 8")).to_be_visible()
    page.get_by_role("tab", name="Form").click()
    expect(field(page, "Title")).to_have_value(EVIL)
    expect(page.locator("svg").filter(has_text="<img src=x").first).to_be_visible()
    assert page.locator("img[src=x]").count() == 0
    assert_accessible(page)
    page.goto(f"{shared_desk.url}/flows/%3Cimg%20src=x%20onerror=alert(1)%3E/edit")
    expect(page.get_by_role("alert")).to_contain_text("<img src=x")
    page.goto(f"{shared_desk.url}/new-flow?template=%3Cimg%20src=x%20onerror=alert(1)%3E")
    expect(page.get_by_role("alert")).to_contain_text("<img src=x")
    assert page.locator("img[src=x]").count() == 0
    assert asked == ["beforeunload"]  # leaving with changes asks, and no script of a stranger ran
