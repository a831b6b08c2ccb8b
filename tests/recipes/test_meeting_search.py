"""Which meeting somebody means: every kind of description, hostile ones, and several that fit."""

from zoneinfo import ZoneInfo

import pytest
from calendly_connector.errors import AmbiguousMeeting, InvalidParams
from calendly_connector.recipes import meeting_search
from hypothesis import given
from hypothesis import strategies as st

API = "https://api.calendly.com/scheduled_events"
EVENT, INVITEE = "0841fe7d-3e7e-50d2-b88d-11f826a41ca2", "499876d8-c80c-54dc-934e-55c5a4ab78c4"
OTHER_EVENT, OTHER_INVITEE = "06f3e6c9-0064-5f43-b09e-f234753ee816", "21fb05ff-9fb1-54c4-849d-adf4aa47e6b6"
SECOND_INVITEE = "AAAAAAAAAAAAAAAA"


def row(event, invitee, name, email, start="2026-11-25T08:00:00Z", local="2026-11-25 09:00"):
    return {
        "event": f"{API}/{event}",
        "uri": f"{API}/{event}/invitees/{invitee}",
        "start_time": start,
        "start_local": local,
        "timezone": "Europe/Berlin",
        "name": "Workshop",
        "status": "active",
        "invitee_name": name,
        "invitee_email": email,
        "host_name": "Ada Okafor",
    }


NOOR = row(EVENT, INVITEE, "Noor van Dijk", "noor@client.example")
ZOE = row(EVENT, SECOND_INVITEE, "Zoë Noor", "zoe@client.example")
LATER = row(
    OTHER_EVENT,
    OTHER_INVITEE,
    "Noor van Dijk",
    "noor@client.example",
    "2026-11-26T12:30:00Z",
    "2026-11-26 13:30",
)
ROWS = [NOOR, ZOE, LATER]


def fitting(text, rows=ROWS):
    description = meeting_search.describe("bookings.cancel", text)
    return [one for one in rows if description.fits(one)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("noor@client.example", [NOOR, LATER]),
        (" NOOR@Client.example ", [NOOR, LATER]),
        ("noor", ROWS),
        ("dijk noor", [NOOR, LATER]),
        ("ZOË", [ZOE]),
        ("2026-11-25 09:00", [NOOR, ZOE]),
        ("2026-11-25T09:00", [NOOR, ZOE]),
        ("2026-11-25T08:00:00Z", [NOOR, ZOE]),
        ("2026-11-25T10:00:00+02:00", [NOOR, ZOE]),
        ("2026-11-26", [LATER]),
        (EVENT, [NOOR, ZOE]),
        (INVITEE, [NOOR]),
        (SECOND_INVITEE, [ZOE]),
        (f"{API}/{EVENT}", [NOOR, ZOE]),
        (f"{API}/{EVENT}/invitees/{SECOND_INVITEE}", [ZOE]),
        (f"https://calendly.com/cancellations/{INVITEE}", [NOOR]),
        (f"https://calendly.com/reschedulings/{OTHER_INVITEE}?utm=x", [LATER]),
        (f"https://calendly.com/events/{OTHER_EVENT}/google_meet", [LATER]),
        ("Bob", []),
        ("2026-11-27", []),
        ("0" * 16, []),
    ],
)
def test_a_description_fits_the_meetings_that_it_says_something_about(text, expected):
    assert fitting(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "https://calendly.com/ada-okafor/intro",
        "https://evil.example/cancellations/" + INVITEE,
        "https://calendly.com.evil.example/cancellations/" + INVITEE,
        "https://api.calendly.com/users/" + EVENT,
        "javascript://x",
        "2026-13-01",
        "2026-11-25 9:00",
        "2026-11-25 25:00",
        "9999-12-31",
        "0001-01-01",
    ],
)
def test_what_can_be_no_meeting_is_rejected(text):
    with pytest.raises(InvalidParams) as caught:
        meeting_search.describe("bookings.cancel", text)
    assert [problem.path for problem in caught.value.problems] == ["what"]


@given(st.text(max_size=60))
def test_any_text_is_read_or_rejected(text):
    try:
        description = meeting_search.describe("bookings.cancel", text)
    except InvalidParams:
        return
    description.period(ZoneInfo("Europe/Berlin"))
    assert [one for one in ROWS if description.fits(one)] == fitting(text)


def test_both_local_times_of_the_hour_that_occurs_twice_fit():
    first = row(EVENT, INVITEE, "A", "a@client.example", "2027-10-31T00:30:00Z", "2027-10-31 02:30 CEST")
    second = row(
        OTHER_EVENT, OTHER_INVITEE, "B", "b@client.example", "2027-10-31T01:30:00Z", "2027-10-31 02:30 CET"
    )
    assert fitting("2027-10-31 02:30", [first, second]) == [first, second]
    assert fitting("2027-10-31T01:30:00Z", [first, second]) == [second]


def test_a_day_has_its_true_length_when_the_clocks_change():
    zone = ZoneInfo("Europe/Berlin")
    for day, hours in (("2027-03-28", 23), ("2027-10-31", 25), ("2027-05-05", 24)):
        start, end = meeting_search.describe("bookings.cancel", day).period(zone)
        assert end.timestamp() - start.timestamp() == hours * 3600


def only_one(what, rows, **more):
    return meeting_search.only_one(
        "bookings.cancel", what, rows, ROWS, **({"by": "event", "fix": "Look."} | more)
    )


def test_several_invitees_of_one_event_are_one_meeting_but_two_people():
    assert only_one("x", [NOOR, ZOE]) == [NOOR, ZOE]
    with pytest.raises(AmbiguousMeeting):
        only_one("x", [NOOR, ZOE], by="uri")


def test_several_meetings_are_candidates_as_data():
    with pytest.raises(AmbiguousMeeting) as caught:
        only_one("noor", ROWS)
    data = caught.value.to_dict()
    assert data["code"] == "ambiguous_meeting"
    assert [one["uri"] for one in data["candidates"]] == [one["uri"] for one in ROWS]
    assert data["candidates"][0] == {**NOOR}
    assert "2026-11-26 13:30 Workshop with Noor van Dijk <noor@client.example>" in data["message"]


def test_nothing_that_fits_suggests_the_nearest_name():
    with pytest.raises(InvalidParams) as caught:
        only_one("Noor van Dyk", [])
    assert caught.value.problems[0].nearest == "Noor van Dijk"
    assert caught.value.fix == "Look."
