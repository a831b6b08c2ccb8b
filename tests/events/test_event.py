import copy
import json
from typing import Any

import pytest
from calendly_connector.errors import UnexpectedAnswer
from calendly_connector.events.webhooks.event import read_event, write_event
from hypothesis import given
from hypothesis import strategies as st
from locations import PAYLOADS

BODIES = {
    file.stem: json.loads(file.read_bytes())
    for file in (PAYLOADS / "webhooks").glob("*.json")
    if file.stem != "signature-vectors"
}
API = "https://api.calendly.com"

each_body = pytest.mark.parametrize("name", sorted(BODIES))


def spoil(name: str, **at: Any) -> dict[str, Any]:
    """Return a reference body with some values replaced; `__` separates the steps of a path."""
    body = copy.deepcopy(BODIES[name])
    for path, value in at.items():
        *steps, last = path.split("__")
        place = body
        for step in steps:
            place = place[step]
        place[last] = value
    return body


def event_id(body: Any, **layout: Any) -> str:
    return read_event(json.dumps(body, **layout).encode()).id


@each_body
def test_an_event_has_the_values_of_its_body(name):
    body = BODIES[name]
    event = read_event(json.dumps(body).encode())
    assert event.kind == body["event"]
    assert event.created_at == body["created_at"]
    assert event.created_by == body["created_by"]
    assert event.payload == body["payload"]
    assert event.id.startswith(f"{event.kind}:")


@each_body
def test_the_id_is_the_same_for_every_delivery(name):
    body = BODIES[name]
    ids = {event_id(body), event_id(body), event_id(body, indent=2), event_id(body, sort_keys=True)}
    assert len(ids) == 1


@each_body
def test_the_id_depends_on_what_happened_not_on_the_bytes(name):
    assert ":sha256:" not in event_id(BODIES[name])


@each_body
def test_the_id_contains_no_personal_data(name):
    assert not any(word in event_id(BODIES[name]) for word in ("noor", "ada", "@acme", "example"))


def test_ids_of_different_occurrences_differ():
    ids = [event_id(body) for body in BODIES.values()]
    assert len(set(ids)) == len(ids)


def test_two_invitees_of_one_event_differ():
    first = BODIES["invitee.created"]
    uri = first["payload"]["uri"]
    second = spoil("invitee.created", payload__uri=f"{uri.rpartition('/')[0]}/another-invitee")
    assert event_id(first) != event_id(second)


def test_one_invitee_of_two_events_differs():
    moved = BODIES["invitee.created"]["payload"]["uri"].replace("0841fe7d", "00000000")
    assert event_id(BODIES["invitee.created"]) != event_id(spoil("invitee.created", payload__uri=moved))


@pytest.mark.parametrize("family", ["invitee", "contact", "event_type", "meeting_recap"])
def test_created_and_ended_differ_for_one_subject(family):
    created = BODIES[f"{family}.created"]
    ended = {**created, "event": f"{family}.{'canceled' if family == 'invitee' else 'deleted'}"}
    assert event_id(created) != event_id(ended)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("event_type.updated", "payload__updated_at"),
        ("contact.updated", "payload__contact__updated_at"),
        ("meeting_recap.updated", "payload__recap__updated_at"),
    ],
)
def test_two_updates_of_one_subject_differ(name, path):
    assert event_id(BODIES[name]) != event_id(spoil(name, **{path: "2027-01-01T00:00:00.000000Z"}))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("event_type.updated", "payload__updated_at"),
        ("contact.updated", "payload__contact__updated_at"),
        ("meeting_recap.updated", "payload__recap__updated_at"),
    ],
)
def test_two_updates_without_their_time_differ_by_their_bodies(name, path):
    one = spoil(name, **{path: None})
    other = {**one, "created_at": "2027-01-01T00:00:00.000000Z"}
    assert event_id(one) != event_id(other)


def test_an_event_that_happens_once_keeps_its_id_when_the_record_changes():
    later = spoil("invitee.created", payload__updated_at="2027-01-01T00:00:00.000000Z", payload__name="Else")
    assert event_id(later) == event_id(BODIES["invitee.created"])


def test_marking_a_no_show_again_is_another_event():
    again = spoil("invitee_no_show.created", payload__no_show__uri=f"{API}/invitee_no_shows/second")
    assert event_id(again) != event_id(BODIES["invitee_no_show.created"])


def test_unmarking_a_no_show_again_is_another_event():
    again = spoil("invitee_no_show.deleted", created_at="2027-01-01T00:00:00.000000Z")
    assert event_id(again) != event_id(BODIES["invitee_no_show.deleted"])


def test_a_no_show_does_not_change_the_id_of_other_events():
    marked = {"uri": f"{API}/invitee_no_shows/mark"}
    for name in ("invitee.created", "invitee.canceled", "invitee_no_show.deleted"):
        assert event_id(spoil(name, payload__no_show=marked)) == event_id(spoil(name, payload__no_show=None))


