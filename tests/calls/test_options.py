"""Choices of fields: dependent ones, searched ones and pages of them, for actions and triggers."""

import base64
import json
from urllib.parse import parse_qs

import pytest
from calendly_connector.catalog import field_paths
from calendly_connector.catalog.manifest import catalog, manifest
from calendly_connector.catalog.pick_lists import pick_list
from calendly_connector.contract import Option, OptionPage
from calendly_connector.errors import (
    CalendlyDown,
    NoAnswer,
    Unauthenticated,
    UnexpectedAnswer,
    UnknownAction,
    UsageError,
)
from hostile import Hostile, one, page, reply
from sandbox_client import Clock

INTRO = "https://api.calendly.com/event_types/7121342e-f121-5781-bef6-a20c5dcd7dc3"
DISCUSS, PRODUCTS = "What would you like to discuss?", "Which products do you use?"
FORMS = {action.id: action.sent for action in catalog().values()}
FORMS |= {trigger.id: trigger.filters for trigger in manifest().triggers.values()}
FIELDS = [
    (name, path)
    for name, schema in FORMS.items()
    for path in field_paths.paths(schema)
    if pick_list(field_paths.find(schema, path).rule)
]


def labels(options):
    return [option.label for option in options.options]


def values(options):
    return [option.value for option in options.options]


def all_pages(connection, *field, **search):
    listed = connection.options(*field, **search)
    pages = [listed]
    while listed.next_page is not None:
        listed = connection.options(*field, page=listed.next_page, **search)
        pages.append(listed)
    return pages


# Every field


def test_every_field_with_choices_lists_them_or_says_what_it_needs(connect, frozen_sandbox):
    connection = connect(frozen_sandbox)
    listed = 0
    for of, path in FIELDS:
        options = connection.options(of, path)
        assert options.options or (options.reason and options.needs), f"{of} {path}: {options}"
        assert all(one.label and one.value for one in options.options)
        assert len(set(values(options))) == len(options.options) <= 100
        listed += bool(options.options)
    assert listed > 100


@pytest.mark.parametrize(("of", "path"), [field for field in FIELDS if field[0] in catalog()])
def test_what_a_list_needs_is_asked_for_first(connect, unvisited, of, path):
    source = pick_list(field_paths.find(FORMS[of], path).rule)
    if source.needs:
        options = connect(unvisited.url).options(of, path)
        assert options.needs
        assert options.reason == f"Choose {' and '.join(options.needs)} first."


# Declared choices


def test_the_choices_of_an_enum_come_from_the_schema(connect, unvisited):
    connection = connect(unvisited.url)
    assert connection.options("scheduled_events.list", "status") == OptionPage(
        (Option("Active", "active"), Option("Canceled", "canceled"))
    )
    assert Option("15 minutes", "15") in connection.options("event_types.create", "before_buffer").options
    assert values(connection.options("scheduling_links.create", "max_event_count")) == ["1"]
    assert values(connection.options("invitee.created", "invitee")) == ["internal", "external"]
    for path in ("events", "events[]", "events[0]"):
        listed = connection.options("webhook_subscriptions.create", path)
        assert Option("Invitee created", "invitee.created") in listed.options
    wanted = connection.options("shares.create", "location_configurations[].kind", search="TEAMS")
    assert wanted.options == (Option("Microsoft Teams", "microsoft_teams_conference"),)


def test_the_choices_of_a_boolean_are_yes_and_no(connect, unvisited):
    connection = connect(unvisited.url)
    both = (Option("Yes", "true"), Option("No", "false"))
    assert connection.options("bookings.create", "dry_run").options == both
    assert connection.options("invitee.created", "first_time").options == both
    assert connection.options("user_availability_schedules.update", "default").options == both[:1]


