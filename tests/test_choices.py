"""Names instead of ids: pick lists, and what `run` makes of a name, slug, id or URI."""

import pytest
from calendly_connector.choices import Choices, is_name
from calendly_connector.contract import Option
from calendly_connector.errors import InvalidParams, UsageError
from calendly_connector.manifest import catalog

INTRO = "https://api.calendly.com/event_types/7121342e-f121-5781-bef6-a20c5dcd7dc3"
FIELD = {
    "x-resource": "event_types",
    "x-options": {"action": "event_types.list", "label": "name", "value": "uri", "also": ["slug"]},
}
RECORDS = [
    {"name": "Intro call", "slug": "intro", "uri": "https://api.calendly.com/event_types/A"},
    {"name": "Intro call", "slug": "intro-2", "uri": "https://api.calendly.com/event_types/B"},
    {"name": "Sales demo", "slug": "demo", "uri": "https://api.calendly.com/event_types/C"},
    {"name": None, "uri": None},
]


@pytest.fixture
def choices():
    return Choices(lambda _action, _filter: RECORDS)


@pytest.mark.parametrize(
    ("text", "uri"),
    [("demo", RECORDS[2]["uri"]), ("SALES DEMO", RECORDS[2]["uri"]), (" intro-2 ", RECORDS[1]["uri"])],
)
def test_a_name_or_slug_means_one(choices, text, uri):
    assert choices.find(text, FIELD) == uri


def test_an_ambiguous_name_is_refused_with_its_candidates(choices):
    with pytest.raises(ValueError, match="names 2 of them") as refused:
        choices.find("intro call", FIELD)
    assert RECORDS[0]["uri"] in str(refused.value)
    assert RECORDS[1]["uri"] in str(refused.value)


def test_an_unknown_name_is_refused_with_what_is_near(choices):
    with pytest.raises(ValueError, match=r"near it: .*sales demo"):
        choices.find("Sales demos", FIELD)


def test_what_may_be_an_id_is_taken_as_one_where_no_name_fits(choices):
    assert choices.find("some-old-id", FIELD) == "some-old-id"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("intro", True),
        ("Intro call", True),
        (INTRO, False),
        ("7121342e-f121-5781-bef6-a20c5dcd7dc3", False),
        ("AAAAAAAAAAAAAAAA", False),
        ("http://evil.example/x", False),
    ],
)
def test_ids_and_uris_are_not_looked_up(text, name):
    assert is_name(text, FIELD) is name


def test_a_field_without_a_pick_list_has_no_names():
    assert not is_name("anything", {"x-resource": "notes"})


def test_options_are_label_and_uri(connect, sandbox):
    options = connect(sandbox).options("scheduling_links.create", "owner")
    assert Option("Intro call", INTRO) in options


def test_every_field_with_a_pick_list_can_list_it(connect, sandbox):
    connection = connect(sandbox)
    listed = 0
    for action in catalog().values():
        for name, field in action.inputs.items():
            if "x-options" in field.get("items", field):
                options = connection.options(action.id, name)
                assert all(option.value.startswith("https://") for option in options)
                assert options, f"{action.id} {name} has nothing to choose"
                listed += 1
    assert listed > 30


def test_run_takes_a_slug_a_name_an_id_and_a_uri_alike(connect, sandbox):
    connection = connect(sandbox)
    ways = ("intro", "Intro call", INTRO.rpartition("/")[2], INTRO)
    records = [connection.run("event_types.get", {"uuid": way}).record for way in ways]
    assert all(record["uri"] == INTRO for record in records)


def test_people_are_found_by_name_or_mail(connect, sandbox):
    connection = connect(sandbox)
    for way in ("Ben Iwu", "ben@acme.example"):
        rows = {"user": way, "organization": "~{GetOrganizationUrl}~"}
        events = connection.run("scheduled_events.list", filter=rows).records
        assert events
        assert all(
            any(member["user_name"] == "Ben Iwu" for member in event["event_memberships"]) for event in events
        )


def test_a_name_that_means_nobody_is_a_wrong_call(connect, sandbox):
    with pytest.raises(InvalidParams) as refused:
        connect(sandbox).run("event_types.get", {"uuid": "No such thing"})
    assert refused.value.problems[0].path == "uuid"


def test_me_is_no_name(connect, troubled):
    assert connect(troubled).run("users.get", {"uuid": "me"}).record["name"] == "Ada Okafor"
    assert troubled.requests()["counts"] == {"GET /users/me": 1}


def test_an_unknown_field_is_a_wrong_call(connect, unvisited):
    with pytest.raises(UsageError, match="has no input"):
        connect(unvisited.url).options("event_types.get", "nothing")


def test_the_choices_of_an_enum_come_from_the_schema(connect, unvisited):
    connection = connect(unvisited.url)
    assert connection.options("scheduled_events.list", "status") == [
        Option("active", "active"),
        Option("canceled", "canceled"),
    ]
    assert Option("15", "15") in connection.options("event_types.create", "before_buffer")
    assert connection.options("scheduling_links.create", "max_event_count") == [Option("1", "1")]
    of_items = connection.options("webhook_subscriptions.create", "events")
    assert Option("invitee.created", "invitee.created") in of_items
    assert not unvisited.was_visited()


@pytest.mark.parametrize(
    ("action", "field"), [("scheduled_events.cancel", "uuid"), ("invitees.create", "location")]
)
def test_an_input_without_a_list_is_told_apart_from_an_empty_list(connect, unvisited, action, field):
    with pytest.raises(UsageError, match=f"{action}: {field} has no list to choose from") as refused:
        connect(unvisited.url).options(action, field)
    assert refused.value.fix == catalog()[action].inputs[field]["description"]
    assert not unvisited.was_visited()


def test_the_preview_shows_a_name_as_it_was_written(connect, unvisited):
    shown = connect(unvisited.url).preview("scheduling_links.create", {"owner": "Intro call"})
    assert shown["body"]["owner"] == "Intro call"
