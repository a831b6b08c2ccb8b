from typing import Any

import pytest
from calendly_connector.catalog.explanations import explain
from calendly_connector.catalog.manifest import Action, catalog
from calendly_connector.catalog.validation import RecordCheck, check_input
from calendly_connector.errors import InvalidParams, Problem
from hypothesis import given, settings
from hypothesis import strategies as st

API = "https://api.calendly.com"
EVENTS = catalog()["scheduled_events.list"]
CREATE = catalog()["webhook_subscriptions.create"]
ME = catalog()["users.me"]
SECRET = "made-up-signing-key"
GOOD = {
    "url": "https://hooks.acme.example/x",
    "events": ["invitee.created"],
    "scope": "organization",
    "organization": f"{API}/organizations/o",
    "signing_key": SECRET,
}
USER = {"uri": f"{API}/users/u", "email": "ada@acme.example"}


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def refused(action: Action, values: dict[Any, Any], *known: Problem) -> dict[str, str]:
    with pytest.raises(InvalidParams) as caught:
        check_input(action, values, list(known))
    assert caught.value.action == action.id
    assert SECRET not in f"{caught.value!r} {caught.value} {caught.value.to_dict()}"
    return {problem.path: str(problem).removeprefix(f"{problem.path}: ") for problem in caught.value.problems}


# --- inputs


def test_valid_inputs_pass():
    check_input(CREATE, GOOD, [])


def test_all_problems_are_reported_at_once():
    values = {
        "url": "http://x.example",
        "events": [],
        "scope": "planet",
        "organisation": "x",
        "signing_key": "",
    }
    assert refused(CREATE, values) == {
        "url": "must be an https:// URL (http:// is allowed for localhost only)",
        "events": "needs at least 1 item(s)",
        "scope": "must be one of organization, user, group",
        "organisation": "is not an input of this action (did you mean 'organization'?)",
        "organization": "is missing",
        "signing_key": "must have at least 1 character(s)",
    }


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "string"}, 5, "must be text"),
        ({"type": "integer"}, "5", "must be a whole number"),
        ({"type": "integer"}, True, "must be a whole number"),
        ({"type": "integer"}, 0.5, "must be a whole number"),
        ({"type": "number"}, "5", "must be a number"),
        ({"type": "boolean"}, 1, "must be true or false"),
        ({"type": "array"}, "a", "must be a list"),
        ({"type": "object"}, [], "must be an object"),
        ({"type": "null"}, 0, "must be null"),
        ({"type": ["string", "null"]}, 5, "must be text or null"),
        (
            {"enum": ["active", "canceled"]},
            "activ",
            "must be one of active, canceled (did you mean 'active'?)",
        ),
        ({"enum": ["active", "canceled"]}, "zzz", "must be one of active, canceled"),
        ({"enum": ["a", None]}, 5, "must be one of a, null"),
        ({"const": "user"}, "group", "must be user"),
        ({"uniqueItems": True}, [1, 1], "has duplicate items"),
        ({"minimum": 1}, 0, "must be at least 1"),
        ({"maximum": 100}, 101, "must be at most 100"),
        ({"exclusiveMinimum": 1}, 1, "must be more than 1"),
        ({"exclusiveMaximum": 1}, 1, "must be less than 1"),
        ({"minLength": 1}, "", "must have at least 1 character(s)"),
        ({"maxLength": 2}, "abc", "must have at most 2 characters"),
        ({"minItems": 1}, [], "needs at least 1 item(s)"),
        ({"maxItems": 1}, [1, 2], "accepts at most 1 items"),
        ({"pattern": "^a$", "x-expected": "an a"}, "b", "must be an a"),
        ({"pattern": "^{a}$"}, "b", "doesn't match the schema's pattern ^{a}$"),
        ({"multipleOf": 5}, 3, "doesn't match the schema's multipleOf 5"),
        ({"format": "uri"}, "x", "must be a URL (https://…)"),
        ({"format": "date"}, "x", "must be a date such as 2026-11-17"),
        ({"format": "date-time"}, "x", "must be a time such as 2026-11-17T15:00:00Z"),
        ({"format": "email"}, "x", "must be an email address"),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, 5, "matches none of the 2 allowed forms"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_message_for_each_keyword(schema, value, message):
    problems = explain({"properties": {"it": schema}}, {"it": value})
    assert [str(problem) for problem in problems] == [f"it: {message}"]


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"required": ["a", "b"]}, {"b": 1}, ["a: is missing"]),
        ({"required": ["a", "b"]}, {}, ["a: is missing", "b: is missing"]),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, ["b: is required together with a"]),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b", "c"]}]}, {}, ["requires one of a, b + c"]),
        (
            {"properties": {"ab": {}}, "additionalProperties": False},
            {"z": 1},
            ["z: is not an input of this action"],
        ),
        ({"type": "object"}, None, ["must be an object"]),
        (
            {"properties": {"a": {"items": {"properties": {"b": {"type": "null"}}}}}},
            {"a": [{"b": 1}, {"b": None}, {"b": 2}]},
            ["a[0].b: must be null", "a[2].b: must be null"],
        ),
        ({"properties": {"a": {"items": {"required": ["b"]}}}}, {"a": [{}]}, ["a[0].b: is missing"]),
        ({"propertyNames": {"minLength": 2}}, {"a": 1}, ["a: must have at least 2 character(s)"]),
        (
            {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"a": 1, "b": 1},
            ["accepts only one of a, b"],
        ),
    ],
)
def test_messages_name_the_path(schema, value, expected):
    assert [str(problem) for problem in explain(schema, value)] == expected