def test_time_zones_are_found_by_city(connect, unvisited):
    connection = connect(unvisited.url)
    found = connection.options("invitees.create", "invitee.timezone", search="new york")
    assert found.options == (Option("America/New_York", "America/New_York"),)
    pages = all_pages(connection, "slots.list", "timezone")
    zones = [zone for listed in pages for zone in values(listed)]
    assert len(zones) == len(set(zones)) > 300
    assert {"Europe/Berlin", "UTC"} <= set(zones)
    assert not {"EST5EDT", "Etc/GMT+5", "localtime", "Factory"} & set(zones)
    assert all(len(listed.options) == 100 for listed in pages[:-1])


@pytest.mark.parametrize(
    ("of", "path"),
    [
        ("invitees.create", "location"),
        ("invitees.create", "invitee.email"),
        ("notes.get", "uuid"),
        ("invitee_no_shows.create", "invitee"),
        ("webhook_subscriptions.create", "signing_key"),
        ("invitee.created", "utm_source"),
    ],
)
def test_a_field_without_choices_says_so(connect, unvisited, of, path):
    listed = connect(unvisited.url).options(of, path)
    described = field_paths.find(FORMS[of], path).rule["description"]
    assert listed == OptionPage(reason=f"{of}: {path} has no list of choices. {described}")


@pytest.mark.parametrize(
    ("of", "path", "message", "fix"),
    [
        ("event_types.gett", "uuid", "Unknown action or trigger 'event_types.gett'", "event_types.get"),
        ("invitee.create", "x", "Unknown action or trigger 'invitee.create'", "invitee.created"),
        ("event_types.get", "nothing", "event_types.get has no input 'nothing'", "Available: uuid"),
        ("invitees.create", "invitee.timezon", "no input 'invitee.timezon'", "invitee.timezone"),
        ("invitees.create", "location.kind.x", "no input", "location.kind"),
        ("invitees.create", "event_type[]", "no input", "event_type"),
        ("invitees.create", "questions_and_answers[x].answer", "no input", "Available"),
        ("invitees.create", "invitee.", "no input", "Available"),
        ("invitees.create", "", "no input", "Available"),
        ("invitee.created", "event_typ", "invitee.created has no filter 'event_typ'", "event_type"),
        ("contact.created", "email", "has no filter", "Available: none"),
        ("users.me", "event_type", "users.me has no input", "Available: none"),
    ],
)
def test_an_unknown_name_suggests_the_nearest_names(connect, unvisited, of, path, message, fix):
    with pytest.raises(UnknownAction) as caught:
        connect(unvisited.url).options(of, path)
    assert message in caught.value.message
    assert fix in caught.value.fix


def test_an_alias_means_the_action_that_has_the_field(connect, unvisited):
    connection = connect(unvisited.url)
    assert values(connection.options("scheduled_events", "status")) == ["active", "canceled"]
    assert "organization" in connection.options("Create Webhook Subscription", "scope").options[0].value


# Resources


def test_resources_are_labeled_with_their_names(connect, sandbox):
    connection = connect(sandbox)
    for of in ("scheduling_links.create", "invitee.created"):
        field = "owner" if "." in of and of.startswith("scheduling") else "event_type"
        assert Option("Intro call", INTRO) in connection.options(of, field).options
    assert "Ben Iwu" in labels(connection.options("invitee.created", "host"))


def test_a_search_finds_labels_and_other_names_whatever_their_case(connect, sandbox):
    connection = connect(sandbox)
    for text in ("DEMO", "sales  demo", "Sales"):
        assert labels(connection.options("invitees.create", "event_type", search=text)) == ["Sales demo"]
    assert labels(connection.options("event_types.list", "user", search="ben@acme")) == ["Ben Iwu"]
    assert connection.options("invitees.create", "event_type", search="no such call") == OptionPage()


def test_calendly_searches_contacts(connect, faulty_sandbox):
    connection = connect(faulty_sandbox)
    name = connection.options("contacts.get", "uuid").options[0].label
    faulty_sandbox.control("DELETE", "/requests")
    assert name in labels(connection.options("contacts.get", "uuid", search=name.upper()))
    [request] = faulty_sandbox.requests()["requests"]
    assert parse_qs(request["query"])["name"] == [name.upper()]


