"""The events that a trigger delivers: reschedules as one event, and only events that pass its filters."""

import copy
import json

import pytest
from calendly_connector.catalog.explanations import explain
from calendly_connector.catalog.manifest import manifest
from calendly_connector.contract import Event
from calendly_connector.errors import InvalidParams
from calendly_connector.events.webhooks.event import read_event, write_event
from calendly_connector.sandbox.world import fixtures
from locations import PAYLOADS

RESCHEDULED = "invitee.rescheduled"
EVERY = ["invitee.created", "invitee.canceled", RESCHEDULED]
BODIES = PAYLOADS / "webhooks"


def body(name):
    return json.loads((BODIES / f"{name}.json").read_bytes())


def event(name, **changes):
    """Return a reference event with some values replaced; `__` separates the steps of a path."""
    document = body(name)
    for path, value in changes.items():
        *steps, last = path.split("__")
        place = document["payload"]
        for step in steps:
            place = place[step]
        place[last] = value
    return read_event(json.dumps(document).encode())


CANCELED, CREATED = event("invitee.canceled.rescheduled"), event("invitee.created.rescheduled")


class KnownEvents:
    """The events of an inbox; `asked` has the ids that were looked up."""

    def __init__(self, *events, known=False):
        self.find = {one.id: one for one in events}.get
        self.known, self.asked = known, []

    def is_known(self, event_id):
        self.asked.append(event_id)
        return self.known


def match(connection, event, events, filters=None, *, seen=None, **more):
    return connection.trigger(events, filters, **more).match(event, seen)


# --- reschedules


@pytest.fixture
def moved(fresh_sandbox, connect):
    """Return a connection, and the two halves of a reschedule as webhooks deliver them."""
    connection = connect(fresh_sandbox)
    old = fresh_sandbox.book()["invitee"]["uri"]
    new = fresh_sandbox.reschedule(invitee=old)["invitee"]["uri"]

    def webhook(kind, uri):
        payload = copy.deepcopy(connection.run("invitees.get", {"uuid": uri}).record)
        payload["scheduled_event"] = connection.run("scheduled_events.get", {"uuid": payload["event"]}).record
        payload["scheduled_event"].pop("calendar_event", None)
        return Event(f"{kind}:{uri}", kind, "2026-11-18T09:00:00.000000Z", None, payload)

    return connection, webhook("invitee.canceled", old), webhook("invitee.created", new)


def test_either_half_leads_to_the_same_event(moved):
    connection, canceled, created = moved
    (first,), (second,) = match(connection, canceled, EVERY), match(connection, created, EVERY)
    assert (first.kind, first.id, first.payload) == (RESCHEDULED, second.id, second.payload)
    assert first.payload == {"old": canceled.payload, "new": created.payload}
    assert first.created_at == second.created_at == created.payload["created_at"]


def test_a_reschedule_fits_its_schema_and_reads_as_it_was_written(moved):
    connection, canceled, _ = moved
    (rescheduled,) = match(connection, canceled, [RESCHEDULED])
    assert explain(manifest().triggers[RESCHEDULED].payload, rescheduled.payload) == []
    assert read_event(write_event(rescheduled)) == rescheduled


def test_a_missing_half_costs_two_calls_and_a_known_one_none(moved, fresh_sandbox, connect, unvisited):
    connection, canceled, created = moved
    canceled = read_event(write_event(canceled))
    fresh_sandbox.control("DELETE", "/requests")
    match(connection, canceled, EVERY)
    assert sum(fresh_sandbox.requests()["counts"].values()) == 2
    offline = connect(unvisited)
    (rescheduled,) = match(offline, canceled, EVERY, seen=KnownEvents(read_event(write_event(created))))
    assert rescheduled.kind == RESCHEDULED