CIRCLE = {
    "type": "object",
    "properties": {"kind": {"const": "circle"}, "radius": {"type": "number"}},
    "required": ["kind"],
}
SQUARE = {"type": "object", "properties": {"kind": {"const": "square"}}, "required": ["kind", "side"]}
POLYGON = {"type": "array", "items": {"type": "number"}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"kind": "circle", "radius": "x"}, ["radius: must be a number"]),
        ({"kind": "square"}, ["side: is missing"]),
        ([1, "x"], ["[1]: must be a number"]),
        ({"kind": "squar", "side": 1}, ["matches none of the 3 allowed forms"]),
    ],
)
def test_of_several_forms_the_one_that_a_value_is_meant_for_is_described(value, expected):
    shapes = {"oneOf": [CIRCLE, SQUARE, POLYGON]}
    assert [str(problem) for problem in explain(shapes, value)] == expected


def test_forms_with_a_constant_each_name_the_nearest():
    shapes = {"oneOf": [CIRCLE, SQUARE]}
    [problem] = explain(shapes, {"kind": "squar", "side": 1})
    assert str(problem) == "kind: must be one of circle, square (did you mean 'square'?)"
    [problem] = explain(shapes, {"side": 1})
    assert str(problem) == "kind: is missing"


@pytest.mark.parametrize("scope", ["user", "group"])
def test_a_scope_requires_its_subject(scope):
    assert refused(CREATE, {**GOOD, "scope": scope}) == {scope: "is missing"}
    check_input(CREATE, {**GOOD, "scope": scope, scope: f"{API}/{scope}s/x"}, [])


@pytest.mark.parametrize(
    ("event", "scope", "required"),
    [
        ("meeting_recap.created", "organization", "user"),
        ("meeting_recap.deleted", "group", "user"),
        ("routing_form_submission.created", "user", "organization"),
    ],
)
def test_an_event_requires_its_scope(event, scope, required):
    values = {**GOOD, "events": ["invitee.created", event], "scope": scope, "user": f"{API}/users/u"}
    values["group"] = f"{API}/groups/g"
    found = refused(CREATE, values)["scope"]
    assert found.startswith(f"must be {required}, the only scope for ")
    assert "use a separate call" in found


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://hooks.acme.example", True),
        ("https://hooks.acme.example:8443/a?b=c", True),
        ("http://127.0.0.1:8000/x", True),
        ("http://localhost", True),
        ("http://[::1]:80/", True),
        ("http://hooks.acme.example/x", False),
        ("http://127.0.0.1.evil.example/", False),
        ("http://localhost@evil.example/", False),
        ("http://localhost:80@evil.example/", False),
        ("https://", False),
        ("https:///x", False),
        ("ftp://hooks.acme.example/", False),
        ("javascript:alert(1)", False),
        ("hooks.acme.example", False),
        ("https://hooks.acme.example/\n", False),
    ],
)
def test_callback_address_is_https_or_on_this_machine(url, fits):
    if fits:
        check_input(CREATE, {**GOOD, "url": url}, [])
    else:
        assert list(refused(CREATE, {**GOOD, "url": url})) == ["url"]