def test_an_email_and_a_comma_are_not_sent_as_a_name(connect, faulty_sandbox):
    connection = connect(faulty_sandbox)
    email = next(
        one["emails"][0]["email"] for one in connection.run("contacts.list").records if one["emails"]
    )
    assert len(connection.options("contacts.get", "uuid", search=email).options) == 1
    assert connection.options("contacts.get", "uuid", search="a, b") == OptionPage()
    assert all("&name=" not in f"&{request['query']}" for request in faulty_sandbox.requests()["requests"])


def test_an_organization_that_cannot_be_read_is_labeled_with_its_uri(connect, faulty_sandbox):
    faulty_sandbox.control("POST", "/faults", {"kind": "status", "status": 403, "path": "/organizations/"})
    [option] = connect(faulty_sandbox).options("organizations.get", "uuid").options
    assert option.label == option.value


def test_the_schedules_and_event_types_of_a_chosen_user_are_listed(connect, faulty_sandbox):
    connection = connect(faulty_sandbox)
    ben = next(
        o.value for o in connection.options("event_types.list", "user").options if o.label == "Ben Iwu"
    )
    faulty_sandbox.control("DELETE", "/requests")
    for of, path in (
        ("availability.edit", "schedule"),
        ("availability.edit", "event_type"),
        ("event_types.list", "user_availability_schedule"),
        ("shares.list", "event_type"),
    ):
        assert connection.options(of, path, {"user": ben}).options
        assert parse_qs(faulty_sandbox.requests()["requests"][-1]["query"])["user"] == [ben]
    named = connection.options("availability.edit", "event_type", {"user": "Ben Iwu"})
    assert named == connection.options("availability.edit", "event_type", {"user": ben})


# Fields that depend on others


@pytest.mark.parametrize("of", ["invitees.create", "bookings.create", "bookings.reschedule"])
def test_the_slots_of_an_event_type_are_shown_in_the_users_time(connect, frozen_sandbox, of):
    connection = connect(frozen_sandbox)
    first = connection.options(of, "start_time", {"event_type": INTRO})
    assert first.options[0] == Option("Wed 18 Nov 2026 13:00 CET", "2026-11-18T12:00:00Z")
    assert len(first.options) == 100
    assert frozen_sandbox.requests()["counts"] == {"GET /event_type_available_times": 1, "GET /users/me": 1}
    second = connection.options(of, "start_time", {"event_type": INTRO}, page=first.next_page)
    assert second.options[0].value > first.options[-1].value
    read = connection.run(
        "event_type_available_times.list",
        {"event_type": INTRO, "start_time": "2026-11-18T11:10:00Z", "end_time": "2026-12-18T11:06:40Z"},
    ).records
    listed = [value for listed in (first, second) for value in values(listed)]
    assert listed == [slot["start_time"] for slot in read][: len(listed)]


def test_slots_are_searched_by_day(connect, frozen_sandbox):
    found = connect(frozen_sandbox).options(
        "bookings.create", "start_time", {"event_type": "intro"}, search="25 nov"
    )
    assert found.options[0] == Option("Wed 25 Nov 2026 09:00 CET", "2026-11-25T08:00:00Z")
    assert all(label.startswith("Wed 25 Nov 2026") for label in labels(found))
    assert found.next_page is None


def test_an_event_type_offers_its_kinds_of_locations(connect, sandbox):
    connection = connect(sandbox)
    for of in ("invitees.create", "bookings.create", "bookings.reschedule"):
        assert connection.options(of, "location.kind", {"event_type": "intro"}).options == (
            Option("Zoom", "zoom_conference"),
            Option("In person", "physical"),
            Option("Ask the invitee", "ask_invitee"),
        )
    chosen = {"event_type": INTRO, "location": {"kind": "physical"}}
    [place] = connection.options("bookings.create", "location.location", chosen).options
    assert place.label == place.value == "Torstr. 1, Berlin"
    free = connection.options(
        "bookings.create", "location.location", {"event_type": INTRO, "location.kind": "ask_invitee"}
    )
    assert free == OptionPage(reason="This kind of location has no list of choices: any place will do.")


