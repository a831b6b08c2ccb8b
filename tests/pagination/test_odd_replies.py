"""Odd replies raise a ConnectorError that names the reply and doesn't blame the caller."""

import pytest
from calendly_connector import cli, sync
from calendly_connector.auth.vault import open_vault
from calendly_connector.catalog.manifest import catalog, manifest
from calendly_connector.errors import ConnectorError, UnexpectedAnswer, UsageError
from calendly_connector.events.subscriptions import VaultStore
from odd_replies import GONE, at_random, document_of, install, places, replaced
from subscribing import Memory, subscriptions_of

API = "https://api.calendly.com"
CALLBACK = "https://hooks.acme.example/calendly"
BOOKINGS = ("invitee.created", "invitee.canceled", "invitee.rescheduled", "invitee_no_show.created")
LISTED_EVENTS = ("event_type.created", "contact.created", "contact.deleted", "meeting_recap.created")
SUBMISSIONS = ("routing_form_submission.created",)
SINCE = "2026-11-01T00:00:00Z"
LISTS = (
    "scheduled_events.list",
    "event_types.list",
    "webhook_subscriptions.list",
    "event_type_available_times.list",
)
SEEDS = 20


@pytest.fixture
def calendly(monkeypatch):
    return install(monkeypatch)


@pytest.fixture
def connection(connect, calendly):  # noqa: ARG001 - replaces the network
    return connect(API)


def example_input(action):
    return next(example["input"] for example in catalog()[action].examples if "output" in example)


def assert_succeeds_or_names_reply(call):
    """Assert that a valid call succeeds, or raises an error of one line that doesn't blame the caller."""
    caught = None
    try:
        call()
    except ConnectorError as error:
        caught = error
    assert "\n" not in str(caught)
    # Some events are for admins only, and the role is in a reply.
    assert not isinstance(caught, UsageError) or "for admins and owners" in str(caught)


def polled_twice(connection, events):
    """Return the result of the second of two polls."""
    trigger = connection.trigger(events)
    return trigger.poll(trigger.poll(since=SINCE).cursor)


def library_calls(connection):
    store = Memory()
    subscriptions = subscriptions_of(connection, store)
    return {
        **{f"run {name}": (lambda name=name: connection.run(name, example_input(name))) for name in LISTS},
        "run one": lambda: connection.run("users.me"),
        "run by default": lambda: connection.run("scheduled_events.list"),
        "run by name": lambda: connection.options("webhook_subscriptions.list", "user"),
        "iterate": lambda: list(
            connection.iterate("scheduled_events.list", example_input("scheduled_events.list"))
        ),
        "request": lambda: connection.request("GET", "/users/me"),
        "check": lambda: connection.check(deep=True),
        "poll bookings": lambda: polled_twice(connection, BOOKINGS),
        "poll shelves": lambda: polled_twice(connection, LISTED_EVENTS),
        "poll submissions": lambda: polled_twice(connection, SUBMISSIONS),
        "poll filtered": lambda: connection.trigger(BOOKINGS[:1], {"first_time": True}).poll(since=SINCE),
        "sample": lambda: connection.trigger(["invitee.created"]).sample(),
        "subscribe": lambda: subscriptions.subscribe(BOOKINGS[:2], CALLBACK),
        "audit": subscriptions.audit,
        "prune": lambda: subscriptions.prune(subscriptions.audit(), lambda _finding: True),
    }


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_odd_replies_raise_only_connector_errors(seed, calendly, connection):
    for name, call in library_calls(connection).items():
        calendly.change = at_random(f"{seed} {name}")
        assert_succeeds_or_names_reply(call)


@pytest.mark.parametrize("value", [GONE, None, 5, "a b", [5], {}])
@pytest.mark.parametrize(
    ("action", "entry"),
    [
        ("users.me", "poll bookings"),
        ("organization_memberships.list", "subscribe"),
        ("scheduled_events.list", "poll bookings"),
        ("invitees.list", "poll bookings"),
        ("contacts.list", "poll shelves"),
        ("routing_forms.list", "poll submissions"),
        ("routing_form_submissions.list", "poll submissions"),
        ("webhook_subscriptions.list", "audit"),
        ("groups.list", "audit"),
    ],
)
def test_an_odd_value_in_any_field_raises_only_connector_errors(value, action, entry, calendly, connection):
    call = library_calls(connection)[entry]
    for place in places(document_of(catalog()[action])):
        calendly.change = lambda name, document, place=place: (
            replaced(document, place, value) if name == action else document
        )
        assert_succeeds_or_names_reply(call)
    assert action in calendly.asked


@pytest.fixture
def vault(tmp_path, monkeypatch):
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    return VaultStore(open_vault())


COMMANDS = (
    ["run", "scheduled_events", "--json"],
    ["run", "scheduled_events", "--format", "csv"],
    ["run", "scheduled_events", "--format", "jsonl", "--all"],
    ["run", "scheduled_events", "--format", "table"],
    ["request", "GET", "/scheduled_events"],
    ["check", "--deep"],
    ["webhooks", "list"],
    ["webhooks", "list", "--json"],
    ["webhooks", "prune", "--yes"],
    ["webhooks", "doctor"],
    ["webhooks", "subscribe", "invitee.created", "--to", CALLBACK],
)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.usefixtures("vault")
def test_odd_replies_never_end_a_command_in_a_traceback(arguments, calendly, capsys):
    for seed in range(SEEDS):
        calendly.change = at_random(f"{seed} {arguments}")
        assert cli.main(arguments) in {0, 1}
        err = capsys.readouterr().err
        assert "Traceback" not in err


