"""Polling finds the events that webhooks send, with the same ids, once."""

import base64
import json
import re
import zlib
from contextlib import contextmanager

import pytest
from calendly_connector.catalog.manifest import manifest
from calendly_connector.errors import InvalidParams, NoAnswer, PermissionDenied, UsageError
from calendly_connector.events.event_filter import EventFilter
from calendly_connector.events.polling import cursor
from calendly_connector.events.polling.context import unix, written
from calendly_connector.events.polling.poll import first
from calendly_connector.events.trigger import EventTrigger

BOOKINGS = ["invitee.created", "invitee.canceled", "invitee.rescheduled"]
MARKS = ["invitee_no_show.created", "invitee_no_show.deleted"]
HOUR, DAY = 3600, 86_400
TODAY = "2026-11-18T18"


class Poller:
    """Polls repeatedly, each time with the cursor of the last poll."""

    def __init__(self, connection, events, filters=None, *, include_raw_reschedules=False, **more):
        self.trigger = connection.trigger(events, filters, include_raw_reschedules=include_raw_reschedules)
        self.more = more
        self.cursor = ""
        self.calls = 0

    def poll(self, **more):
        polled = self.trigger.poll(self.cursor, **self.more | more)
        self.cursor, self.calls = polled.cursor, polled.calls
        assert polled.complete
        assert polled.warnings == ()
        return list(polled.events)

    def ids(self, **more):
        return [event.id for event in self.poll(**more)]


@pytest.fixture
def world(make_sandbox, timer, connect):
    """Yield a sandbox and a connection that share a clock."""
    with make_sandbox(clock=timer) as running:
        yield running, connect(running)


@pytest.fixture
def make_poller(world, timer):
    """Return a function that makes a poller that has polled once."""

    def make(events=BOOKINGS, **more):
        timer.now += HOUR  # a first poll also returns bookings of the same minute
        poller = Poller(world[1], events, **more)
        assert poller.poll() == []
        return poller

    return make


def path(uri):
    return uri.removeprefix("https://api.calendly.com/")


def test_the_first_poll_returns_nothing_and_the_next_what_happened(world, make_poller, timer):
    sandbox, _ = world
    poller = make_poller()
    booked = sandbox.book()["invitee"]["uri"]
    timer.now += HOUR
    assert poller.ids() == [f"invitee.created:{path(booked)}"]
    sandbox.cancel(invitee=booked)
    timer.now += HOUR
    assert poller.ids() == [f"invitee.canceled:{path(booked)}"]
    assert poller.ids() == []


def test_a_poll_without_changes_costs_only_the_pages_of_the_meetings(world, make_poller):
    poller = make_poller()
    poller.poll()
    assert poller.calls == 1
    world[0].book()
    poller.poll()
    assert poller.calls == 2


def test_bookings_and_cancellations_between_polls_are_returned_oldest_first(world, make_poller, timer):
    sandbox, _ = world
    poller = make_poller()
    booked = sandbox.book()["invitee"]["uri"]
    timer.now += 60
    sandbox.cancel(invitee=booked)
    assert poller.ids() == [f"invitee.created:{path(booked)}", f"invitee.canceled:{path(booked)}"]


def test_each_reschedule_of_a_chain_is_returned_and_no_half(world, make_poller, timer):
    sandbox, _ = world
    poller = make_poller()
    first = sandbox.book()["invitee"]["uri"]
    moved = []
    for _ in range(3):
        timer.now += 60
        last = moved[-1] if moved else first
        moved.append(sandbox.reschedule(invitee=last)["invitee"]["uri"])
    assert poller.ids() == [
        f"invitee.created:{path(first)}",
        *(f"invitee.rescheduled:{path(uri)}" for uri in moved),
    ]
    assert poller.ids() == []