def test_an_event_type_without_locations_offers_none(connect):
    with Hostile(one({"uri": INTRO, "active": True, "locations": None})) as server:
        assert (
            connect(server).options("bookings.create", "location.kind", {"event_type": INTRO}) == OptionPage()
        )


def test_an_event_type_asks_its_questions(connect, sandbox):
    connection = connect(sandbox)
    for of, path in (
        ("invitees.create", "questions_and_answers[].question"),
        ("bookings.create", "answers"),
        ("bookings.reschedule", "answers"),
        ("booking_pages.url", "answers"),
        ("links.create", "answers"),
        ("invitee.created", "answers"),
    ):
        assert values(connection.options(of, path, {"event_type": INTRO})) == [DISCUSS, PRODUCTS]


def test_a_question_lists_its_answers(connect, sandbox):
    connection = connect(sandbox)
    chosen = {"event_type": INTRO, "questions_and_answers": [{"question": DISCUSS}, {"question": PRODUCTS}]}
    for of, path, form in (
        ("invitees.create", "questions_and_answers[1].answer", chosen),
        (
            "invitees.create",
            "questions_and_answers[].answer",
            {**chosen, "questions_and_answers": [{"question": PRODUCTS}]},
        ),
        (
            "invitees.create",
            "questions_and_answers[].answer",
            {"event_type": INTRO, "questions_and_answers[].question": PRODUCTS},
        ),
        ("bookings.create", f"answers.{PRODUCTS}", chosen),
        ("links.create", "answers.which  products DO you use?", chosen),
        ("invitee.created", f"answers.{PRODUCTS}", {"event_type": "Intro call"}),
    ):
        assert values(connection.options(of, path, form)) == ["Core", "Reports", "Billing"]
    for path in (
        "questions_and_answers[0].answer",
        "questions_and_answers[7].answer",
        "questions_and_answers[].answer",
    ):
        listed = connection.options("invitees.create", path, chosen)
        assert listed.reason
        assert bool(listed.needs) is (path != "questions_and_answers[0].answer")


def test_a_hidden_question_is_no_choice(connect):
    questions = [
        {"name": "Old?", "enabled": False, "answer_choices": []},
        {"name": "How\u200b many?", "enabled": True},
        {"name": "Since\nwhen?"},
        {"name": ""},
        {"name": None},
        {"name": 7},
    ]
    with Hostile(one({"uri": INTRO, "active": True, "custom_questions": questions})) as server:
        listed = connect(server).options("bookings.create", "answers", {"event_type": INTRO})
    assert values(listed) == ["How\u200b many?", "Since\nwhen?", "7"]
    assert labels(listed) == ["How many?", "Since when?", "7"]


def test_an_event_type_offers_its_durations(connect, sandbox):
    connection = connect(sandbox)
    for of in ("links.create", "shares.create"):
        listed = connection.options(of, "duration", {"event_type": INTRO})
        assert listed.options == (Option("15 minutes", "15"), Option("30 minutes", "30"))
    assert values(connection.options("links.create", "duration", {"event_type": "Sales demo"})) == ["45"]


def test_a_routing_form_asks_its_questions(connect, sandbox):
    connection = connect(sandbox)
    form = connection.run("routing_forms.list").records[0]
    of, chosen = "routing_form_submission.created", {"routing_form": form["name"]}
    assert values(connection.options(of, "answers", chosen)) == [q["name"] for q in form["questions"]]
    for question in form["questions"]:
        listed = connection.options(of, f"answers.{question['name']}", chosen)
        assert values(listed) == (question["answer_choices"] or [])
        assert bool(listed.reason) is not bool(question["answer_choices"])