# Replies that are odd in one way


def odd_record(action, **fields):
    """Return a change that makes the first record of one list odd."""

    def change(name, document):
        if name == action:
            document["collection"] = [{**document["collection"][0], **fields}]
            for field in [field for field, value in fields.items() if value is GONE]:
                del document["collection"][0][field]
        return document

    return change


@pytest.mark.parametrize("uri", [GONE, None, 5, "", f"{API}/scheduled_events/a b", f"{API}/users/AAAA"])
def test_a_poll_names_the_reply_with_an_unusable_uri(uri, calendly, connection):
    calendly.change = odd_record("scheduled_events.list", uri=uri)
    with pytest.raises(UnexpectedAnswer, match=r"reply to scheduled_events\.list"):
        connection.trigger(["invitee.created"]).poll(since=SINCE)


def test_a_poll_names_the_reply_with_an_invalid_organization(calendly, connection):
    def change(action, document):
        if action == "users.me":
            document["resource"]["current_organization"] = f"{API}/users/AAAA"
        return document

    calendly.change = change
    with pytest.raises(UnexpectedAnswer, match=r"reply to users\.me"):
        connection.trigger(["invitee.created"]).poll(since=SINCE)


def test_a_default_that_comes_from_a_reply_is_not_blamed_on_the_caller(calendly, connection):
    def change(action, document):
        if action == "users.me":
            document["resource"] |= {"uri": f"{API}/groups/G1", "current_organization": f"{API}/groups/G1"}
        return document

    calendly.change = change
    with pytest.raises(UnexpectedAnswer, match=r"reply to users\.me"):
        connection.run("scheduled_events.list")


@pytest.mark.parametrize(
    "fields", [{"callback_url": GONE}, {"callback_url": 5}, {"state": 5}, {"events": "x"}]
)
def test_a_subscription_without_required_fields_is_reported_with_its_reply(fields, calendly, connection):
    calendly.change = odd_record("webhook_subscriptions.list", **fields)
    found = subscriptions_of(connection).audit()
    assert {finding.kind for finding in found} == {"unlisted"}
    (name,) = fields
    assert all("webhook_subscriptions.list" in finding.message for finding in found)
    assert any(name in finding.message for finding in found)


def test_a_group_without_a_usable_uri_is_not_blamed_on_the_caller(calendly, connection):
    calendly.change = odd_record("groups.list", uri=f"{API}/webhook_subscriptions/W1")
    found = subscriptions_of(connection).audit()
    assert any(finding.kind == "unlisted" and "groups.list" in finding.message for finding in found)


def test_a_key_whose_subscription_cannot_be_found_in_an_odd_list_stays_for_prune(calendly, connection):
    store = Memory()

    def change(action, document):
        if action == "webhook_subscriptions.create":
            del document["resource"]["uri"]
        if action == "webhook_subscriptions.list":
            del document["collection"][0]["callback_url"]
        return document

    calendly.change = change
    with pytest.raises(UnexpectedAnswer, match=r"webhook_subscriptions\.list"):
        subscriptions_of(connection, store).subscribe(["invitee.created"], CALLBACK)
    assert [subscription.uri for subscription in store.all()] == [""]
    calendly.change = lambda _action, document: document
    found = subscriptions_of(connection, store).audit()
    assert [finding.repair != "" for finding in found if finding.kind == "pending"] == [True]


def test_every_kind_of_event_is_polled_in_these_tests():
    polled = {*BOOKINGS, *LISTED_EVENTS, *SUBMISSIONS}
    families = {kind.partition(".")[0] for kind in manifest().triggers}
    assert families == {kind.partition(".")[0] for kind in polled}


def with_fields(action, fields):
    def change(name, document):
        if name == action:
            records = document["collection"] if "collection" in document else [document["resource"]]
            for record in records:
                record.update(fields)
        return document

    return change


@pytest.mark.parametrize("fields", [{"current_organization": f"{API}/users/AAAA"}, {"uri": "a b"}])
def test_a_sync_names_the_reply_with_an_invalid_account(fields, calendly, connection, tmp_path):
    calendly.change = with_fields("users.me", fields)
    with pytest.raises(UnexpectedAnswer, match=r"reply to users\.me"):
        sync.run(connection, str(tmp_path / "calendly.db"), sync.SyncOptions(streams=["users"]))


@pytest.mark.parametrize(
    ("action", "streams", "fields"),
    [
        ("scheduled_events.list", "scheduled_events,invitees", {"uri": f"{API}/users/AAAA"}),
        ("scheduled_events.list", "scheduled_events,invitees", {"uri": f"{API}/scheduled_events/a b"}),
        ("routing_forms.list", "routing_forms,routing_form_submissions", {"uri": f"{API}/users/AAAA"}),
    ],
)
def test_a_sync_continues_after_an_unusable_record_and_names_its_reply(
    action, streams, fields, calendly, connection, tmp_path
):
    calendly.change = with_fields(action, fields)
    report = sync.run(connection, str(tmp_path / "calendly.db"), sync.SyncOptions(streams=streams.split(",")))
    assert any(f"reply to {action}" in warning for warning in report.warnings)