def test_a_reschedule_contains_the_old_and_the_new_time(world, make_poller):
    sandbox, _ = world
    booked = sandbox.book()
    poller = make_poller()
    moved = sandbox.reschedule(invitee=booked["invitee"]["uri"])
    (event,) = poller.poll()
    old, new = event.payload["old"], event.payload["new"]
    assert old["uri"] == booked["invitee"]["uri"]
    assert old["scheduled_event"]["start_time"] == booked["event"]["start_time"]
    assert new["uri"] == moved["invitee"]["uri"]
    assert new["scheduled_event"]["start_time"] == moved["event"]["start_time"]


def test_the_halves_are_returned_if_reschedules_are_not_selected(world, make_poller):
    sandbox, _ = world
    booked = sandbox.book()["invitee"]["uri"]
    poller = make_poller(["invitee.created", "invitee.canceled"])
    moved = sandbox.reschedule(invitee=booked)["invitee"]["uri"]
    assert sorted(poller.ids()) == [f"invitee.canceled:{path(booked)}", f"invitee.created:{path(moved)}"]


def test_the_halves_are_returned_too_with_include_raw_reschedules(world, make_poller):
    sandbox, _ = world
    booked = sandbox.book()["invitee"]["uri"]
    poller = make_poller(BOOKINGS, include_raw_reschedules=True)
    sandbox.reschedule(invitee=booked)
    assert sorted(event.kind for event in poller.poll()) == sorted(BOOKINGS)


def test_several_invitees_of_a_meeting_are_distinguished(world, make_poller):
    sandbox, connection = world
    listed = connection.iterate("scheduled_events.list", {"organization": _organization(connection)})
    upcoming = (one for one in listed if one["start_time"] > TODAY)
    meeting = next(one for one in upcoming if one["invitees_counter"]["active"] > 1)
    one, other = connection.run("invitees.list", {"uuid": meeting["uri"]}).records[:2]
    poller = make_poller()
    sandbox.cancel(invitee=one["uri"])
    assert poller.ids() == [f"invitee.canceled:{path(one['uri'])}"]
    sandbox.cancel(invitee=other["uri"])
    assert poller.ids() == [f"invitee.canceled:{path(other['uri'])}"]


def test_no_shows_and_their_removal_are_found_after_the_meeting(world, make_poller, timer):
    sandbox, connection = world
    booked = sandbox.book()
    poller = make_poller(MARKS)
    timer.now = _end(booked) + 60
    assert poller.poll() == []
    no_show = connection.run("invitee_no_shows.create", {"invitee": booked["invitee"]["uri"]}).record
    timer.now += 10 * 60
    (event,) = poller.poll()
    assert event.id == f"invitee_no_show.created:{path(no_show['uri'])}"
    connection.run("invitee_no_shows.delete", {"uuid": no_show["uri"]})
    timer.now += 10 * 60
    (event,) = poller.poll()
    assert event.kind == "invitee_no_show.deleted"
    assert event.payload["uri"] == booked["invitee"]["uri"]


def test_no_shows_are_checked_in_growing_intervals(world, make_poller, timer):
    sandbox, _ = world
    booked = sandbox.book()
    poller = make_poller(MARKS)
    timer.now = _end(booked)
    sandbox.control("DELETE", "/requests")
    for _ in range(24 * 12):
        timer.now += 300
        poller.poll()
    asked = f"/{path(booked['event']['uri'])}/invitees"
    times = [one["at"] for one in sandbox.requests()["requests"] if one["path"] == asked]
    assert len(times) < 40
    assert times[1] - times[0] <= 600
    assert times[-1] - times[-2] >= 3 * HOUR


def _end(booked):
    return unix(booked["event"]["end_time"])


