"""The generated world: reproducible by seed, consistent, and fast at any size."""

import itertools
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest
from calendly_connector.sandbox.world import bookings, event_generator, factory, fixtures, times
from calendly_connector.sandbox.world.ids import Ids, Rng
from calendly_connector.sandbox.world.listings import (
    EventListing,
    EventQuery,
    InMemoryListing,
    sorted_listing,
)
from calendly_connector.sandbox.world.population import LARGE, SMALL

ANCHOR = date(2026, 11, 17)
NOW = times.from_day(ANCHOR) + 9 * times.HOUR


def create_world(*, seed=3, events=400, users=7, anchor=ANCHOR, origin="https://api.calendly.com", **more):
    return factory.create_world(
        seed=seed, events=events, users=users, anchor=times.from_day(anchor), origin=origin, **more
    )


def everything(world):
    numbers = range(world.next_number())
    return orjson.dumps(
        [
            [world.event(number) for number in numbers],
            [world.invitees(number) for number in numbers],
            [member.user for member in world.population.members],
            [member.membership for member in world.population.members],
            [event_type.record for event_type in world.population.event_types],
            [subscription.record for subscription in world.subscriptions.values()],
        ]
    )


def keys(world, **query):
    return list(EventListing(world, EventQuery(LARGE, **query)).walk(None, backwards=False))


def test_the_same_seed_generates_the_same_world_and_another_seed_another():
    assert everything(create_world()) == everything(create_world())
    assert everything(create_world()) != everything(create_world(seed=4))


def test_more_event_types_change_nothing_else():
    usual, larger = create_world(), create_world(more_event_types=1200)
    assert everything(usual) == everything(larger)
    before, after = usual.population.event_types_by_id, larger.population.event_types_by_id
    assert before.keys() < after.keys()
    more = [after[uuid].record for uuid in after.keys() - before.keys()]
    assert {record["name"] for record in more} == {f"Consultation {n:05}" for n in range(1, 1201)}
    assert len({record["scheduling_url"] for record in more}) == 1200


def test_moving_the_anchor_by_weeks_moves_every_event_equally():
    first, later = create_world(), create_world(anchor=ANCHOR + timedelta(weeks=3))
    for number in range(0, first.next_number(), 37):
        shift = times.parse(later.event(number)["start_time"]) - times.parse(
            first.event(number)["start_time"]
        )
        assert shift == 21 * times.DAY


@pytest.mark.parametrize("anchor", [ANCHOR + timedelta(days=day) for day in range(7)])
@pytest.mark.parametrize("events", [2, 3, 17, 5000])
def test_events_are_numbered_by_start_for_any_weekday_of_the_anchor(anchor, events):
    world = create_world(anchor=anchor, events=events)
    starts = [world.generator.start(number) for number in range(world.generator.count)]
    assert starts == sorted(starts)
    past = sum(start < times.from_day(anchor) for start in starts)
    assert past == world.generator.count * 80 // 100
    if starts:
        assert starts[0] >= times.from_day(anchor) - 732 * times.DAY
        assert starts[-1] <= times.from_day(anchor) + 63 * times.DAY


def test_the_large_organization_has_exactly_the_requested_number_of_events():
    assert len(keys(create_world(events=123))) == 123
    small = EventListing(create_world(events=123), EventQuery(SMALL))
    assert len(list(small.walk(None, backwards=False))) == 3


