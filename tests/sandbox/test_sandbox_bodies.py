"""Validation of bodies: one error names the paths of all problems."""

import orjson
import pytest
from calendly_connector.sandbox.api import body_schema as rules
from calendly_connector.sandbox.api.body_schema import BodyField, BodySchema, read_body
from calendly_connector.sandbox.api.parameters import Parameter, id_of, read_query, text
from calendly_connector.sandbox.errors import detail
from sandbox_client import OWNER, PUBLIC, serving

ORIGINS = frozenset({PUBLIC})


def read(form, body):
    values, wrong = read_body(form, body, ORIGINS)
    return values, {one.get("parameter"): one["message"] for one in wrong}


def assert_rejected(rule, value):
    with pytest.raises(ValueError, match=r"must") as caught:
        rule(value, ORIGINS)
    return str(caught.value)


def test_fields_are_required_nullable_or_optional():
    form = BodySchema(
        (BodyField("a", rules.integer(1, 5), required=True), BodyField("b", rules.integer(), nullable=True))
    )
    assert read(form, {}) == ({}, {"a": "is required"})
    assert read(form, {"a": 1, "b": None, "c": 3}) == ({"a": 1, "b": None}, {})
    assert read(form, {"a": None})[1] == {"a": "must be an integer between 1 and 5"}


def test_a_strict_schema_rejects_unknown_fields_and_an_empty_body():
    form = BodySchema(
        (BodyField("a", rules.boolean), BodyField("b", rules.boolean)), strict=True, min_fields=1
    )
    assert read(form, {"a": True, "x": 1, "y": 2})[1] == {"x": "is unknown", "y": "is unknown"}
    assert read(form, {})[1] == {None: "at least 1 of a, b is required"}


def test_one_error_names_the_paths_of_all_problems():
    inner = BodySchema((BodyField("kind", rules.one_of("x", "y"), required=True), BodyField("at", rules.day)))
    form = BodySchema(
        (BodyField("rows", rules.array(rules.object_of(inner), max_items=5)), BodyField("who", rules.EMAIL))
    )
    body = {"rows": [{"kind": "z"}, 7, {}, {"kind": "x", "at": "2026-02-30"}], "who": "nobody"}
    assert read(form, body)[1] == {
        "rows[0].kind": "must be one of x, y",
        "rows[1]": "must be an object",
        "rows[2].kind": "is required",
        "rows[3].at": "must be a date, YYYY-MM-DD",
        "who": "must be a valid email address",
    }


def test_a_check_across_fields_runs_only_if_each_field_is_valid():
    form = BodySchema(
        (BodyField("a", rules.integer()),), check=lambda values: [detail("is odd", "a")] * (values["a"] % 2)
    )
    assert read(form, {"a": "x"})[1] == {"a": "must be an integer"}
    assert read(BodySchema((BodyField("in", rules.object_of(form)),)), {"in": {"a": 3}})[1] == {
        "in.a": "is odd"
    }
    assert read(form, {"a": 2}) == ({"a": 2}, {})


@pytest.mark.parametrize("value", [True, 1.5, "1", None, [], float("inf"), 0, 6])
def test_values_other_than_integers_in_range_are_rejected(value):
    assert_rejected(rules.integer(1, 5), value)


def test_integers_may_have_a_zero_fraction():
    assert rules.integer(1, 5)(3.0, ORIGINS) == 3
    assert isinstance(rules.integer()(1e3, ORIGINS), int)
    assert assert_rejected(rules.integer(2), 1) == "must be an integer of 2 or more"


def test_choices_distinguish_numbers_from_booleans():
    rule = rules.one_of(0, 5, "a")
    assert [rule(value, ORIGINS) for value in (0, 5.0, "a")] == [0, 5, "a"]
    for value in (False, True, "0", None, [], {}):
        assert_rejected(rule, value)


@pytest.mark.parametrize("value", ["", " ", "\t", 3, None, "x" * 6])
def test_strings_have_a_length(value):
    assert_rejected(rules.text(min_length=1, max_length=5), value)
    assert rules.text(min_length=2)("ab", ORIGINS) == "ab"
    assert "2 characters" in assert_rejected(rules.text(min_length=2), "a")