def test_all_other_events_are_found(world, make_poller, timer):
    sandbox, connection = world
    kinds = [kind for kind in manifest().triggers if not kind.startswith("invitee")]
    poller = make_poller(kinds)
    timer.now += HOUR
    sandbox.control("POST", "/submissions", {})
    recap = sandbox.control("POST", "/recaps", {"event": _past_event(connection)})["recap"]["uri"]
    contact = connection.run("contacts.create", {"name": "A", "emails": _mail("a@new.example")}).record["uri"]
    kind = connection.run("event_types.create", {"name": "Fresh", "duration": 15, "owner": _me(connection)})
    assert sorted(event.kind for event in poller.poll()) == [
        "contact.created",
        "event_type.created",
        "meeting_recap.created",
        "routing_form_submission.created",
    ]
    timer.now += HOUR
    connection.run("contacts.update", {"uuid": contact, "company": "New"})
    connection.run("event_types.update", {"uuid": kind.record["uri"], "name": "Fresher"})
    connection.run("meeting_recaps.update", {"uuid": recap, "summary_md": "Other"})
    assert sorted(poller.ids()) == sorted(
        f"{one}:{path(uri)}@{connection.run(f'{action}.get', {'uuid': uri}).record['updated_at']}"
        for one, action, uri in [
            ("contact.updated", "contacts", contact),
            ("event_type.updated", "event_types", kind.record["uri"]),
            ("meeting_recap.updated", "meeting_recaps", recap),
        ]
    )
    timer.now += HOUR
    connection.run("contacts.delete", {"uuid": contact})
    connection.run("meeting_recaps.delete", {"uuid": recap})
    assert sorted(poller.ids()) == [
        f"contact.deleted:{path(contact)}",
        f"meeting_recap.deleted:{path(recap)}",
    ]
    assert poller.ids() == []


def _mail(address):
    return [{"email": address, "is_primary": True}]


def _me(connection):
    return connection.run("users.me").record["uri"]


def _past_event(connection):
    listed = connection.iterate("scheduled_events.list", {"status": "active"})
    recapped = {one["event"] for one in connection.iterate("meeting_recaps.list")}
    past = [one["uri"] for one in listed if "2026-10-18" < one["end_time"] < "2026-11-18"]
    return next(uri for uri in past if uri not in recapped)


def test_contacts_are_read_only_as_far_as_they_changed(make_sandbox, timer, connect):
    with make_sandbox(clock=timer) as sandbox:
        connection = connect(sandbox)
        for number in range(250):
            address = f"c{number}@many.example"
            connection.run("contacts.create", {"name": f"C {number}", "emails": _mail(address)})
        timer.now += 3 * HOUR
        poller = Poller(connection, ["contact.created", "contact.updated"])
        poller.poll()
        timer.now += 3 * HOUR
        connection.run("contacts.create", {"name": "New", "emails": _mail("new@many.example")})
        assert [event.kind for event in poller.poll()] == ["contact.created"]
        assert poller.calls == 1


def test_a_first_poll_with_since_returns_what_happened_after_it(world, timer):
    sandbox, connection = world
    sandbox.book()
    timer.now += HOUR
    since = written(timer.now)
    old = sandbox.book()["invitee"]["uri"]
    timer.now += HOUR
    new = sandbox.book()["invitee"]["uri"]
    moved = sandbox.reschedule(invitee=old)["invitee"]["uri"]
    ids = [event.id for event in connection.trigger(BOOKINGS).poll(since=since).events]
    assert set(ids) == {
        f"invitee.created:{path(old)}",
        f"invitee.created:{path(new)}",
        f"invitee.rescheduled:{path(moved)}",
    }


def test_after_a_long_outage_nothing_is_missing(world, make_poller, timer):
    sandbox, _ = world
    poller = make_poller()
    booked = []
    for _ in range(20):
        booked.append(sandbox.book()["invitee"]["uri"])
        timer.now += 12 * HOUR
    assert sorted(poller.ids()) == sorted(f"invitee.created:{path(uri)}" for uri in booked)


def test_a_meeting_that_becomes_visible_later_is_not_new(world, timer):
    """For example, someone joins a group: its old bookings weren't made now."""
    sandbox, connection = world
    for _ in range(3):
        sandbox.book()
    timer.now += 3 * DAY
    polled = connection.trigger(BOOKINGS).poll()
    state = cursor.read(polled.cursor)
    for seen in state.seen.values():
        seen.clear()
    assert connection.trigger(BOOKINGS).poll(cursor.write(state)).events == ()