def test_every_event_is_consistent():
    world = create_world(events=1500)
    users = {member.user["uri"]: member.user for member in world.population.members}
    event_types = {event_type.record["uri"]: event_type for event_type in world.population.event_types}
    seen = {"canceled": 0, "group": 0, "no location": 0, "two hosts": 0}
    for number in range(world.next_number()):
        event, invitees = world.event(number), world.invitees(number)
        active = [invitee for invitee in invitees if invitee["status"] == "active"]
        event_type = event_types[event["event_type"]]
        canceled = event["status"] == "canceled"
        assert world.is_canceled(number) == canceled
        assert ("cancellation" in event) == canceled
        assert event["invitees_counter"] == {
            "total": len(invitees),
            "active": len(active),
            "limit": event_type.seats,
        }
        assert bool(active) != canceled
        assert len(invitees) <= event_type.seats
        assert len({invitee["email"] for invitee in invitees}) == len(invitees)
        for invitee in invitees:
            assert invitee["event"] == event["uri"]
            assert ("cancellation" in invitee) == (invitee["status"] == "canceled")
            assert invitee["email"].endswith(".example")
            assert invitee["created_at"] <= invitee["updated_at"]
        for host in event["event_memberships"]:
            assert users[host["user"]]["email"] == host["user_email"]
            assert host["buffered_start_time"] <= event["start_time"]
            assert host["buffered_end_time"] >= event["end_time"]
        assert event["created_at"] < event["start_time"] < event["end_time"]
        assert event["created_at"] <= event["updated_at"]
        assert event_type.record["created_at"] < event["created_at"]
        seen["canceled"] += canceled
        seen["group"] += len(invitees) > 1
        seen["no location"] += event["location"] is None
        seen["two hosts"] += len(event["event_memberships"]) == 2
    assert 0.05 < seen["canceled"] / 1500 < 0.11
    assert min(seen.values()) > 5


def test_some_event_types_have_null_fields():
    records = [event_type.record for event_type in create_world().population.event_types]
    for field in ("profile", "locations", "slug", "description_html", "start_time_increment"):
        assert any(record[field] is None for record in records), field
    assert {record["kind"] for record in records} == {"solo", "group"}
    assert {record["active"] for record in records} == {True, False}


def test_emails_and_ids_are_unique():
    world = create_world(users=3000, events=2)
    users = [member.user for member in world.population.members]
    assert len({user["email"] for user in users}) == len(users)
    assert len({member.uuid for member in world.population.members}) == len(users)
    event_types = world.population.event_types
    assert len({event_type.uuid for event_type in event_types}) == len(event_types)


def test_persons_are_found_by_email():
    for person in (0, 1, 63, 64, 4095, 4096, 131_071):
        assert event_generator.person_by_email(event_generator.person_email(person).upper()) == person
    for mail in ("noor@client.example", "abena.abara@gmail.example", "", "abena@alder.example", "@"):
        assert event_generator.person_by_email(mail) is None


def test_only_generated_ids_are_decoded():
    ids = Ids(5)
    for number in (0, 1, 999_999, 2**40):
        uuid = ids.make("event", number)
        assert ids.number("event", uuid) == number
        assert ids.number("invitee", uuid) is None
        assert Ids(6).number("event", uuid) is None
        assert ids.number("event", uuid.upper()) is None
        assert ids.number("event", uuid.replace("-", "")) is None
        assert uuid[14] == "4"
        assert uuid[19] in "89ab"
    for text in ("", "me", "0841fe7d-3e7e-50d2-b88d-11f826a41ca2", "-" * 36, "g" * 36, "0x" + "0" * 34):
        assert ids.number("event", text) is None


def test_an_id_beyond_the_last_event_is_unknown():
    world = create_world(events=50)
    assert world.event_number(world.ids.make("event", world.next_number())) is None
    assert world.find_invitee(world.ids.make("invitee", world.next_number() * 8)) is None
    assert world.find_invitee(world.ids.make("invitee", 7)) is None
    assert world.event_number("nonsense") is None
    assert world.find_invitee("nonsense") is None


def test_random_choices_are_uniform_and_reproducible():
    draws = [Rng("x", number).below(6) for number in range(6000)]
    assert draws == [Rng("x", number).below(6) for number in range(6000)]
    assert all(900 < draws.count(value) < 1100 for value in range(6))


def test_the_fixtures_match_the_documentation():
    world = create_world()
    active = world.event(world.event_number(fixtures.ACTIVE_EVENT))
    assert active["start_time"] == "2026-11-24T13:00:00.000000Z"
    assert active["location"]["type"] == "zoom"
    canceled = world.event(world.event_number(fixtures.CANCELED_EVENT))
    assert canceled["start_time"] == "2026-11-19T09:00:00.000000Z"
    assert canceled["cancellation"]["reason"] == "Sick today"
    assert world.find_invitee(fixtures.ACTIVE_INVITEE) == (world.event_number(fixtures.ACTIVE_EVENT), 0)
    owner = world.member(fixtures.OWNER)
    assert (owner.user["name"], owner.role) == ("Ada Okafor", "owner")
    assert world.subscriptions[fixtures.DISABLED_WEBHOOK].record["state"] == "disabled"


