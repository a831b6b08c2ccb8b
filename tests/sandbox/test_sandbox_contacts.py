"""Contacts with custom fields, lists and notes, and their webhooks."""

import json

import pytest
from calendly_connector.sandbox.world import fixtures
from calendly_connector.sandbox.world.address_book import name_key
from sandbox_client import ORGANIZATION, OWNER, PAYLOADS, PUBLIC, serving

NOOR = f"{PUBLIC}/contacts/{fixtures.CONTACT}"
NOOR_PATH = f"/contacts/{fixtures.CONTACT}"
FAIR, DUTCH = f"/contact_lists/{fixtures.TRADE_FAIR}", f"/contact_lists/{fixtures.DUTCH_BUYERS}"
DEFINITIONS = "/contacts/custom_field_definitions"
SHIFTED = {
    "created_at",
    "updated_at",
    "next_meeting_date",
    "last_interaction_date",
}  # these depend on the anchor


@pytest.fixture(scope="module")
def shared_call():
    """Yield a client of a shared sandbox that tests must not change."""
    with serving() as client:
        yield client


@pytest.fixture
def call():
    with serving() as client:
        yield client


def emails(*addresses):
    return [{"email": address, "is_primary": address == addresses[0]} for address in addresses]


def make(call, address, caller="sandbox-owner", **fields):
    return call.ok("POST", "/contacts", caller, json={"emails": emails(address), **fields})


def path_of(record):
    return record["uri"].removeprefix(PUBLIC)


def documented(name):
    return json.loads((PAYLOADS / f"{name}.json").read_text())["body"]["resource"]


# Documented examples


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("getContact", NOOR_PATH),
        ("getContactList", DUTCH),
        ("getCustomFieldDefinition", f"{DEFINITIONS}/{fixtures.TIER}"),
        ("getNote", f"/notes/{fixtures.NOTE}"),
    ],
)
def test_the_documented_records_exist(shared_call, name, path):
    record, expected = shared_call.ok("GET", path), documented(name)
    assert set(record) == set(expected)
    stable = set(expected) - SHIFTED - {"remind_at"}
    assert {field: record[field] for field in stable} == {field: expected[field] for field in stable}


def test_the_documented_list_has_twelve_contacts(call):
    assert call.ok("GET", FAIR)["contact_count"] == 12
    rows = call.ok("GET", "/contacts", contact_list=PUBLIC + FAIR)
    assert len(rows) == 12
    assert NOOR in {row["uri"] for row in rows}
    found = call.ok("GET", "/contacts", contact_list=PUBLIC + DUTCH)
    assert {row["country"] for row in found} == {"NL"}


# Contacts


def test_a_contact_is_created_updated_and_deleted(call):
    hook = {"url": "https://c.example", "scope": "user", "user": OWNER, "organization": ORGANIZATION}
    events = ["contact.created", "contact.updated", "contact.deleted"]
    call.ok("POST", "/webhook_subscriptions", json=hook | {"events": events})
    created = make(call, "new@x.example", name="New", company="X", phone_numbers=[{"phone_number": "+1"}])
    path = path_of(created)
    assert call.ok("GET", path) == created
    changed = call.ok("PATCH", path, json={"emails": emails("b@x.example", "a@x.example"), "city": "Rome"})
    assert [email["email"] for email in changed["emails"]] == ["b@x.example", "a@x.example"]
    assert (changed["name"], changed["company"], changed["city"]) == ("New", "X", "Rome")
    assert call.ok("PATCH", path, json={"phone_numbers": []})["phone_numbers"] == []
    assert call("DELETE", path).status_code == 204
    assert call("GET", path).status_code == call("DELETE", path).status_code == 404
    assert call("PATCH", path, json={}).status_code == 404
    sent_events = [one["event"] for one in call.sandbox.deliveries()]
    assert sent_events == ["contact.created", "contact.updated", "contact.updated", "contact.deleted"]