def test_upcoming_events_say_when_what_and_who(connect, faulty_sandbox):
    connection = connect(faulty_sandbox)
    for of, path in (
        ("scheduled_events.cancel", "uuid"),
        ("scheduled_events.get", "uuid"),
        ("invitees.list", "uuid"),
        ("bookings.cancel", "what"),
        ("bookings.reschedule", "what"),
    ):
        assert labels(connection.options(of, path))[:3] == [
            "Thu 19 Nov 2026 09:30 CET, Panel, Ada Okafor, Ben Iwu",
            "Fri 20 Nov 2026 12:45 CET, Panel, Ada Okafor, Ben Iwu",
            "Tue 24 Nov 2026 14:00 CET, Intro call, Ada Okafor",
        ]
    assert faulty_sandbox.requests()["counts"] == {"GET /users/me": 1, "GET /scheduled_events": 5}


def test_events_are_filtered_by_event_type_owner_and_invitee(connect, sandbox):
    connection = connect(sandbox)
    panel = connection.options("bookings.cancel", "what", {"event_type": "Panel"})
    assert len(panel.options) > 1
    assert all(", Panel, " in label for label in labels(panel))
    by_id = connection.options("bookings.cancel", "what", {"event_type": INTRO.rpartition("/")[2]})
    assert by_id.options
    assert all(", Intro call, " in label for label in labels(by_id))
    everybody = connection.options("bookings.cancel", "what", {"organization": "Acme GmbH"})
    assert len(everybody.options) > len(connection.options("bookings.cancel", "what").options)
    found = connection.options("bookings.cancel", "what", search="noor@client.example")
    assert all(label.startswith("Tue 24 Nov 2026 14:00 CET, Intro call") for label in labels(found))
    assert found.options


def test_no_shows_are_chosen_among_past_events_the_latest_first(connect, frozen_sandbox):
    connection = connect(frozen_sandbox)
    listed = connection.options("bookings.no_show", "what")
    assert labels(listed)[0] == "Fri 13 Nov 2026 17:45 CET, Panel, Nils Demir, Ada Okafor"
    record = connection.run("scheduled_events.get", {"uuid": listed.options[0].value}).record
    assert record["start_time"].startswith("2026-11-13T16:45")


def test_the_invitees_of_an_event_are_listed(connect, sandbox):
    connection = connect(sandbox)
    [event] = connection.options("scheduled_events.get", "uuid", search="24 Nov").options
    [invitee] = connection.options("invitees.get", "uuid", {"event": event.value}).options
    record = connection.run("invitees.get", {"uuid": invitee.value}).record
    assert invitee.label == f"{record['name']}, {record['email']}"


def test_a_value_chosen_is_accepted_by_the_action(connect, sandbox):
    connection = connect(sandbox)
    for of in (
        "scheduled_events.get",
        "organization_memberships.get",
        "group_relationships.get",
        "meeting_recaps.get",
        "organization_invitations.get",
        "webhook_subscriptions.get",
        "user_availability_schedules.get",
    ):
        [first, *_] = connection.options(of, "uuid").options
        assert connection.run(of, {"uuid": first.value}).record["uri"] == first.value


# Times


@pytest.mark.parametrize(
    ("zone", "label"),
    [
        ("Europe/Berlin", "Sun 25 Oct 2026 02:30 CET"),
        ("America/New_York", "Sat 24 Oct 2026 21:30 EDT"),
        ("Asia/Kathmandu", "Sun 25 Oct 2026 07:15 +0545"),
        ("Mars/Olympus", "Sun 25 Oct 2026 01:30 UTC"),
        ("../etc", "Sun 25 Oct 2026 01:30 UTC"),
        (None, "Sun 25 Oct 2026 01:30 UTC"),
        (5, "Sun 25 Oct 2026 01:30 UTC"),
    ],
)
def test_times_are_in_the_zone_of_the_user_or_else_in_utc(connect, zone, label):
    user = one({"uri": "https://api.calendly.com/users/A", "timezone": zone})
    slots = page([{"status": "available", "start_time": "2026-10-25T01:30:00Z"}])
    with Hostile(slots, user) as server:
        listed = connect(server).options("bookings.create", "start_time", {"event_type": INTRO})
    assert listed.options == (Option(label, "2026-10-25T01:30:00Z"),)