QUERIES = [
    {},
    {"canceled": True},
    {"canceled": False},
    {"hosts": frozenset({2})},
    {"hosts": frozenset({0, 1, 2, 3})},
    {"hosts": frozenset({2}), "canceled": True},
    {"since": times.from_day(date(2026, 3, 2)), "before": times.from_day(date(2026, 11, 25))},
    {"email": "noor@client.example"},
    {"hosts": frozenset({99})},
    {"since": times.from_day(date(2030, 1, 1))},
    {"since": times.from_day(date(2026, 6, 1)), "before": times.from_day(date(2026, 1, 1))},
]


@pytest.mark.parametrize("query", QUERIES, ids=repr)
@pytest.mark.parametrize("descending", [False, True])
def test_listings_match_a_full_scan_from_any_row_in_both_directions(query, descending):
    world = create_world()
    bookings.cancel(world, NOW, 20, range(len(world.invitees(20))), reason=None, canceler_type="host")
    event_query = EventQuery(LARGE, descending=descending, **query)
    listing = EventListing(world, event_query)
    found = list(listing.walk(None, backwards=False))

    def fits(number):
        event = world.event(number)
        start = times.parse(event["start_time"])
        return (
            world.organization_of(number) == LARGE
            and (event_query.canceled is None or event_query.canceled == (event["status"] == "canceled"))
            and (event_query.hosts is None or event_query.hosts & set(world.hosts(number)))
            and (event_query.since is None or start >= event_query.since)
            and (event_query.before is None or start < event_query.before)
            and (
                event_query.email is None
                or any(row["email"] == event_query.email for row in world.invitees(number))
            )
        )

    scan = [
        (times.parse(world.event(number)["start_time"]), number)
        for number in range(world.next_number())
        if fits(number)
    ]
    assert found == sorted(scan, reverse=descending)
    assert list(listing.walk(None, backwards=True)) == found[::-1]
    for index in range(0, len(found), 29):
        assert list(listing.walk(found[index], backwards=False)) == found[index + 1 :]
        assert list(listing.walk(found[index], backwards=True)) == found[:index][::-1]


def test_all_events_of_a_person_are_found():
    world = create_world(events=2000)
    for number in (5, 700, 1900):
        for invitee in world.invitees(number):
            found = [key[1] for key in keys(world, email=invitee["email"].upper())]
            scan = [
                other
                for other in range(world.generator.count)
                if any(row["email"] == invitee["email"] for row in world.invitees(other))
            ]
            assert found == scan
            assert number in found


def test_in_memory_listings_walk_both_ways_and_sort_by_several_fields():
    rows = [{"name": "b", "position": 1}, {"name": "A", "position": 2}, {"name": "a", "position": 1}]
    listing = InMemoryListing(rows)
    assert list(listing.walk(None, backwards=False)) == [(0,), (1,), (2,)]
    assert list(listing.walk((1,), backwards=False)) == [(2,)]
    assert list(listing.walk((2,), backwards=True)) == [(1,), (0,)]
    assert list(InMemoryListing([]).walk(None, backwards=True)) == []
    ordered = sorted_listing(rows, [("name", False), ("position", True)])
    assert [ordered.record((index,)) for index in range(3)] == [rows[1], rows[2], rows[0]]


def test_a_million_events_start_quickly_and_page_without_a_scan():
    world = create_world(events=1_000_000, users=300)
    listing = EventListing(world, EventQuery(LARGE, canceled=True, descending=True))
    page = list(itertools.islice(listing.walk(None, backwards=False), 100))
    assert len(page) == 100
    assert page == sorted(page, reverse=True)
    assert world.event(999_000)["uri"] != world.event(999_001)["uri"]
    assert "_by_person" not in vars(world.generator)  # no index was built


def booking(world, **changes):
    event_type = world.population.event_types_by_id[fixtures.INTRO_CALL]
    start = bookings.free_start(world, NOW)
    return bookings.Booking(
        **{"event_type": event_type, "hosts": (0,), "start": start, "name": "N", "email": "n@x.example"}
        | changes
    )