def test_contact_emails_are_unique(call):
    duplicate = call("POST", "/contacts", json={"emails": emails("NOOR@client.example")})
    assert (duplicate.status_code, duplicate.json()["title"]) == (409, "Already Exists")
    created = make(call, "new@x.example")
    assert call("PATCH", path_of(created), json={"emails": emails("noor@client.example")}).status_code == 409
    assert call("PATCH", path_of(created), json={"emails": emails("New@x.example")}).status_code == 200
    assert make(call, "noor@client.example", "sandbox-admin")["emails"]  # another user's contact


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, "emails"),
        ({"emails": []}, "emails"),
        ({"emails": None}, "emails"),
        ({"emails": [{"email": "a@x.example"}]}, "emails[0].is_primary"),
        ({"emails": [{"email": "a", "is_primary": True}]}, "emails[0].email"),
        ({"emails": [{"email": "a@x.example", "is_primary": False}]}, "emails"),
        ({"emails": [{"email": f"{n}@x.example", "is_primary": True} for n in "ab"]}, "emails"),
        ({"emails": emails("a@x.example", "A@x.example")}, "emails"),
        ({"emails": emails(*(f"{n}@x.example" for n in range(11)))}, "emails"),
        ({"phone_numbers": [{}]}, "phone_numbers[0].phone_number"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"name": 5}, "name"),
        ({"custom_fields": [{"uuid": "none", "value": 1}]}, "custom_fields[0].uuid"),
        ({"custom_fields": [{"uuid": fixtures.DEAL_SIZE, "value": "much"}]}, "custom_fields[0].value"),
        ({"custom_fields": [{"uuid": fixtures.DEAL_SIZE, "value": True}]}, "custom_fields[0].value"),
        ({"custom_fields": [{"uuid": fixtures.TIER, "value": "Silver"}]}, "custom_fields[0].value"),
        ({"custom_fields": [{"uuid": fixtures.TIER}]}, "custom_fields[0].value"),
    ],
)
def test_invalid_contacts_are_rejected(shared_call, body, wrong):
    body = body if "emails" in body or not body else {"emails": emails("a@x.example")} | body
    assert wrong in shared_call.problems("POST", "/contacts", json=body)
    if body.get("emails") is not None:
        assert wrong in shared_call.problems("PATCH", NOOR_PATH, json=body)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"email": "noor@client.example"}, 1),
        ({"email": "N.VANDIJK@home.example, nobody@x.example"}, 1),
        ({"email": "noor"}, 0),
        ({"phone_number": "+31200000000"}, 1),
        ({"timezone": "Europe/Amsterdam", "job_title": "buy"}, 1),
        ({"name": "dijk,abena"}, None),
        ({"company": "client b"}, 1),
        ({"city": "utr"}, None),
        ({"country": "nl", "company": "client"}, 1),
        ({"country": "nl,de,ng,us"}, 16),
        ({"state": "Texas"}, 0),
    ],
)
def test_contacts_are_filtered(shared_call, query, found):
    rows = shared_call.ok("GET", "/contacts", **query)
    assert len(rows) == found if found is not None else 0 < len(rows) < 16


def test_contacts_are_paged_sorted_and_can_omit_custom_fields(call):
    first = call("GET", "/contacts", count="10", sort="created_at:desc", exclude="custom_fields").json()
    assert "custom_fields" not in first["collection"][0]
    assert first["collection"][0]["uri"] == NOOR
    token = first["pagination"]["next_page_token"]
    rest = call.ok(
        "GET", "/contacts", count="10", sort="created_at:desc", exclude="custom_fields", page_token=token
    )
    rows = [*first["collection"], *rest]
    assert len({row["uri"] for row in rows}) == 16
    assert [row["created_at"] for row in rows] == sorted((row["created_at"] for row in rows), reverse=True)
    assert "custom_fields" not in call.ok("GET", NOOR_PATH, exclude="custom_fields")
    assert set(call.problems("GET", NOOR_PATH, exclude="name")) == {"exclude"}
    assert set(call.problems("GET", "/contacts", sort="name:asc")) == {"sort"}
    assert call("GET", "/contacts", contact_list=f"{PUBLIC}/contact_lists/none").status_code == 404