def test_a_time_that_cannot_be_read_is_shown_as_it_is(connect):
    slots = page(
        [{"status": "available", "start_time": "soon"}, {"start_time": None}, {}, {"start_time": ["x"]}]
    )
    with Hostile(slots) as server:
        listed = connect(server).options("bookings.create", "start_time", {"event_type": INTRO})
    assert listed.options == (Option("soon", "soon"), Option("x", "x"))


# Pages


def test_ten_thousand_event_types_take_one_call_per_page(connect, make_sandbox):
    with make_sandbox(event_types=10_000) as sandbox:
        connection = connect(sandbox)
        first = connection.options("bookings.create", "event_type")
        assert sandbox.requests()["counts"] == {"GET /users/me": 1, "GET /event_types": 1}
        second = connection.options("bookings.create", "event_type", page=first.next_page)
        assert sandbox.requests()["counts"]["GET /event_types"] == 2
        assert len(first.options) == len(second.options) == 100
        assert not set(values(first)) & set(values(second))
        found = connection.options("bookings.create", "event_type", search="consultation 001")
        assert sandbox.requests()["counts"]["GET /event_types"] == 4
        assert labels(found)[0] == "Consultation 00100"
        assert len(found.options) == 100


def listing(*pages):
    """Return replies with these pages of names, each with the token of the next."""
    replies = []
    for number, names in enumerate(pages, 1):
        records = [
            {"uri": f"https://api.calendly.com/event_types/{name}", "name": name, "active": True}
            for name in names
        ]
        token = str(number) if number < len(pages) else None
        replies.append(page(records, token))
    return replies


USER = one({"uri": "https://api.calendly.com/users/A", "timezone": "UTC"})


def test_a_search_reads_pages_until_a_hundred_match_and_continues_there(connect):
    names = [f"call {number:03}" for number in range(250)]
    pages = [["x1", *names[:60]], ["x2", *names[60:150], "x3"], [*names[150:]]]
    replies = listing(*pages)
    with Hostile(USER, *replies[:2], replies[1], replies[2], *replies[2:]) as server:
        connection = connect(server)
        first = connection.options("bookings.create", "event_type", search="CALL")
        assert labels(first) == names[:100]
        assert len(server.asked) == 3
        second = connection.options("bookings.create", "event_type", search="CALL", page=first.next_page)
        assert labels(second) == names[100:200]
        third = connection.options("bookings.create", "event_type", search="CALL", page=second.next_page)
        assert labels(third) == names[200:]
        assert third.next_page is None


def test_a_search_ends_with_a_token_if_a_hundred_pages_have_no_match(connect):
    replies = listing(*([f"n{number}"] for number in range(103)))
    with Hostile(USER, *replies) as server:
        connection = connect(server)
        first = connection.options("bookings.create", "event_type", search="n102")
        assert first.options == ()
        assert len(server.asked) == 101
        assert labels(
            connection.options("bookings.create", "event_type", search="n102", page=first.next_page)
        ) == ["n102"]


def test_a_list_that_repeats_a_page_token_is_an_unexpected_answer(connect):
    record = {"uri": f"{INTRO}", "name": "Intro", "active": True}
    with (
        Hostile(USER, page([record], "again")) as server,
        pytest.raises(UnexpectedAnswer, match="doesn't end"),
    ):
        connect(server).options("bookings.create", "event_type", search="no such")