def test_a_failed_poll_is_repeated_from_the_same_cursor(world, make_poller):
    sandbox, _ = world
    poller = make_poller()
    booked = [sandbox.book()["invitee"]["uri"] for _ in range(3)]
    sandbox.fault("reset", path="/scheduled_events/", after=1, times=50)
    with pytest.raises(NoAnswer):
        poller.poll()
    sandbox.control("DELETE", "/faults")
    assert sorted(poller.ids()) == sorted(f"invitee.created:{path(uri)}" for uri in booked)


def test_an_incomplete_list_forgets_no_meeting(world, make_poller):
    """Meetings that were missing from a reply aren't new when they come back."""
    sandbox, _ = world
    poller = make_poller()
    sandbox.book()
    poller.poll()
    state = cursor.read(poller.cursor)
    sandbox.fault("empty_page", path="/scheduled_events", times=1)
    poller.poll()
    assert cursor.read(poller.cursor).seen.keys() == state.seen.keys()
    assert poller.ids() == []


class Lists:
    """A connection with these lists; those in `broken` are incomplete and empty."""

    def __init__(self, **lists):
        self.lists = {f"{name}.list": records for name, records in lists.items()}
        self.broken = set()

    def iterate(self, action, _params):
        is_broken = action in self.broken
        return Stream([] if is_broken else self.lists[action], complete=not is_broken)


class Stream(list):
    calls, warnings = 1, ()

    def __init__(self, records, *, complete):
        super().__init__(records)
        self.complete = complete


def test_an_incomplete_list_does_not_delay_events_of_other_kinds(timer):
    def record(kind, name):
        return {"uri": f"https://api.calendly.com/{kind}/{name}", "updated_at": "2026-11-01T00:00:00Z"}

    lists = Lists(contacts=[record("contacts", "C")], event_types=[record("event_types", "E")])
    kinds = ("contact.deleted", "event_type.deleted")
    trigger = EventTrigger(lists, EventFilter(kinds, kinds), timer)
    user, organization = (f"https://api.calendly.com/{kind}/X" for kind in ("users", "organizations"))
    known = cursor.Cursor(identity={"user": user, "organization": organization, "role": "user"})
    baseline = trigger.poll(cursor.write(known))
    timer.now += HOUR
    lists.lists["event_types.list"] = []
    lists.broken = {"contacts.list"}
    polled = trigger.poll(baseline.cursor)
    assert [event.id for event in polled.events] == ["event_type.deleted:event_types/E"]
    assert not polled.complete
    timer.now += HOUR
    lists.broken = set()
    assert trigger.poll(polled.cursor).events == ()


def test_the_scope_is_the_widest_that_the_token_may_see(make_sandbox, timer, connect):
    with make_sandbox(clock=timer) as sandbox:
        owner, member = connect(sandbox), connect(sandbox, "sandbox-member")
        owners, members = Poller(owner, BOOKINGS), Poller(member, BOOKINGS)
        owners.poll()
        members.poll()
        offers = owner.iterate("event_types.list", {"organization": _organization(owner)})
        for offer in offers:
            if offer["kind"] == "solo" and offer["active"]:
                sandbox.book(event_type=offer["uri"])
        all_ids, member_ids = owners.ids(), members.ids()
        assert 0 < len(member_ids) < len(all_ids)
        assert set(member_ids) < set(all_ids)


def test_without_a_known_role_only_the_users_events_are_polled(make_sandbox, timer, connect):
    with make_sandbox(clock=timer) as sandbox:
        sandbox.control(
            "POST", "/tokens", {"name": "narrow", "scopes": ["users:read", "scheduled_events:read"]}
        )
        poller = Poller(connect(sandbox, "narrow"), BOOKINGS)
        poller.poll()
        timer.now += HOUR
        booked = sandbox.book()["invitee"]["uri"]
        assert poller.ids() == [f"invitee.created:{path(booked)}"]
        assert cursor.read(poller.cursor).identity["role"] is None


def _organization(connection):
    return connection.run("users.me").record["current_organization"]