def test_meeting_dates_follow_the_meetings(call):
    contact = call.ok("GET", NOOR_PATH)
    assert contact["next_meeting_date"] == "2026-11-24T13:00:00.000000Z"
    assert contact["last_meeting_date"] is None
    call.ok("POST", f"/scheduled_events/{fixtures.ACTIVE_EVENT}/cancellation")
    assert call.ok("GET", NOOR_PATH)["next_meeting_date"] is None
    call.sandbox.book(email=fixtures.CONTACT_SECOND_EMAIL, start_time="2026-11-18T09:00:00Z")
    met = call.ok("GET", NOOR_PATH)
    assert met["last_meeting_date"] == met["last_interaction_date"] == "2026-11-18T09:00:00.000000Z"
    assert make(call, "quiet@x.example")["last_interaction_date"] is None


def test_contacts_are_private_to_a_user(call):
    assert call.ok("GET", "/contacts", "sandbox-admin") == []
    for path in (NOOR_PATH, FAIR, f"/notes/{fixtures.NOTE}"):
        assert call("GET", path, "sandbox-admin").status_code == 404
    assert call("DELETE", NOOR_PATH, "sandbox-admin").status_code == 404
    assert make(call, "free@x.example", "sandbox-free")["uri"]  # available on all plans
    assert call("GET", "/contacts", "sandbox-events-only").json()["required_scopes"] == ["contacts:read"]
    assert call("POST", "/contacts", "sandbox-events-only").json()["required_scopes"] == ["contacts:write"]


def test_deleting_a_contact_deletes_its_notes_and_memberships(call):
    assert call("DELETE", NOOR_PATH).status_code == 204
    assert call.ok("GET", FAIR)["contact_count"] == 11
    assert call("GET", f"/notes/{fixtures.NOTE}").status_code == 404
    assert call.ok("GET", "/notes", contact=NOOR) == []


# Custom fields


def test_every_custom_field_type_accepts_its_values(call):
    kinds = {
        "text": ("words", 5),
        "number": (-2.5, "2"),
        "tags": (["a", "b"], ["a", ""]),
        "date": ("2026-02-28", "2026-02-30"),
        "single_select": ("One", "Two"),
        "currency": (12, []),
    }
    more = {"single_select": {"options": [{"label": "One"}]}, "currency": {"currency": "USD"}}
    contact = path_of(make(call, "fields@x.example"))
    for kind, (good, bad) in kinds.items():
        created = call.ok("POST", DEFINITIONS, json={"label": kind, "field_type": kind, **more.get(kind, {})})
        assert call.ok("GET", path_of(created)) == created
        assert [option["label"] for option in created["options"]] == ["One"] * (kind == "single_select")
        uuid = created["uri"].rpartition("/")[2]
        shown = call.ok("PATCH", contact, json={"custom_fields": [{"uuid": uuid, "value": good}]})
        assert shown["custom_fields"] == [{"uri": created["uri"], "label": kind, "value": good}]
        wrong = call.problems("PATCH", contact, json={"custom_fields": [{"uuid": uuid, "value": bad}]})
        assert set(wrong) == {"custom_fields[0].value"}
        gone = call.ok("PATCH", contact, json={"custom_fields": [{"uuid": uuid, "value": None}]})
        assert gone["custom_fields"] == []
    assert len(call.ok("GET", DEFINITIONS)) == 8


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"label": "", "field_type": "text"}, "label"),
        ({"label": "x" * 256, "field_type": "text"}, "label"),
        ({"label": "X"}, "field_type"),
        ({"label": "X", "field_type": "invitee_question"}, "field_type"),
        ({"label": "X", "field_type": "text", "colour": "red"}, "colour"),
        ({"label": "X", "field_type": "text", "currency": "EUR"}, "currency"),
        ({"label": "X", "field_type": "currency"}, "currency"),
        ({"label": "X", "field_type": "currency", "currency": "euro"}, "currency"),
        ({"label": "X", "field_type": "single_select", "options": []}, "options"),
        (
            {"label": "X", "field_type": "single_select", "options": [{"label": "A"}, {"label": "a"}]},
            "options",
        ),
        ({"label": "X", "field_type": "single_select", "options": ["A"]}, "options[0]"),
    ],
)
def test_invalid_definitions_are_rejected(shared_call, body, wrong):
    assert set(shared_call.problems("POST", DEFINITIONS, json=body)) == {wrong}