def test_a_reschedule_that_was_delivered_is_not_read_or_delivered_again(connect, unvisited):
    offline = connect(unvisited)
    seen = KnownEvents(known=True)
    assert match(offline, CREATED, EVERY, seen=seen) == ()
    assert match(offline, CANCELED, EVERY, seen=seen) == ()
    assert len(set(seen.asked)) == 1
    assert match(offline, CREATED, EVERY, seen=seen, include_raw_reschedules=True) == (CREATED,)


def test_a_half_whose_other_half_is_gone_is_delivered_unchanged(sandbox, connect):
    connection = connect(sandbox)
    unknown = f"https://api.calendly.com/scheduled_events/{fixtures.NOTE}/invitees/{fixtures.NOTE}"
    half = event("invitee.created.rescheduled", old_invitee=unknown)
    assert match(connection, half, EVERY) == (half,)
    assert match(connection, half, [RESCHEDULED]) == ()


def test_without_reschedules_the_halves_match_and_nothing_is_read(connect, unvisited):
    offline = connect(unvisited)
    assert match(offline, CREATED, ["invitee.created"]) == (CREATED,)
    assert match(offline, CANCELED, ["invitee.created"]) == ()
    assert match(offline, CANCELED, "invitee.canceled") == (CANCELED,)


# --- filters

NOOR = event("invitee.created")
FORM = event("routing_form_submission.created")
EVENT_TYPE = event("event_type.updated")
INTERNAL = event("invitee.created", email="Someone@ACME.example")
HOSTLESS = event("invitee.created", scheduled_event__event_memberships=None)


@pytest.mark.parametrize(
    ("received", "filters", "matches"),
    [
        (NOOR, {}, True),
        (NOOR, {"event_type": fixtures.INTRO_CALL}, True),
        (NOOR, {"event_type": f"https://api.calendly.com/event_types/{fixtures.INTRO_CALL}"}, True),
        (NOOR, {"event_type": fixtures.NOTE}, False),
        (NOOR, {"host": fixtures.OWNER}, True),
        (NOOR, {"host": fixtures.OWNER, "event_type": fixtures.NOTE}, False),
        (HOSTLESS, {"host": fixtures.OWNER}, False),
        (NOOR, {"invitee": "external"}, True),
        (NOOR, {"invitee": "internal"}, False),
        (INTERNAL, {"invitee": "internal"}, True),
        (HOSTLESS, {"invitee": "internal"}, False),
        (NOOR, {"utm_source": "Newsletter"}, True),
        (NOOR, {"utm_source": "newsletter", "utm_campaign": "other"}, False),
        (NOOR, {"utm_term": "x"}, False),
        (event("invitee.created", tracking=None), {"utm_source": "newsletter"}, False),
        (NOOR, {"answers": {"what would you like to discuss? ": "pricing for 40 SEATS"}}, True),
        (NOOR, {"answers": {"Which products do you use?": "Reports"}}, True),
        (NOOR, {"answers": {"Which products do you use?": "Core\nReports"}}, True),
        (NOOR, {"answers": {"Which products do you use?": "Billing"}}, False),
        (NOOR, {"answers": {"Which products do you use?": "Core", "Shoe size?": "41"}}, False),
        (event("invitee.created", questions_and_answers=None), {"answers": {"a": "b"}}, False),
        (event("invitee.canceled", email=None), {"invitee": "external"}, True),
        (FORM, {"routing_form": fixtures.FORM}, True),
        (FORM, {"routing_form": fixtures.NOTE}, False),
        (FORM, {"answers": {"Company size": "11-50"}, "utm_source": "google"}, True),
        (EVENT_TYPE, {"event_type": fixtures.INTRO_CALL, "host": fixtures.OWNER}, True),
        (EVENT_TYPE, {"host": fixtures.NOTE}, False),
    ],
)
def test_an_event_must_match_all_filters_and_these_cost_no_call(
    connect, unvisited, received, filters, matches
):
    assert match(connect(unvisited), received, [received.kind], filters) == ((received,) if matches else ())


