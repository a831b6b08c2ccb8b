"""Routing forms, recaps, sample webhook data, and enterprise operations."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jsonschema_rs
import pytest
import yaml
from calendly_connector.sandbox.world import fixtures, search_terms, times
from calendly_connector.sandbox.world.webhooks import SCOPES, WEBHOOK_EVENTS
from locations import OPENAPI
from sandbox_client import ADMIN, GROUP, ORGANIZATION, OWNER, PAYLOADS, PUBLIC, serving

FORM = f"{PUBLIC}/routing_forms/{fixtures.FORM}"
RECAP = f"/meeting_recaps/{fixtures.RECAP}"
UPGRADE = "Please upgrade to a paid Calendly account."
WHO = {"organization": ORGANIZATION, "user": OWNER, "group": GROUP}


@pytest.fixture(scope="module")
def shared_call():
    """Yield a client of a shared sandbox that tests must not change."""
    with serving() as client:
        yield client


@pytest.fixture
def call():
    with serving() as client:
        yield client


@pytest.fixture
def message_queue():
    """Yield a callback URL and a function that returns the next messages to it, sorted by time."""
    arrived = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            arrived.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield (
        f"http://127.0.0.1:{server.server_port}/hook",
        lambda count: [arrived.get(timeout=10) for _ in range(count)],
    )
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def envelope():
    spec = yaml.safe_load(OPENAPI.read_text())
    schema = {"$ref": "#/components/schemas/WebhookPayload", "components": spec["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def subscribe(call, url, events, scope="organization"):
    owner = {} if scope == "organization" else {scope: WHO[scope]}
    body = {"url": url, "events": events, "scope": scope, "organization": ORGANIZATION, **owner}
    call.ok("POST", "/webhook_subscriptions", json=body)


def documented(name):
    return json.loads((PAYLOADS / f"{name}.json").read_text())["body"]["resource"]


def same_but_times(record, expected, *others):
    shifted = {"created_at", "updated_at", *others}
    assert set(record) == set(expected)
    for field in set(expected) - shifted:
        assert record[field] == expected[field], field


# Routing forms


def test_forms_and_submissions_match_the_documentation(call):
    same_but_times(call.ok("GET", f"/routing_forms/{fixtures.FORM}"), documented("getRoutingForm"))
    submission = call.ok("GET", f"/routing_form_submissions/{fixtures.SUBMISSION}")
    same_but_times(submission, documented("getRoutingFormSubmission"))
    invitee = call.ok("GET", submission["submitter"].removeprefix(PUBLIC))
    assert invitee["routing_form_submission"] == submission["uri"]
    rows = call.ok("GET", "/routing_form_submissions", form=FORM)
    assert {row["result"]["type"] for row in rows} == {"event_type", "custom_message", "external_url"}
    forms = call.ok("GET", "/routing_forms", organization=ORGANIZATION, sort="created_at:desc")
    assert [form["status"] for form in forms] == ["draft", "published"]


def test_access_to_forms_depends_on_organization_and_plan(call):
    assert call.ok("GET", f"/routing_forms/{fixtures.FORM}", "sandbox-member")
    for path, query in (
        ("/routing_forms", {"organization": ORGANIZATION}),
        (f"/routing_forms/{fixtures.FORM}", {}),
        ("/routing_form_submissions", {"form": FORM}),
        (f"/routing_form_submissions/{fixtures.SUBMISSION}", {}),
    ):
        assert call("GET", path, "sandbox-free", **query).json()["message"] == UPGRADE
    small = call.member(-1).user
    call.sandbox.control(
        "POST", "/tokens", {"name": "rich", "user": small["uri"], "scopes": ["routing_forms:read"]}
    )
    assert call("GET", f"/routing_forms/{fixtures.FORM}", "rich").status_code == 403
    assert call("GET", f"/routing_form_submissions/{fixtures.SUBMISSION}", "rich").status_code == 403
    assert call("GET", "/routing_forms", "rich", organization=ORGANIZATION).status_code == 403
    assert call.ok("GET", "/routing_forms", "rich", organization=small["current_organization"]) == []
    for path in ("/routing_forms/none", "/routing_form_submissions/none"):
        assert call("GET", path).status_code == 404
    assert call("GET", "/routing_form_submissions", form=f"{PUBLIC}/routing_forms/none").status_code == 404
    assert set(call.problems("GET", "/routing_form_submissions")) == {"form"}


def test_submitting_a_form_sends_a_webhook(call, message_queue, envelope):
    url, take = message_queue
    subscribe(call, url, ["routing_form_submission.created"])
    booked = call.sandbox.book()["invitee"]["uri"]
    answers = {"answers": ["Zoë", "zoe@client.example"], "result": "external_url", "invitee": booked}
    created = call.sandbox.control("POST", "/submissions", {**answers, "wait": True})
    assert [one["delivered"] for one in created["deliveries"]] == [True]
    submission = call.ok("GET", created["submission"]["uri"].removeprefix(PUBLIC))
    assert [answer["answer"] for answer in submission["questions_and_answers"]] == [
        *answers["answers"],
        "1-10",
    ]
    assert submission["submitter"] == booked
    assert call.ok("GET", booked.removeprefix(PUBLIC))["routing_form_submission"] == submission["uri"]
    [message] = take(1)
    envelope.validate(message)
    assert message["payload"] == submission
    assert len(call.ok("GET", "/routing_form_submissions", form=FORM)) == 4
    created = call.sandbox.control("POST", "/submissions")["submission"]
    assert created["result"]["value"] == f"{PUBLIC}/event_types/{fixtures.INTRO_CALL}"
    assert created["submitter"] is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"form": "none"}, "unknown routing form"),
        ({"answers": ["a"] * 4}, "answers must have at most 3 items"),
        ({"result": "nowhere"}, "result must be one of"),
        ({"invitee": "none"}, "unknown invitee"),
        ({"form": 5}, "a URI or an id"),
        ({"what": 1}, "unknown fields: what"),
    ],
)
def test_invalid_submissions_are_rejected(shared_call, body, words):
    with pytest.raises(ValueError, match=words):
        shared_call.sandbox.control("POST", "/submissions", body)


# Recaps


def test_the_documented_recap_belongs_to_a_past_meeting(call):
    recap = call.ok("GET", RECAP)
    expected = documented("getMeetingRecap")
    assert set(recap) == set(expected)
    for field in ("uri", "status", "name", "summary_md", "transcript", "share_link"):
        assert recap[field] == expected[field]
    event = call.ok("GET", recap["event"].removeprefix(PUBLIC))
    assert event["end_time"] < recap["created_at"] < times.isoformat(call.world.anchor)
    assert [event[field] for field in ("start_time", "location")] == [recap["start_time"], recap["location"]]
    assert recap["attendees"][0] == {
        "host": True,
        "user_email": fixtures.OWNER_EMAIL,
        "user_name": fixtures.OWNER_NAME,
    }
    transcript = call.ok("GET", f"{RECAP}/transcript")
    assert transcript["uri"] == recap["transcript"]
    assert transcript["text"].startswith("Ada: Hello ")


def test_recaps_are_filtered(call):
    recaps = call.ok("GET", "/meeting_recaps")
    assert {recap["status"] for recap in recaps} == {"Available"}
    assert "summary_md" not in recaps[0]
    starts = [recap["start_time"] for recap in recaps]
    assert starts == sorted(starts, reverse=True)
    one = recaps[-1]
    assert call.ok("GET", "/meeting_recaps", event=one["event"]) == [one]
    assert call.ok("GET", "/meeting_recaps", start_time=one["start_time"]) == recaps
    assert call.ok("GET", "/meeting_recaps", end_time=one["start_time"]) == [one]
    guest = one["attendees"][-1]["user_email"].upper()
    assert one in call.ok("GET", "/meeting_recaps", attendee=guest)
    assert call.ok("GET", "/meeting_recaps", attendee="nobody@x.example") == []
    assert set(call.problems("GET", "/meeting_recaps", status="Available", start_time="now")) == {
        "status",
        "start_time",
    }


def test_recaps_that_are_not_ready_have_no_transcript(call):
    for status in ("processing", "unavailable"):
        rows = [
            (token, recap)
            for token in ("sandbox-owner", "sandbox-admin", "sandbox-member")
            for recap in call.ok("GET", "/meeting_recaps", token, status=status)
        ]
        assert rows, status
        for token, recap in rows:
            path = recap["uri"].removeprefix(PUBLIC)
            assert recap["transcript"] is None
            assert call("GET", f"{path}/transcript", token).status_code == 404


def test_changing_and_deleting_a_recap_sends_webhooks(call, message_queue, envelope):
    url, take = message_queue
    kinds = ["created", "updated", "deleted"]
    subscribe(call, url, [f"meeting_recap.{kind}" for kind in kinds], scope="user")
    event = call.sandbox.book(start_time="2026-11-18T09:00:00Z")["event"]["uri"]
    created = call.sandbox.control("POST", "/recaps", {"event": event, "wait": True})["recap"]
    path = created["uri"].removeprefix(PUBLIC)
    assert call.ok("GET", path) == created
    changed = call.ok("PATCH", path, json={"summary_md": "Edited.", "discussion_md": None})
    assert (changed["summary_md"], changed["discussion_md"]) == ("Edited.", None)
    assert changed["action_items_md"] == created["action_items_md"]
    assert call("DELETE", path).status_code == 204
    for gone in (path, f"{path}/transcript"):
        assert call("GET", gone).status_code == 404
    messages = take(3)  # in any order
    assert {message["event"] for message in messages} == {f"meeting_recap.{kind}" for kind in kinds}
    for message in messages:
        envelope.validate(message)
    with pytest.raises(ValueError, match="unknown event"):
        call.sandbox.control("POST", "/recaps", {"event": "none"})


def test_recaps_are_for_hosts_on_paid_plans(call):
    for path in (RECAP, f"{RECAP}/transcript"):
        assert call("GET", path, "sandbox-admin").status_code == 403
        assert call("GET", path, "sandbox-free").json()["message"] == UPGRADE
    assert call("PATCH", RECAP, "sandbox-admin", json={}).status_code == 403
    assert call("DELETE", RECAP, "sandbox-admin").status_code == 403
    assert call("GET", "/meeting_recaps", "sandbox-free").json()["message"] == UPGRADE
    assert call("GET", "/meeting_recaps/none").status_code == 404
    assert set(call.problems("PATCH", RECAP, json={"status": "Available"})) == {"status"}
    assert set(call.problems("PATCH", RECAP, json={"summary_md": 1})) == {"summary_md"}


# Sample webhook data


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("event", WEBHOOK_EVENTS)
def test_sample_data_exists_for_every_event_and_scope(shared_call, envelope, event, scope):
    query = {"event": event, "scope": scope, "organization": ORGANIZATION, scope: WHO[scope]}
    if scope in WEBHOOK_EVENTS[event].scopes:
        sample = shared_call("GET", "/sample_webhook_data", **query).json()
        envelope.validate(sample)
        assert (sample["event"], sample["created_by"]) == (event, OWNER)
    else:
        named = shared_call.problems("GET", "/sample_webhook_data", **query)
        assert named == {"event": f"{event} is not allowed for scope {scope}"}


def test_sample_data_matches_the_documentation(call):
    for path in sorted((PAYLOADS / "webhooks").glob("*.*.json")):
        expected = json.loads(path.read_text())
        scope = "user" if "user" in WEBHOOK_EVENTS[expected["event"]].scopes else "organization"
        query = {"event": expected["event"], "scope": scope, "organization": ORGANIZATION, "user": OWNER}
        payload = call("GET", "/sample_webhook_data", **query).json()["payload"]
        assert set(payload) | {"created_at"} == set(expected["payload"]) | {"created_at"}, path.name


def test_sample_data_never_changes(call):
    query = {"event": "invitee.created", "scope": "organization", "organization": ORGANIZATION}
    before = call("GET", "/sample_webhook_data", **query).json()["payload"]
    call.ok("POST", f"/scheduled_events/{fixtures.ACTIVE_EVENT}/cancellation")
    assert call("GET", "/sample_webhook_data", **query).json()["payload"] == before
    assert before["scheduled_event"]["status"] == "active"


def test_sample_data_requires_access_to_the_subscription_scope(call):
    query = {"event": "contact.created", "organization": ORGANIZATION}
    assert (
        call("GET", "/sample_webhook_data", "sandbox-member", **query, scope="organization").status_code
        == 403
    )
    assert (
        call("GET", "/sample_webhook_data", "sandbox-free", **query, scope="organization").status_code == 403
    )
    assert (
        call("GET", "/sample_webhook_data", "sandbox-member", **query, scope="user", user=ADMIN).status_code
        == 403
    )
    assert set(call.problems("GET", "/sample_webhook_data", **query, scope="user")) == {"user"}
    assert set(call.problems("GET", "/sample_webhook_data")) == {"event", "organization", "scope"}
    assert set(call.problems("GET", "/sample_webhook_data", **query | {"event": "x"}, scope="user")) == {
        "event"
    }


# Enterprise operations


def log(call, **query):
    return call.ok("GET", "/activity_log_entries", organization=ORGANIZATION, **query)


def test_the_log_is_filtered_sorted_and_counted(call):
    body = call("GET", "/activity_log_entries", organization=ORGANIZATION, count="5").json()
    total = body["total_count"]
    assert body["collection"][0]["uri"] == f"{PUBLIC}/activity_log_entries/{fixtures.LOG_ENTRY}"
    assert body["collection"][0]["occurred_at"] == body["last_event_time"]
    assert body["exceeds_max_total_count"] is False
    rows = log(call, count="1000")
    assert len(rows) == total == len({row["uri"] for row in rows})
    assert len(log(call, count="1000", namespace=["User", "EventType"])) == total
    added = log(call, count="1000", namespace="User", action="Add")
    assert {row["fully_qualified_name"] for row in added} == {"User.Add"}
    own = log(call, actor=[ADMIN])
    assert {row["actor"]["uri"] for row in own} == {ADMIN}
    ordered = log(call, count="1000", sort=["actor.display_name:asc,namespace:desc", "occurred_at:asc"])
    keys = [(row["actor"]["display_name"].casefold(), row["occurred_at"]) for row in ordered]
    assert [key[0] for key in keys] == sorted(key[0] for key in keys)
    moment = rows[3]["occurred_at"]
    late, early = (
        log(call, count="1000", min_occurred_at=moment),
        log(call, count="1000", max_occurred_at=moment),
    )
    assert len(late) + len(early) >= total + 1
    assert log(call, search_term="nothing") == []
    empty = call("GET", "/activity_log_entries", organization=ORGANIZATION, search_term="nothing").json()
    assert (empty["last_event_time"], empty["total_count"]) == (None, 0)
    assert [row["details"] for row in log(call, search_term='"carla@acme.example"')] == [
        {"email": "carla@acme.example"}
    ]
    small = call.member(-1).user
    scopes = {"name": "rich", "user": small["uri"], "scopes": ["activity_log:read"]}
    call.sandbox.control("POST", "/tokens", scopes)
    theirs = call("GET", "/activity_log_entries", "rich", organization=small["current_organization"]).json()
    assert theirs["total_count"] == 1
    assert theirs["collection"][0]["actor"]["group"] is None


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("", "yes"),
        ("add", "yes"),
        ("user.add okafor", "yes"),
        ("add + okafor", "yes"),
        ("add iwu", "no"),
        ("iwu | okafor", "yes"),
        ("add -okafor", "no"),
        ("add -iwu", "yes"),
        ("ok*", "yes"),
        ("oka", "no"),
        ('"ada okafor"', "yes"),
        ('"ada add"', "no"),
        ("(iwu | ada) okafor", "yes"),
        ("-(iwu | ada)", "no"),
        ("(((ada", "yes"),
        ("ada)", "yes"),
        ("-", "yes"),
        ("|", "yes"),
        ('"ada', "yes"),
        ("*", "yes"),
        ("(" * 300, "yes"),
        ("-" * 299 + "x", "no"),
        (".*", "no"),
    ],
)
def test_search_terms(term, found):
    assert search_terms.compile_term(term)("User.Add Ada Okafor ada@acme.example") is (found == "yes")


def test_invalid_queries_of_the_activity_log_are_rejected(call):
    query = {"sort": "details:asc", "count": "1001", "search_term": "x" * 301, "actor": "ada"}
    named = call.problems("GET", "/activity_log_entries", organization=ORGANIZATION, **query)
    assert set(named) == set(query)


def test_reminders_are_sent_a_day_ahead(call):
    body = call("GET", "/outgoing_communications", organization=ORGANIZATION, count="3").json()
    assert body["total_count"] > 3
    rows, token = body["collection"], body["pagination"]["next_page_token"]
    pages = [body]
    while token:
        page = call(
            "GET", "/outgoing_communications", organization=ORGANIZATION, count="3", page_token=token
        ).json()
        pages.append(page)
        rows, token = rows + page["collection"], page["pagination"]["next_page_token"]
    assert len(rows) == body["total_count"]
    back = pages[-1]
    for expected in reversed(pages[:-1]):
        token = back["pagination"]["previous_page_token"]
        back = call(
            "GET", "/outgoing_communications", organization=ORGANIZATION, count="3", page_token=token
        ).json()
        assert back["collection"] == expected["collection"]
    created = [row["created_at"] for row in rows]
    assert created == sorted(created, reverse=True)
    for row in rows:
        event = call.ok("GET", row["event_uri"].removeprefix(PUBLIC))
        assert event["created_at"] <= row["created_at"] < row["sent_at"] < event["start_time"]
        assert event["status"] == "active"
    newest = call.ok("GET", "/outgoing_communications", organization=ORGANIZATION, min_created_at=created[0])
    assert {row["created_at"] for row in newest} == {created[0]}
    oldest = call.ok("GET", "/outgoing_communications", organization=ORGANIZATION, max_created_at=created[-1])
    assert {row["created_at"] for row in oldest} == {created[-1]}


def test_invitees_with_a_phone_number_also_get_a_text_message(call):
    place = call.world.event_number(fixtures.ACTIVE_EVENT)
    call.world.editable_event(place).invitees[0]["text_reminder_number"] = "+31200000000"
    call.sandbox._options.clock.now += 6 * 24 * 3600
    rows = [
        row
        for token in [None]
        for row in call.ok("GET", "/outgoing_communications", organization=ORGANIZATION, count="100")
        if row["event_uri"].endswith(fixtures.ACTIVE_EVENT)
    ]
    assert [(row["type"], row["to"], row["subject"]) for row in rows] == [
        ("email", "noor@client.example", "Reminder: Intro call"),
        ("sms", "+31200000000", None),
    ]
    first = call("GET", "/outgoing_communications", organization=ORGANIZATION, count="1").json()
    shared_call = [first["collection"][0]]
    while token := first["pagination"]["next_page_token"]:
        first = call(
            "GET", "/outgoing_communications", organization=ORGANIZATION, count="1", page_token=token
        ).json()
        shared_call += first["collection"]
    assert len(shared_call) == first["total_count"]
    while token := first["pagination"]["previous_page_token"]:
        shared_call.pop()
        first = call(
            "GET", "/outgoing_communications", organization=ORGANIZATION, count="1", page_token=token
        ).json()
        assert first["collection"] == [shared_call[-1]]


def test_deletion_requests_are_accepted(call):
    requests = PAYLOADS / "requests"
    for path, name in (("invitees", "DeleteInviteeData"), ("events", "DeleteEventData")):
        body = json.loads((requests / f"{name}.json").read_text())
        reply = call("POST", f"/data_compliance/deletion/{path}", json=body)
        assert (reply.status_code, reply.json()) == (202, {})


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("invitees", {}, "emails"),
        ("invitees", {"emails": []}, "emails"),
        ("invitees", {"emails": ["noor"]}, "emails[0]"),
        ("events", {"start_time": "2025-01-01T00:00:00Z"}, "end_time"),
        ("events", {"start_time": "2025-01-02T00:00:00Z", "end_time": "2025-01-01T00:00:00Z"}, "end_time"),
        ("events", {"start_time": "2023-01-01T00:00:00Z", "end_time": "2025-06-01T00:00:00Z"}, "end_time"),
        ("events", {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-12-01T00:00:00Z"}, "end_time"),
    ],
)
def test_invalid_deletion_requests_are_rejected(shared_call, path, body, wrong):
    assert set(shared_call.problems("POST", f"/data_compliance/deletion/{path}", json=body)) == {wrong}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/activity_log_entries"),
        ("GET", "/outgoing_communications"),
        ("POST", "/data_compliance/deletion/invitees"),
        ("POST", "/data_compliance/deletion/events"),
    ],
)
def test_enterprise_operations_are_for_owners_and_admins_on_paid_plans(shared_call, method, path):
    assert shared_call(method, path, "sandbox-free").json()["message"] == UPGRADE
    assert (
        shared_call(method, path, "sandbox-member").json()["message"].startswith("You do not have permission")
    )
    assert shared_call(method, path, "sandbox-events-only").json()["title"] == "Insufficient scope"
    if method == "GET":
        other = f"{PUBLIC}/organizations/none"
        assert shared_call(method, path, "sandbox-admin", organization=other).status_code == 403
        assert set(shared_call.problems(method, path)) == {"organization"}


# The world


def related_records(**options):
    with serving(**options) as call:
        state = call.world.state
        return repr([getattr(state, name) for name in vars(state)])


def test_related_records_depend_on_the_seed():
    assert related_records(seed=5) == related_records(seed=5)
    assert related_records(seed=5) != related_records(seed=6)


@pytest.mark.parametrize(("events", "users"), [(2, 3), (20, 3), (3000, 60)])
def test_related_records_are_consistent_at_any_size(events, users):
    with serving(events=events, users=users) as call:
        world, state = call.world, call.world.state
        for marked in state.no_shows.values():
            assert world.invitees(marked.event)[marked.position]["no_show"]["uri"] == marked.record["uri"]
        for recap in state.recaps.values():
            assert world.event(recap.event)["uri"] == recap.record["event"]
            assert world.event(recap.event)["status"] == "active"
        for listed in state.contact_lists.values():
            assert listed.members <= set(state.contacts)
        for note in state.notes.values():
            assert note.contact in state.contacts
        for submission in state.submissions.values():
            assert submission.form in state.forms
        assert set(world.sample_payloads) == set(WEBHOOK_EVENTS)
        assert call.ok("GET", RECAP)["status"] == "Available"
        assert call("GET", "/outgoing_communications", organization=ORGANIZATION).status_code == 200