def test_choices_that_changed_between_pages_are_rejected(connect):
    slots = [
        {"status": "available", "start_time": f"2026-11-{day:02}T{hour:02}:00:00Z"}
        for day in range(20, 26)
        for hour in range(20)
    ]
    without = [slot for slot in slots if slot["start_time"] != "2026-11-24T19:00:00Z"]
    with Hostile(page(slots), USER, page(without)) as server:
        connection = connect(server)
        first = connection.options("bookings.create", "start_time", {"event_type": INTRO})
        assert first.options[-1].value == "2026-11-24T19:00:00Z"
        with pytest.raises(UsageError, match="have changed since the last page"):
            connection.options("bookings.create", "start_time", {"event_type": INTRO}, page=first.next_page)


def test_later_pages_ask_for_the_same_range(connect, timer):
    records = [
        {
            "uri": f"https://api.calendly.com/scheduled_events/{n}",
            "status": "active",
            "start_time": "2027-01-01T00:00:00Z",
            "end_time": "2027-01-01T00:00:00Z",
        }
        for n in range(100)
    ]
    with Hostile(USER, page(records, "next"), page(records[:1])) as server:
        connection = connect(server)
        first = connection.options("scheduled_events.get", "uuid")
        timer.now += 3600
        connection.options("scheduled_events.get", "uuid", page=first.next_page)
    ranges = [dict(request.query).get("min_start_time") for request in server.asked]
    assert ranges == [None, "2026-11-18T11:06:40Z", "2026-11-18T11:06:40Z"]


def test_a_page_token_that_calendly_rejects_has_expired(connect, make_sandbox):
    clock = Clock()
    with make_sandbox(event_types=200, clock=clock) as sandbox:
        connection = connect(sandbox, clock=clock)
        first = connection.options("bookings.create", "event_type")
        clock.now += 3600
        with pytest.raises(UsageError, match="The page token has expired"):
            connection.options("bookings.create", "event_type", page=first.next_page)


def encoded(content):
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "é",
        "AAAA",
        encoded(None),
        encoded([]),
        encoded({"a": 1}),
        encoded(["k", 1, None]),
        encoded(["k", "1", None, ""]),
        encoded(["k", True, None, ""]),
        encoded(["k", -1, None, ""]),
        encoded(["k", 10**30, None, ""]),
        encoded(["k", 1.5, None, ""]),
        encoded(["k", 1, 2, ""]),
        encoded(["k", 1, None, None]),
        encoded([["k"], 1, None, "x" * 20_000]),
        base64.urlsafe_b64encode(b"[" * 5000).decode(),
        "A" * 100_000,
        5,
    ],
)
def test_a_damaged_page_token_is_rejected(connect, unvisited, token):
    with pytest.raises(UsageError, match=r"The page token is damaged|belongs to another"):
        connect(unvisited.url).options("bookings.create", "event_type", page=token)


@pytest.mark.parametrize(
    ("field", "more"),
    [
        (("bookings.create", "event_type"), {"search": "x"}),
        (("invitees.create", "event_type"), {}),
        (("bookings.cancel", "event_type", {"user": "me"}), {}),
    ],
)
def test_a_page_token_of_another_list_is_rejected(connect, frozen_sandbox, field, more):
    zones = connect(frozen_sandbox).options("slots.list", "timezone").next_page
    with pytest.raises(UsageError, match="belongs to another field"):
        connect(frozen_sandbox).options(*field, page=zones, **more)


def test_a_page_token_belongs_to_the_values_that_the_choices_depend_on(connect, frozen_sandbox):
    connection = connect(frozen_sandbox)
    first = connection.options("bookings.create", "start_time", {"event_type": INTRO})
    typed = {"event_type": INTRO, "invitee": {"name": "No"}}
    assert connection.options("bookings.create", "start_time", typed, page=first.next_page).options
    with pytest.raises(UsageError, match="belongs to another field"):
        connection.options(
            "bookings.create", "start_time", {"event_type": "Sales demo"}, page=first.next_page
        )