def test_a_booked_event_behaves_like_a_generated_one():
    world = create_world()
    before, version = len(keys(world)), world.version
    ref = bookings.book(world, NOW, booking(world, answers=("One", "Two")))
    event, invitee = world.event(ref.event), world.invitees(ref.event)[0]
    assert world.version > version
    assert len(keys(world)) == before + 1
    assert world.event_number(event["uri"].rpartition("/")[2]) == ref.event
    assert world.find_invitee(invitee["uri"].rpartition("/")[2]) == ref
    assert set(world.event(0)) - set(event) <= {"calendar_event", "cancellation"}
    assert [answer["answer"] for answer in invitee["questions_and_answers"]] == ["One", "Two"]
    assert bookings.free_start(world, NOW) == booking(world).start


def test_canceling_one_of_several_invitees_leaves_the_event_active():
    world = create_world()
    number = next(
        n for n in range(world.generator.count) if len(world.invitees(n)) > 1 and not world.is_canceled(n)
    )
    count = len(world.invitees(number))
    bookings.cancel(world, NOW, number, [0], reason="Ill", canceler_type="invitee")
    event = world.event(number)
    assert (event["status"], event["invitees_counter"]["active"]) == ("active", count - 1)
    assert world.invitees(number)[0]["cancellation"]["canceled_by"] == world.invitees(number)[0]["name"]
    canceled = bookings.cancel(world, NOW, number, range(count), reason=None, canceler_type="host")
    assert [ref.position for ref in canceled] == list(range(1, count))
    event = world.event(number)
    assert (event["status"], event["invitees_counter"]["active"]) == ("canceled", 0)
    assert event["cancellation"]["canceler_type"] == "host"
    with pytest.raises(bookings.NotPossibleError):
        bookings.cancel(world, NOW, number, range(count), reason=None, canceler_type="host")


def test_a_reschedule_links_the_old_and_new_invitee():
    world = create_world()
    old = world.find_invitee(fixtures.ACTIVE_INVITEE)
    new = bookings.reschedule(world, NOW, old, NOW + 30 * times.DAY)
    before, after = world.invitees(old.event)[0], world.invitees(new.event)[0]
    assert (before["status"], before["rescheduled"]) == ("canceled", True)
    assert (before["new_invitee"], after["old_invitee"]) == (after["uri"], before["uri"])
    assert (after["rescheduled"], after["status"]) == (False, "active")
    assert after["tracking"] == before["tracking"]
    assert world.event(old.event)["status"] == "canceled"
    assert world.event(new.event)["event_memberships"][0]["user"].endswith(fixtures.OWNER)
    with pytest.raises(bookings.NotPossibleError):
        bookings.reschedule(world, NOW, old, NOW)


def test_an_event_type_without_locations_books_without_a_location():
    world = create_world()
    event_type = next(
        event_type for event_type in world.population.event_types if event_type.record["locations"] is None
    )
    ref = bookings.book(world, NOW, booking(world, event_type=event_type, hosts=(1,)))
    assert world.event(ref.event)["location"] is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.5z", 500_000),
        ("1970-01-01t01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.1234567Z", 123_456),
        ("1969-12-31T23:59:59.999999Z", -1),
    ],
)
def test_valid_times_are_parsed(text, moment):
    assert times.parse(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01 00:00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-01-01T24:00:01Z",
        "1970-01-01T00:00:00Z\n",
        "0000-01-01T00:00:00Z",
        "20260101T000000Z",
        "١٩٧٠-01-01T00:00:00Z",
    ],
)
def test_invalid_times_are_rejected(text):
    with pytest.raises(ValueError, match=r"."):
        times.parse(text)


def test_times_have_six_fraction_digits():
    moment = datetime(2026, 11, 17, 15, 21, 40, 5, tzinfo=UTC)
    assert times.isoformat(times.from_unix(moment.timestamp())) == "2026-11-17T15:21:40.000005Z"
    assert times.to_day(times.from_day(ANCHOR) - 1) == ANCHOR - timedelta(days=1)