@pytest.mark.parametrize(
    ("moment", "fits"),
    [
        ("2026-11-17T15:00:00Z", True),
        ("2026-11-17T15:00:00.123456Z", True),
        ("2026-11-17T15:00:00+02:00", True),
        ("2026-11-17", False),
        ("2026-11-17T15:00:00", False),
        ("2026-11-17 15:00:00Z", False),
        ("2026-02-30T00:00:00Z", False),
        ("2026-11-17T24:00:00Z", False),
        ("110-03-01T00:00:00Z", False),
        ("tomorrow", False),
    ],
)
def test_a_time_requires_a_zone(moment, fits):
    values = {"user": f"{API}/users/u", "min_start_time": moment}
    if fits:
        check_input(EVENTS, values, [])
    else:
        assert list(refused(EVENTS, values)) == ["min_start_time"]


@pytest.mark.parametrize(
    "value",
    [b"x", {1}, object(), float("nan"), float("inf"), 1j, "\ud800", ["\ud800"], {"a": b"x"}],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("name", ["page_token", "status", "count", "unknown"])
def test_values_that_are_not_json_are_rejected_for_any_input(name, value):
    found = refused(EVENTS, {"user": f"{API}/users/u", name: value})
    assert found == {name: "must be a JSON value, such as text or a number"}


def test_values_that_are_not_json_are_reported_beside_other_problems():
    assert refused(EVENTS, {"user": f"{API}/users/u", "page_token": b"x", "count": 0}).keys() == {
        "page_token",
        "count",
    }


@pytest.mark.parametrize("name", [5, None, ("a",), "\ud800"], ids=repr)
def test_a_key_that_is_not_text_is_rejected(name):
    refused(EVENTS, {"user": f"{API}/users/u", name: "x"})


def test_a_value_nested_too_deeply_is_rejected():
    refused(EVENTS, {"user": f"{API}/users/u", "page_token": nested(100_000)})


def test_a_problem_found_earlier_is_reported_once():
    known = Problem("count", "has a ~{ without its }~")
    assert refused(EVENTS, {"user": f"{API}/users/u", "count": "~{"}, known) == {"count": known.message}


def test_an_input_rejected_earlier_is_not_reported_as_missing():
    assert refused(EVENTS, {}, Problem("user", "is a URI of groups")) == {"user": "is a URI of groups"}


def test_other_problems_are_reported_beside_an_earlier_one():
    found = refused(EVENTS, {"count": 0, "statu": "active"}, Problem("user", "is wrong"))
    assert found.keys() == {"user", "count", "statu"}


@pytest.mark.parametrize(
    "value",
    [
        "made-up-signing-key",
        ["made-up-signing-key"],
        {"made-up-signing-key": 1},
        ["made-up-signing-key", b"made-up-signing-key"],
        "made-up-signing-key\ud800",
    ],
    ids=ascii,
)
def test_no_value_of_a_secret_is_repeated(value):
    refused(CREATE, {**GOOD, "signing_key": value, "scope": "planet"})


@pytest.mark.parametrize(
    "keyword", [{"enum": [f"{SECRET}s"]}, {"type": "null"}, {"maxLength": 3}, {"format": "uri"}]
)
def test_no_keyword_repeats_the_value_of_a_secret(keyword):
    schema = {"properties": {"key": {"writeOnly": True, **keyword}}}
    found = explain(schema, {"key": SECRET})
    assert found
    assert all(problem.nearest is None for problem in found)
    assert not any(SECRET in str(problem).replace(f"{SECRET}s", "") for problem in found)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def pass_or_reject(action, data):
    names = st.sampled_from([*action.inputs, "unknown"]) | st.text()
    values = data.draw(st.dictionaries(names, json_values, max_size=4))
    try:
        check_input(action, values, [])
    except InvalidParams as error:
        assert error.problems  # noqa: PT017 - both outcomes are right
        assert str(error).isprintable()  # noqa: PT017


@pytest.mark.parametrize("action", list(catalog().values()), ids=lambda action: action.id)
@settings(max_examples=20)
@given(data=st.data())
def test_any_inputs_pass_or_are_rejected_with_messages(action, data):
    pass_or_reject(action, data)


@pytest.mark.long
@pytest.mark.parametrize("action", list(catalog().values()), ids=lambda action: action.id)
@settings(max_examples=200)
@given(data=st.data())
def test_any_of_many_inputs_pass_or_are_rejected_with_messages(action, data):
    pass_or_reject(action, data)


# --- records


def test_records_that_fit_give_no_warning():
    check = RecordCheck(ME)
    check.page([USER, {**USER, "a_new_field": [1]}])
    assert check.warnings == ()


def test_no_records_give_no_warning():
    check = RecordCheck(ME)
    check.page([])
    assert check.warnings == ()


def test_a_mismatch_is_reported_once_with_the_number_of_records():
    check = RecordCheck(ME)
    check.page([{**USER, "name": 5}, USER, {**USER, "name": 6}])
    check.page([{**USER, "name": None}])
    assert check.warnings == (
        "Doesn't match the schema of users.me: name: must be text [3 record(s), kept unchanged]",
    )


def test_records_stay_unchanged():
    records: list[Any] = [{**USER, "name": 5}, None, 5, "x", []]
    before = [dict(records[0]), *records[1:]]
    RecordCheck(ME).page(records)
    assert records == before


def test_a_warning_contains_no_personal_data():
    check = RecordCheck(ME)
    check.page([{"uri": 5, "email": ["ada@acme.example"], "time_notation": "ada@acme.example"}])
    assert len(check.warnings) == 3
    assert "ada" not in " ".join(check.warnings)


def test_values_that_are_not_records_are_reported():
    check = RecordCheck(ME)
    check.page([None, 5, "x"])  # type: ignore[list-item]
    assert check.warnings == (
        "Doesn't match the schema of users.me: must be an object [3 record(s), kept unchanged]",
    )


class Wide:
    """An action whose records have more fields than there are warnings."""

    id = "wide.get"
    output = {"type": "object", "properties": {f"f{number}": {"type": "null"} for number in range(50)}}  # noqa: RUF012


def test_warnings_are_limited_and_count_every_mismatch():
    check = RecordCheck(Wide())  # type: ignore[arg-type]
    for _ in range(3):
        check.page([{f"f{number}": 1 for number in range(50)}])
    assert len(check.warnings) == 21
    assert all("[3 record(s)" in warning for warning in check.warnings[:20])
    assert check.warnings[20].endswith("90 more mismatches of other kinds")


def example_of(action: str) -> dict[str, Any]:
    record: dict[str, Any] = catalog()[action].examples[0]["output"]
    return record


@pytest.mark.parametrize("action", ["event_types.get", "event_types.list", "event_types.update"])
@pytest.mark.parametrize("choices", [None, [], ["Core", "Reports"]])
def test_a_question_without_choices_may_have_null_for_them(action: str, choices: list[str] | None):
    record = example_of(action)
    questions = [{**question, "answer_choices": choices} for question in record["custom_questions"]]
    check = RecordCheck(catalog()[action])
    check.page([{**record, "custom_questions": questions}])
    assert check.warnings == ()


@pytest.mark.parametrize(
    ("action", "path", "value", "wrong"),
    [
        ("organizations.get", ("id",), 12345, "12345"),
        ("organization_memberships.get", ("user", "time_notation"), "24h", "36h"),
        ("organization_memberships.list", ("user", "time_notation"), "12h", 12),
        ("event_types.get", ("kind_description",), "One-on-One", 1),
        ("event_types.list", ("kind_description",), None, []),
    ],
)
def test_fields_that_calendly_sends_but_does_not_document_are_named_in_the_schema(
    action: str, path: tuple[str, ...], value: Any, wrong: Any
):
    record = example_of(action)
    *above, last = path
    inner = record[above[0]] if above else record
    for sent, warns in ((value, False), (wrong, True)):
        changed = {**inner, last: sent}
        check = RecordCheck(catalog()[action])
        check.page([{**record, above[0]: changed} if above else changed])
        assert bool(check.warnings) is warns


def test_null_among_the_choices_is_called_null():
    with pytest.raises(InvalidParams, match=r"must be one of .*, unlimited, null\."):
        check_input(catalog()["shares.update"], {"uuid": "x", "period_type": "never"}, [])


def test_the_mismatches_of_one_record_are_limited():
    check = RecordCheck(catalog()["scheduled_events.list"], max_problems=3)
    check.page([dict.fromkeys(catalog()["scheduled_events.list"].examples[0]["output"], 5.5)])
    assert len(check.warnings) == 3