def test_a_scope_that_the_token_may_not_see_is_rejected(make_sandbox, timer, connect):
    with make_sandbox(clock=timer) as sandbox:
        with pytest.raises(InvalidParams, match="for admins and owners"):
            connect(sandbox, "sandbox-member").trigger(["routing_form_submission.created"]).poll()
        with pytest.raises(PermissionDenied):
            connect(sandbox, "sandbox-member").trigger(["invitee.created"]).poll(scope="organization")


def test_a_named_group_is_polled(world, make_poller):
    sandbox, connection = world
    group = next(iter(connection.iterate("groups.list", {"organization": _organization(connection)})))
    poller = make_poller(["invitee.created"], group=group["name"])
    booked = sandbox.book()["invitee"]["uri"]  # with the owner, who belongs to it
    assert poller.ids() == [f"invitee.created:{path(booked)}"]
    with pytest.raises(InvalidParams, match="group can't be polled"):
        connection.trigger(["event_type.created"]).poll(group=group["uri"])


@pytest.mark.parametrize("text", ["x", "AAAA", "e30=", "\0", "é", cursor.write(cursor.Cursor(1.0))[:-4]])
def test_an_invalid_cursor_is_rejected_before_the_network(connect, unvisited, text):
    with pytest.raises(UsageError, match="Invalid cursor"):
        connect(unvisited).trigger(BOOKINGS).poll(text)


def test_a_cursor_of_an_earlier_release_is_read():
    saved = {
        "version": 1,
        "at": 1_795_000_000.0,
        "reach": {"user": "u", "organization": "o", "role": "owner"},
        "seen": {"organization x invitee": {"k": [1.0, "m", None, 0]}},
        "joined": {"r": 1_794_999_000.0},
        "told": ["e"],
        "since": None,
    }
    text = base64.b64encode(zlib.compress(json.dumps(saved).encode())).decode()
    read = cursor.read(text)
    assert (read.at, read.identity, read.seen) == (saved["at"], saved["reach"], saved["seen"])
    assert (read.rescheduled, read.delivered, read.since) == (saved["joined"], saved["told"], None)
    again = json.loads(zlib.decompress(base64.b64decode(cursor.write(read))))
    assert again == saved


def test_a_cursor_of_a_newer_version_is_rejected(connect, unvisited, monkeypatch):
    monkeypatch.setattr(cursor, "_VERSION", 2)
    text = cursor.write(cursor.Cursor(1.0))
    monkeypatch.undo()
    with pytest.raises(UsageError, match="newer version"):
        connect(unvisited).trigger(BOOKINGS).poll(text)


def test_a_cursor_contains_no_personal_data_and_no_token(world, make_poller):
    sandbox, _ = world
    poller = make_poller([*manifest().triggers])
    sandbox.book(name="Robin Example", email="robin@client.example")
    poller.poll()
    plain = zlib.decompress(base64.b64decode(poller.cursor)).decode()
    assert not re.search(r"robin|@client|sandbox-owner", plain, re.IGNORECASE)
    assert json.loads(plain)["version"] == 1


def test_a_cursor_of_a_busy_company_stays_small(make_sandbox, timer, connect):
    """There are thousands of future meetings."""
    with make_sandbox(clock=timer, events=20_000, users=40) as sandbox:
        poller = Poller(connect(sandbox), BOOKINGS)
        poller.poll()
        seen = cursor.read(poller.cursor).seen
        (meetings,) = seen.values()
        assert len(meetings) > 3_000
        assert len(poller.cursor) < 60 * len(meetings)


@contextmanager
def _rejected(message):
    with pytest.raises(InvalidParams, match=message):
        yield