# What can't be listed


def test_an_invalid_value_of_another_field_is_the_reason(connect, frozen_sandbox):
    connection = connect(frozen_sandbox)
    for value, reason in (
        ("Introo", "event_type: 'Introo' matches no name in event_types.list; did you mean 'Intro call'?"),
        ("https://evil.example/event_types/A", "is a URI on a host other than Calendly's"),
        ("https://api.calendly.com/users/A", "is a URI of users"),
        ("~{Now}~", "event_type"),
        ({"a": 1}, "event_type: must be text"),
        (["a"], "event_type: must be text"),
        (5, "event_type: must be text"),
    ):
        listed = connection.options("bookings.create", "start_time", {"event_type": value})
        assert reason in listed.reason
        assert listed.needs == ("event_type",)
        assert not listed.options


@pytest.mark.parametrize("value", [None, ""])
def test_a_blank_field_counts_as_missing(connect, unvisited, value):
    listed = connect(unvisited.url).options("bookings.create", "start_time", {"event_type": value})
    assert listed == OptionPage(reason="Choose event_type first.", needs=("event_type",))


def test_an_event_type_that_is_gone_is_the_reason(connect, frozen_sandbox):
    gone = {"event_type": "00000000-0000-4000-8000-000000000000"}
    for path in ("start_time", "location.kind", "answers"):
        listed = connect(frozen_sandbox).options("bookings.create", path, gone)
        assert "not found, or not visible to this token (404)" in listed.reason


def test_a_missing_scope_is_the_reason(connect, sandbox):
    listed = connect(sandbox, token="sandbox-no-scopes").options("bookings.create", "event_type")
    assert not listed.options
    assert "lacks the scope" in listed.reason
    assert "Create a token" in listed.reason


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, "Please upgrade your Calendly account"),
        (403, "You do not have permission to access this resource"),
        (402, "Payment required"),
        (404, "Not found"),
        (400, "Odd"),
    ],
)
def test_a_plan_a_role_and_a_rejection_are_reasons(connect, status, message):
    with Hostile(USER, reply(status, {"title": "Error", "message": message})) as server:
        listed = connect(server).options("bookings.create", "event_type")
    assert not listed.options
    assert f"({status})" in listed.reason
    assert listed.needs == ()
    assert message.casefold() in listed.reason.casefold() or status == 404


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Unauthenticated), (500, CalendlyDown), (503, CalendlyDown)]
)
def test_other_errors_are_raised(connect, status, kind):
    with Hostile(reply(status, {"title": "Error", "message": "Broken"})) as server, pytest.raises(kind):
        connect(server).options("bookings.create", "event_type")


def test_no_answer_is_raised(connect, closed_port):
    with pytest.raises(NoAnswer):
        connect(f"http://127.0.0.1:{closed_port}").options("bookings.create", "event_type")


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"name": {"first": "x"}, "uri": None},
        {"name": ["a"], "uri": 5},
        {"name": "x" * 5000, "uri": "u"},
        {"name": "\u202eevil\x1b[2J", "uri": "u"},
        {"locations": {"kind": "physical"}, "custom_questions": "none", "duration_options": {"a": 1}},
        {"locations": [None, 5, {"kind": None}, {"kind": ["x"]}], "custom_questions": [[{"name": "q"}]]},
    ],
)
def test_odd_records_lead_to_options_or_none(connect, record):
    for of, path in (("bookings.create", "event_type"), ("scheduled_events.get", "uuid")):
        with Hostile(USER, page([record])) as server:
            listed = connect(server).options(of, path)
        assert all(option.label.isprintable() and option.value for option in listed.options)
    for path in ("location.kind", "answers", "start_time"):
        answer = page([record]) if path == "start_time" else one({"uri": INTRO, **record})
        with Hostile(answer) as server:
            listed = connect(server).options("bookings.create", path, {"event_type": INTRO})
        assert all(isinstance(option.value, str) for option in listed.options)