def test_definitions_belong_to_the_organization(call):
    reply = call("POST", DEFINITIONS, json={"label": "deal SIZE ", "field_type": "text"})
    assert reply.status_code == 409
    assert call.ok("GET", DEFINITIONS, "sandbox-member") == call.ok("GET", DEFINITIONS)
    assert call.ok("GET", DEFINITIONS, "sandbox-free") == []
    assert call("GET", f"{DEFINITIONS}/{fixtures.TIER}", "sandbox-free").status_code == 403
    assert call("GET", f"{DEFINITIONS}/none").status_code == 404
    assert call("DELETE", DEFINITIONS).status_code == 404


# Lists


def test_lists_count_their_members(call):
    created = call.ok(
        "POST", "/contact_lists", json={"name": "Mine", "contacts": [NOOR, f"{PUBLIC}/contacts/none"]}
    )
    path = path_of(created)
    assert (created["type"], created["contact_count"]) == ("static_list", 1)
    other = make(call, "other@x.example")["uri"]
    foreign = make(call, "foreign@x.example", "sandbox-admin")["uri"]
    for _ in range(2):
        both = {"contacts": [NOOR, other, foreign, other]}
        assert call.ok("POST", f"{path}/memberships", json=both) == {"invalid": 1}
        assert call.ok("GET", path)["contact_count"] == 2
    for _ in range(2):
        assert call.ok("POST", f"{path}/memberships/removal", json={"contacts": [NOOR]}) == {"invalid": 0}
        assert [row["uri"] for row in call.ok("GET", "/contacts", contact_list=created["uri"])] == [other]
    assert call.ok("GET", NOOR_PATH)["uri"] == NOOR


def test_the_contacts_of_a_view_cannot_be_edited(call):
    for path in (f"{DUTCH}/memberships", f"{DUTCH}/memberships/removal"):
        assert call("POST", path, json={"contacts": [NOOR]}).status_code == 409
    before = len(call.ok("GET", "/contacts", contact_list=PUBLIC + DUTCH))
    make(call, "dutch@x.example", country="NL")
    assert len(call.ok("GET", "/contacts", contact_list=PUBLIC + DUTCH)) == before + 1
    assert call.ok("PATCH", DUTCH, json={"name": "Buyers"})["contact_count"] is None


def test_list_names_are_unique(call):
    for name in ("trade FAIR 2026", " Trade Fair 2026 ", "Tràde Fair 2026"):
        assert call("POST", "/contact_lists", json={"name": name}).status_code == 409
        assert call("PATCH", DUTCH, json={"name": name}).status_code == 409
        assert call.ok("PATCH", FAIR, json={"name": name})["name"] == name
    assert call.ok("POST", "/contact_lists", "sandbox-admin", json={"name": "Trade fair 2026"})
    assert name_key(" Zoë ") == name_key("ZOE")