@pytest.mark.parametrize(
    "value", ["", "Mars/Base", "../../etc/passwd", "europe/berlin", 3, None, "a" * 9999, "\0"]
)
def test_time_zones_have_iana_names(value):
    assert_rejected(rules.timezone, value)
    assert rules.timezone("Europe/Berlin", ORIGINS) == "Europe/Berlin"


@pytest.mark.parametrize(
    "value", ["20260101", "2026-1-1", "2026-13-01", "\u0662\u0660\u0662\u0666-01-01", 3, None, "0000-01-01"]
)
def test_dates_have_one_format(value):
    assert_rejected(rules.day, value)


def test_arrays_have_a_size():
    rule = rules.array(rules.boolean, min_items=1, max_items=2)
    assert assert_rejected(rule, []) == "must not be empty"
    assert assert_rejected(rule, [True] * 3) == "must have at most 2 items"
    assert assert_rejected(rules.array(rules.boolean, min_items=2), [True]) == "must have at least 2 items"
    assert_rejected(rule, {"0": True})
    assert_rejected(rules.boolean, 1)


def test_patterns_reject_other_strings():
    color = rules.pattern(r"#[a-f\d]{6}", "must be a color")
    assert color("#00ff99", ORIGINS) == "#00ff99"
    for value in ("#00FF99", "#00ff99\n", "red", 5, None, "#" + "\u0660" * 6):
        assert_rejected(color, value)
    assert_rejected(rules.MOMENT, 5)
    assert rules.uri("users")(OWNER, ORIGINS) == OWNER.rpartition("/")[2]


@pytest.mark.parametrize(
    ("uri", "collection", "uuid"),
    [
        ("/users/a", "users", "a"),
        ("/scheduled_events/a/invitees/b", "scheduled_events/invitees", "b"),
        ("/scheduled_events/a/invitees/b", "scheduled_events", None),
        ("/scheduled_events//invitees/b", "scheduled_events/invitees", None),
        ("/scheduled_events/a/invitees/", "scheduled_events/invitees", None),
        ("/users/a/", "users", None),
        ("/users/a?b=c", "users", None),
        ("/v2/users/a", "users", None),
    ],
)
def test_uris_may_belong_to_one_of_several_collections(uri, collection, uuid):
    assert id_of(PUBLIC + uri, collection, ORIGINS) == uuid
    assert id_of("https://evil.example" + uri, collection, ORIGINS) is None
    assert id_of("https://[bad" + uri, collection, ORIGINS) is None


def test_a_query_parameter_may_be_repeated():
    declared = (Parameter("a", text, max_count=2), Parameter("b", text))
    pairs = [("a", "1"), ("a[]", "2"), ("b", "3"), ("b", "4")]
    assert read_query(declared, pairs, ORIGINS) == ({"a": ["1", "2"], "b": "4"}, [])
    wrong = read_query(declared, [("a", "x")] * 3 + [("c", "")], ORIGINS, strict=True)[1]
    assert [one["parameter"] for one in wrong] == ["a", "c"]


@pytest.fixture(scope="module")
def call():
    with serving() as client:
        yield client


def test_one_error_names_problems_of_query_and_body(call):
    wrong = call.problems("PATCH", "/user_meeting_limits", json={"daily_limit": 0}, user="nobody")
    assert set(wrong) == {"user", "daily_limit"}


@pytest.mark.parametrize("raw", [b"[]", b"3", b"{", b'"x"', b"\xff", b'{"a": "\\ud800"}'])
def test_bodies_other_than_json_objects_are_rejected(call, raw):
    headers = {"Authorization": "Bearer sandbox-owner"}
    reply = call.http.post("/user_availability_schedules", content=raw, headers=headers)
    assert reply.status_code == 400
    assert orjson.loads(reply.content)["details"] == [{"message": "the body must be a JSON object"}]


def test_a_missing_body_counts_as_an_empty_object(call):
    assert set(call.problems("POST", "/user_availability_schedules")) == {"name", "timezone", "rules"}


@pytest.mark.parametrize("scope", [{}, [], 3, True])
def test_subscription_scopes_of_any_json_type_get_a_reply(call, scope):
    body = {"events": ["invitee.created"], "scope": scope, "url": "https://x.example", "organization": OWNER}
    assert set(call.problems("POST", "/webhook_subscriptions", json=body)) == {"scope", "organization"}