@pytest.mark.parametrize("key", ["contact", "recap"])
def test_a_payload_with_a_uri_is_its_own_subject(key):
    beside = {key: {"uri": f"{API}/contacts/beside"}}
    body = spoil("invitee.created")
    assert event_id({**body, "payload": {**body["payload"], **beside}}) == event_id(body)


@pytest.mark.parametrize("mark", [None, {}, {"uri": None}, {"uri": ""}, {"uri": "http://[x"}, "x"])
def test_no_shows_without_a_uri_still_differ_by_invitee(mark):
    one = spoil("invitee_no_show.created", payload__no_show=mark)
    uri = f"{API}/scheduled_events/x/invitees/another"
    other = spoil("invitee_no_show.created", payload__no_show=mark, payload__uri=uri)
    assert event_id(one) != event_id(other)


@pytest.mark.parametrize(
    "uri",
    [None, 5, "", [], {}, "http://[::1", "https://\u2100/x", "https://", "https://api.calendly.com/"],
    ids=repr,
)
@pytest.mark.parametrize("name", ["invitee.created", "invitee_no_show.deleted", "event_type.updated"])
def test_events_without_a_readable_uri_never_share_an_id(name, uri):
    one = spoil(name, payload__uri=uri)
    other = spoil(name, payload__uri=uri, payload__name="Somebody else")
    assert event_id(one) != event_id(other)
    assert event_id(one) == event_id(one)


@pytest.mark.parametrize("kind", ["", "x", "invitee.moved", "created", ".created", "a.b.c"])
def test_events_of_an_unknown_kind_have_different_ids(kind):
    one, other = ({"event": kind, "created_at": "t", "payload": {"n": number}} for number in (1, 2))
    assert event_id(one) == event_id(one)
    assert event_id(one) != event_id(other)


@pytest.mark.parametrize("created_by", [None, 5, {}, ["x"]])
def test_a_created_by_that_is_not_text_is_none(created_by):
    assert read_event(json.dumps(spoil("invitee.created", created_by=created_by)).encode()).created_by is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"event=invitee.created", "not JSON"),
        (b'{"event": NaN}', "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b'{"a":' * 200_000, "not JSON"),
        (b"null", "no payload"),
        (b"5", "no payload"),
        (b'"invitee.created"', "no payload"),
        (b"[]", "no payload"),
        (b"{}", "no payload"),
        (b'{"event": "invitee.created", "created_at": "t"}', "no payload"),
        (b'{"event": "invitee.created", "created_at": "t", "payload": []}', "no payload"),
        (b'{"event": "invitee.created", "created_at": "t", "payload": null}', "no payload"),
        (b'{"payload": {}, "created_at": "t"}', "no valid event and created_at"),
        (b'{"payload": {}, "event": null, "created_at": "t"}', "no valid event and created_at"),
        (b'{"payload": {}, "event": ["x"], "created_at": "t"}', "no valid event and created_at"),
        (b'{"payload": {}, "event": "x"}', "no valid event and created_at"),
        (b'{"payload": {}, "event": "x", "created_at": 5}', "no valid event and created_at"),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_a_body_without_an_event_is_rejected(body, why):
    with pytest.raises(UnexpectedAnswer, match=why):
        read_event(body)


json_values = st.recursive(
    st.none() | st.integers(-9, 9) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["uri", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)
payloads = st.dictionaries(
    st.sampled_from(["uri", "updated_at", "contact", "recap", "no_show"]), json_values, max_size=5
)


@given(
    st.sampled_from(
        ["invitee.created", "contact.updated", "meeting_recap.deleted", "invitee_no_show.created", "x"]
    ),
    payloads,
)
def test_any_payload_has_an_id(kind, payload):
    event = read_event(json.dumps({"event": kind, "created_at": "t", "payload": payload}).encode())
    assert event.id.startswith(f"{kind}:")
    assert event.id != f"{kind}:"
    assert not event.id.endswith("None")


@given(st.binary())
def test_random_bytes_are_rejected(body):
    with pytest.raises(UnexpectedAnswer):
        read_event(body)


@pytest.mark.parametrize("levels", [1, 90, 98, 99, 250, 900])
def test_every_readable_event_can_be_written_and_deeper_json_is_rejected(levels):
    body = (
        b'{"event":"invitee.created","created_at":"2026-11-17T10:00:00Z","payload":{"deep":'
        + b"[" * levels
        + b"]" * levels
        + b"}}"
    )
    if levels <= 98:
        assert write_event(read_event(body)).count(b"[") == levels
        return
    with pytest.raises(UnexpectedAnswer, match="more than 100 levels deep"):
        read_event(body)
