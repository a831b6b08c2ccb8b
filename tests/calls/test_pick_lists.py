"""Names instead of ids: how `run` resolves a name, slug, id or URI."""

from urllib.parse import quote

import pytest
from calendly_connector.calls.pick_lists import PickLists
from calendly_connector.catalog.identifiers import is_name
from calendly_connector.contract import Option
from calendly_connector.errors import InvalidParams
from hostile import Hostile, one

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


class Listing:
    """A fake prepared call of a list action that returns these records."""

    def __init__(self, records):
        self.iterate = lambda: iter(records)


def pick_lists(records):
    return PickLists(lambda _action, _params, _filter: Listing(records), functions=None)


@pytest.fixture
def choices():
    return pick_lists(RECORDS)


@pytest.mark.parametrize(
    ("text", "uri"),
    [("demo", RECORDS[2]["uri"]), ("SALES DEMO", RECORDS[2]["uri"]), (" intro-2 ", RECORDS[1]["uri"])],
)
def test_a_name_or_slug_finds_its_record(choices, text, uri):
    assert choices.find(text, FIELD) == uri


def test_an_ambiguous_name_is_rejected_with_its_candidates(choices):
    with pytest.raises(ValueError, match=r"ambiguous \(2 matches\)") as caught:
        choices.find("intro call", FIELD)
    assert RECORDS[0]["uri"] in str(caught.value)
    assert RECORDS[1]["uri"] in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Sales demos", "'Sales demos' matches no name in event_types.list; did you mean 'Sales demo'?"),
        ("Demmo", "'Demmo' matches no name in event_types.list; did you mean 'Sales demo'?"),
        ("Sales", "'Sales' matches no name in event_types.list; did you mean 'Sales demo'?"),
        ("some-old-id", "'some-old-id' matches no name in event_types.list"),
    ],
)
def test_an_unknown_name_suggests_the_nearest_names(choices, text, message):
    with pytest.raises(ValueError, match=r"matches no name") as caught:
        choices.find(text, FIELD)
    assert str(caught.value) == message


def test_a_record_without_a_name_has_none():
    choices = pick_lists([{"name": None, "slug": None, "uri": "https://api.calendly.com/event_types/D"}])
    with pytest.raises(ValueError, match="matches no name"):
        choices.find("None", FIELD)


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


def test_run_accepts_a_slug_a_name_an_id_or_a_uri(connect, sandbox):
    connection = connect(sandbox)
    values = ("intro", "Intro call", INTRO.rpartition("/")[2], INTRO)
    records = [connection.run("event_types.get", {"uuid": value}).record for value in values]
    assert all(record["uri"] == INTRO for record in records)


def test_people_are_found_by_name_or_email(connect, sandbox):
    connection = connect(sandbox)
    for value in ("Ben Iwu", "ben@acme.example"):
        rows = {"user": value, "organization": "~{GetOrganizationUrl}~"}
        events = connection.run("scheduled_events.list", filter=rows).records
        assert events
        assert all(
            any(member["user_name"] == "Ben Iwu" for member in event["event_memberships"]) for event in events
        )


def test_a_name_without_a_match_is_an_invalid_input(connect, sandbox):
    with pytest.raises(InvalidParams) as caught:
        connect(sandbox).run("event_types.get", {"uuid": "No such thing"})
    assert caught.value.problems[0].path == "uuid"


@pytest.mark.parametrize(
    ("action", "inputs", "near"),
    [
        ("event_type_available_times.list", {"event_type": "Introo"}, "did you mean 'Intro call'"),
        ("scheduling_links.create", {"owner": "Introo"}, "did you mean 'Intro call'"),
        ("scheduled_events.list", {"user": "Ada"}, "'Ada Okafor'"),
        ("scheduled_events.list", {"user": "Zed"}, ""),
        ("scheduled_events.list", {"organization": "Acme"}, "'Acme GmbH'"),
        ("contacts.get", {"uuid": "Nobody"}, ""),
    ],
)
def test_a_word_without_a_match_is_rejected_and_never_sent(connect, faulty_sandbox, action, inputs, near):
    [word] = inputs.values()
    times = {"start_time": "2026-11-20T00:00:00Z", "end_time": "2026-11-21T00:00:00Z"}
    with pytest.raises(InvalidParams) as caught:
        connect(faulty_sandbox).run(action, inputs | (times if "available" in action else {}))
    [problem] = caught.value.problems
    assert problem.path in inputs
    assert problem.message.startswith(f"{word!r} matches no name in ")
    assert (near in problem.message) if near else ("did you mean" not in problem.message)
    assert caught.value.fix == "Pass a URI, an id, or a name exactly as it is listed there."
    for request in faulty_sandbox.requests()["requests"]:
        assert word not in request["path"] + request["query"]
    assert faulty_sandbox.requests()["counts"].keys() <= {
        "GET /users/me",
        "GET /event_types",
        "GET /organization_memberships",
        "GET /organizations/{uuid}",
        "GET /contacts",
    }


@pytest.mark.parametrize("action", ["scheduled_events.get", "notes.get", "invitee_no_shows.delete"])
def test_a_name_for_a_resource_without_names_is_rejected_without_a_request(connect, unvisited, action):
    with pytest.raises(InvalidParams, match="or the id at the end of one"):
        connect(unvisited).run(action, {"uuid": "Introo"})


@pytest.mark.parametrize(
    "last", [INTRO.rpartition("/")[2], INTRO.rpartition("/")[2].upper(), "GBGBDCAADAEDCRZ2"]
)
def test_an_id_is_sent_without_a_lookup(connect, last):
    with Hostile(one({"uri": f"https://api.calendly.com/event_types/{last}"})) as server:
        connect(server).run("event_types.get", {"uuid": last})
    assert [request.path for request in server.asked] == [f"/event_types/{last}"]


@pytest.mark.parametrize("name", ["Acme GmbH", "acme gmbh"])
def test_an_organization_is_found_by_its_name(connect, sandbox, name):
    record = connect(sandbox).run("organizations.get", {"uuid": name}).record
    assert record["name"] == "Acme GmbH"
    listed = connect(sandbox).options("organizations.get", "uuid").options
    assert listed == (Option("Acme GmbH", record["uri"]),)


def test_a_contact_is_found_by_its_email(connect, sandbox):
    connection = connect(sandbox)
    known = next(record for record in connection.run("contacts.list").records if record["emails"])
    found = connection.run("contacts.get", {"uuid": known["emails"][0]["email"]}).record
    assert found["uri"] == known["uri"]


def test_me_is_the_tokens_user_in_every_user_input(connect, faulty_sandbox):
    connection = connect(faulty_sandbox)
    owner = connection.run("users.me").record["uri"]
    assert connection.run("event_types.list", {"user": "me"}).records
    assert connection.run("event_types.list", {"user": "me"}).records
    assert faulty_sandbox.requests()["counts"] == {"GET /users/me": 2, "GET /event_types": 2}
    assert {f"user={quote(owner, safe='')}&count=100"} <= {
        request["query"] for request in faulty_sandbox.requests()["requests"]
    }


def test_me_is_resolved_without_a_pick_list(connect, faulty_sandbox):
    assert connect(faulty_sandbox).run("users.get", {"uuid": "me"}).record["name"] == "Ada Okafor"
    assert faulty_sandbox.requests()["counts"] == {"GET /users/me": 1}


def test_the_preview_shows_a_name_as_it_was_written(connect, unvisited):
    shown = connect(unvisited.url).preview("scheduling_links.create", {"owner": "Intro call"})
    assert shown["body"]["owner"] == "Intro call"