def test_all_lists_are_in_one_reply_with_a_maximum_of_25(call):
    for number in range(23):
        call.ok("POST", "/contact_lists", json={"name": f"L{number}"})
    body = call("GET", "/contact_lists").json()
    assert body["pagination"]["count"] == len(body["collection"]) == 25
    assert set(body["pagination"].values()) == {25, None}
    assert call("POST", "/contact_lists", json={"name": "One more"}).status_code == 400
    assert len(call.ok("GET", "/contact_lists", type="dynamic_view")) == 1
    assert set(call.problems("GET", "/contact_lists", type="list")) == {"type"}


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("/contact_lists", {}, "name"),
        ("/contact_lists", {"name": " "}, "name"),
        ("/contact_lists", {"name": "X", "contacts": ["noor"]}, "contacts[0]"),
        (f"{FAIR}/memberships", {}, "contacts"),
        (f"{FAIR}/memberships", {"contacts": []}, "contacts"),
        (f"{FAIR}/memberships", {"contacts": [NOOR] * 501}, "contacts"),
        (f"{FAIR}/memberships/removal", {"contacts": [OWNER]}, "contacts[0]"),
    ],
)
def test_invalid_lists_are_rejected(shared_call, path, body, wrong):
    assert set(shared_call.problems("POST", path, json=body)) == {wrong}


# Notes


def test_a_note_is_created_and_read(call):
    body = json.loads((PAYLOADS / "requests" / "CreateNote.json").read_text())
    created = call.ok("POST", "/notes", json=body)
    assert (created["contact"], created["title"], created["body"]) == (NOOR, "Call back", None)
    assert created["remind_at"] == "2026-11-27T08:00:00.000000Z"
    assert call.ok("GET", path_of(created)) == created
    rows = call.ok("GET", "/notes", contact=[NOOR, f"{PUBLIC}/contacts/none"])
    assert [row["uri"] for row in rows] == [
        created["uri"],
        f"{PUBLIC}/notes/{fixtures.NOTE}",
    ]  # newest first
    assert len(call.ok("GET", "/notes", **{"contact[]": NOOR})) == 2


def test_surrounding_spaces_of_a_note_are_trimmed(call):
    created = call.ok(
        "POST", "/notes", json={"contact": NOOR, "title": f"  {'x' * 255}\n", "body": "\ttext "}
    )
    assert (created["title"], created["body"]) == ("x" * 255, "text")
    assert set(call.problems("POST", "/notes", json={"contact": NOOR, "title": " \n"})) == {"title"}


def test_notes_are_private(call):
    for path, token in (("/notes/none", "sandbox-owner"), (f"/notes/{fixtures.NOTE}", "sandbox-admin")):
        assert call("GET", path, token).status_code == 404
    assert call.ok("GET", "/notes", "sandbox-admin", contact=NOOR) == []
    body = {"contact": NOOR, "body": "Mine"}
    assert call("POST", "/notes", "sandbox-admin", json=body).status_code == 404


def test_invalid_notes_are_rejected(call):
    assert call.problems("POST", "/notes", json={"contact": NOOR}) == {None: "title or body is required"}
    wrong = {
        "contact": OWNER,
        "title": "x" * 256,
        "body": "x" * 10_001,
        "remind_at": "9999-12-31T23:59:59-23:59",
    }
    assert set(call.problems("POST", "/notes", json=wrong)) == set(wrong)
    assert set(call.problems("GET", "/notes")) == {"contact"}
    assert set(call.problems("GET", "/notes", contact=[NOOR] * 11)) == {"contact"}
    assert set(call.problems("GET", "/notes", contact=NOOR, sort="title:asc")) == {"sort"}


def test_note_reminders_require_a_paid_plan(call):
    contact = make(call, "free@x.example", "sandbox-free")["uri"]
    note = {"contact": contact, "title": "Call"}
    reply = call("POST", "/notes", "sandbox-free", json=note | {"remind_at": "2026-11-27T08:00:00Z"})
    assert (reply.status_code, reply.json()["message"]) == (403, "Please upgrade to a paid Calendly account.")
    assert call.ok("POST", "/notes", "sandbox-free", json=note)["remind_at"] is None