@pytest.mark.parametrize(
    ("events", "filters", "message"),
    [
        ([], {}, "at least one event is required"),
        (["invitee.moved"], {}, "unknown event 'invitee.moved'"),
        (["invitee.created"], {"colour": "blue"}, "isn't a filter of invitee.created"),
        (["contact.created"], {"host": "x"}, "Available: none"),
        (["invitee.created"], {"invitee": "strange"}, "must be one of internal, external"),
        (
            ["invitee.created"],
            {"event_type": "https://evil.example/event_types/x"},
            "a host other than",
        ),
        (["invitee.created"], {"host": ""}, "at least 1"),
    ],
)
def test_unknown_events_and_filters_are_rejected_before_the_network(
    connect, unvisited, events, filters, message
):
    with _rejected(message):
        connect(unvisited).trigger(events, filters)


def test_an_invalid_since_is_rejected(world):
    with _rejected("must be a UTC time"):
        world[1].trigger(BOOKINGS).poll(since="yesterday")


# --- hosts that accept only the first events of a poll


def parts(connection, events, saved, count, **more):
    """Yield the ids of each poll of a host that accepts `count` events at a time, until a poll is empty."""
    while (
        polled := first(connection.trigger(events).poll(saved, **more), count, saved, more.get("since"))
    ).events:
        yield [event.id for event in polled.events]
        saved = polled.cursor


def test_the_next_poll_returns_the_rest_and_nothing_twice(world, make_poller, timer):
    sandbox, connection = world
    poller = make_poller()
    for _ in range(5):
        sandbox.book()
    timer.now += HOUR
    text, expected = poller.cursor, poller.ids()
    polls = parts(connection, BOOKINGS, text, 2)
    returned = [*next(polls), *next(polls)]
    assert returned == expected[:4]
    new = sandbox.book()["invitee"]["uri"]
    assert [*next(polls)] == [expected[4], f"invitee.created:{path(new)}"]
    assert list(polls) == []


def test_the_rest_of_a_first_poll_starts_at_its_since(world, timer):
    sandbox, connection = world
    since = written(timer.now)
    booked = {f"invitee.created:{path(sandbox.book()['invitee']['uri'])}" for _ in range(3)}
    text, returned = "", []
    for _ in range(3):
        polled = first(connection.trigger(BOOKINGS).poll(text, since=since), 1, text, since)
        returned += [event.id for event in polled.events]
        timer.now += HOUR
        text, since = polled.cursor, written(timer.now)
    assert {*returned} == booked
    assert connection.trigger(BOOKINGS).poll(text, since=since).events == ()


def test_events_whose_id_ends_with_the_time_of_the_poll_are_not_returned_twice(world, make_poller, timer):
    sandbox, connection = world
    booked = [sandbox.book() for _ in range(2)]
    poller = make_poller(MARKS)
    timer.now = max(map(_end, booked)) + 60
    invitees = [one["invitee"]["uri"] for one in booked]
    no_shows = [connection.run("invitee_no_shows.create", {"invitee": uri}).record["uri"] for uri in invitees]
    timer.now += 6 * HOUR
    assert len(poller.poll()) == 2
    for uri in no_shows:
        connection.run("invitee_no_shows.delete", {"uuid": uri})
    timer.now += 6 * HOUR
    text, returned = poller.cursor, []
    for _ in range(2):
        polled = first(connection.trigger(MARKS).poll(text), 1, text)
        returned += [event.payload["uri"] for event in polled.events]
        text = polled.cursor
        timer.now += 60
    assert sorted(returned) == sorted(invitees)
    assert connection.trigger(MARKS).poll(text).events == ()


def test_a_delivered_reschedule_is_not_returned_with_the_rest(world, make_poller, timer):
    sandbox, connection = world
    moved = sandbox.book()
    poller = make_poller()
    sandbox.reschedule(invitee=moved["invitee"]["uri"])
    timer.now += 60
    sandbox.book()
    timer.now += HOUR
    text, expected = poller.cursor, poller.ids()
    assert len(expected) == 2
    assert [one for poll in parts(connection, BOOKINGS, text, 1) for one in poll] == expected


def test_accepting_all_events_keeps_the_cursor_of_the_poll(world, make_poller):
    sandbox, connection = world
    poller = make_poller()
    sandbox.book()
    polled = connection.trigger(BOOKINGS).poll(poller.cursor)
    assert first(polled, 1, poller.cursor) is polled