def test_filters_are_about_the_new_booking_of_a_reschedule(connect, unvisited):
    other = event("invitee.created.rescheduled", tracking__utm_source="elsewhere")
    seen = KnownEvents(CANCELED, other)
    (rescheduled,) = match(connect(unvisited), other, [RESCHEDULED], {"utm_source": "elsewhere"}, seen=seen)
    assert rescheduled.payload["new"] == other.payload
    assert match(connect(unvisited), other, [RESCHEDULED], {"utm_source": "newsletter"}, seen=seen) == ()


@pytest.mark.parametrize(
    "filters", [{"event_type": "intro call"}, {"event_type": "intro"}, {"host": "ada@acme.example"}]
)
def test_filters_accept_names_instead_of_ids(sandbox, connect, filters):
    assert match(connect(sandbox), NOOR, ["invitee.created"], filters) == (NOOR,)


@pytest.mark.parametrize("name", ["No such type", "https://evil.example/event_types/x"])
def test_an_unknown_name_in_a_filter_is_rejected(sandbox, connect, name):
    with pytest.raises(InvalidParams, match="event_type"):
        match(connect(sandbox), NOOR, ["invitee.created"], {"event_type": name})


def test_a_group_filter_matches_hosts_who_are_members(sandbox, connect):
    connection = connect(sandbox)
    assert match(connection, NOOR, ["invitee.created"], {"group": fixtures.GROUP_NAME}) == (NOOR,)
    stranger = event("invitee.created", scheduled_event__event_memberships=[{"user": "https://x.example/u"}])
    assert match(connection, stranger, ["invitee.created"], {"group": fixtures.GROUP_NAME}) == ()
    assert match(connection, NOOR, ["invitee.created"], {"group": fixtures.GROUP}) == (NOOR,)


def test_first_time_matches_first_bookings_and_their_reschedules(make_sandbox, timer, connect):
    with make_sandbox(clock=timer) as sandbox:
        connection = connect(sandbox)
        cursor = connection.trigger(EVERY).poll().cursor
        timer.now += 600
        first = sandbox.book(email="first@client.example")["invitee"]["uri"]
        timer.now += 60
        moved = sandbox.reschedule(invitee=first)["invitee"]["uri"]
        timer.now += 60
        second = sandbox.book(email="first@client.example")["invitee"]["uri"]
        ids = {
            first_time: [
                one.id.partition(":")[2].rpartition("/")[2]
                for one in connection.trigger(EVERY, {"first_time": first_time}).poll(cursor).events
            ]
            for first_time in (True, False)
        }
    assert ids[True] == [first.rpartition("/")[2], moved.rpartition("/")[2]]
    assert ids[False] == [second.rpartition("/")[2]]


def test_a_filter_on_the_meeting_saves_reading_its_invitees(make_sandbox, timer, connect):
    with make_sandbox(clock=timer) as sandbox:
        connection = connect(sandbox)
        cursor = connection.trigger(EVERY).poll().cursor
        timer.now += 600
        for _ in range(5):
            sandbox.book()
        assert connection.trigger(EVERY, {"event_type": fixtures.NOTE}).poll(cursor).calls == 1
        assert connection.trigger(EVERY, {"event_type": fixtures.INTRO_CALL}).poll(cursor).calls == 6


# --- samples


@pytest.mark.parametrize("kind", manifest().triggers)
def test_every_event_has_a_sample_that_fits_its_schema(sandbox, connect, kind):
    for token in ("sandbox-owner", "sandbox-member", "sandbox-no-scopes"):
        trigger = connect(sandbox, token).trigger([kind])
        if token == "sandbox-no-scopes":
            trigger._matcher._identity = connect(sandbox).trigger([kind])._matcher.identity()
        sample = trigger.sample()
        assert sample.kind == kind
        assert explain(manifest().triggers[kind].payload, sample.payload) == []


def test_an_unknown_event_has_no_sample(connect, unvisited):
    with pytest.raises(InvalidParams, match="unknown event"):
        connect(unvisited).trigger(["invitee.moved"])
