import json
from datetime import timedelta

import pytest
from calendly_connector.catalog.expressions import (
    ExpressionError,
    FunctionCall,
    Offset,
    calls,
    evaluate,
    gather,
    input_name,
    parse,
)
from calendly_connector.contract import Plain
from calendly_connector.errors import Problem
from hypothesis import example, given
from hypothesis import strategies as st

SCHEMAS = {
    name: {"type": kinds.split()}
    for name, kinds in {
        "events": "array",
        "count": "integer",
        "share": "number",
        "active": "boolean",
        "data": "object",
        "user": "string",
        "maybe": "integer null",
        "text_or_count": "string integer",
    }.items()
}
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "tags": {"type": "array"},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
ANSWERS = {"type": "object", "additionalProperties": {"type": ["string", "number", "array"]}}
OBJECTS = SCHEMAS | {"person": PERSON, "answers": ANSWERS}

# Texts with many special characters of the grammar.
tricky = st.text(st.sampled_from("~{}()+-,7dmoNw \n") | st.characters())


def moved(name: str, *arguments: str, **length: int) -> FunctionCall:
    return FunctionCall(name, arguments, Offset(length=timedelta(**length)))


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("",)),
        ("plain", ("plain",)),
        ("~{Now}~", (FunctionCall("Now"),)),
        ("~{ Now }~", (FunctionCall("Now"),)),
        ("from ~{Now}~ on", ("from ", FunctionCall("Now"), " on")),
        ("~{A}~~{B}~", (FunctionCall("A"), FunctionCall("B"))),
        ("~{Now+7d}~", (moved("Now", days=7),)),
        ("~{Now-12h}~", (moved("Now", hours=-12),)),
        ("~{Now+90m}~", (moved("Now", minutes=90),)),
        ("~{Now+45s}~", (moved("Now", seconds=45),)),
        ("~{Now-2w}~", (moved("Now", weeks=-2),)),
        ("~{Now+99999w}~", (moved("Now", weeks=99999),)),
        ("~{Now+0d}~", (moved("Now"),)),
        ("~{Now-1mo}~", (FunctionCall("Now", offset=Offset(months=-1)),)),
        ("~{A(Europe/Berlin)}~", (FunctionCall("A", ("Europe/Berlin",)),)),
        ("~{A( Etc/GMT+5 ,Sunday )+1d}~", (moved("A", "Etc/GMT+5", "Sunday", days=1),)),
        ("~{A(x y)}~", (FunctionCall("A", ("x y",)),)),
        ("~~{", ("~{",)),
        ("~~{Now}~", ("~{Now}~",)),
        ("~~~{Now}~", ("~~{Now}~",)),
        ("a ~~{b ~{C}~", ("a ~{b ", FunctionCall("C"))),
        ("}~ { } ~ ~~", ("}~ { } ~ ~~",)),
    ],
)
def test_grammar(text, parts):
    assert parse(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "~{",
        "a ~{ b",
        "~{Now",
        "~{Now}",
        "~{}~",
        "~{ }~",
        "~{7}~",
        "~{Now+}~",
        "~{Now+7}~",
        "~{Now+7y}~",
        "~{Now+7D}~",
        "~{Now++7d}~",
        "~{Now+7d+1h}~",
        "~{Now + 7d}~",
        "~{Now+123456d}~",
        "~{Now+\uff17d}~",
        "~{Get_User}~",
        "~{a.b}~",
        "~{Now+7M}~",
        "~{Now+7m o}~",
        "~{f()}~",
        "~{f( )}~",
        "~{f(a,)}~",
        "~{f(,a)}~",
        "~{f(a}~",
        "~{fa)}~",
        "~{f(a)(b)}~",
        "~{f((a))}~",
        "~{f (a)}~",
        "~{f+1d(a)}~",
        "~{f(a) +1d}~",
        "~{f(~{Now}~)}~",
        "~{a~{Now}~",
        "~{Nöw}~",
    ],
)
def test_invalid_functions_are_rejected(text):
    with pytest.raises(ExpressionError):
        parse(text)


@given(tricky)
@example("~{" * 50_000)
@example("~~{" * 50_000)
@example("~{" + "a" * 100_000)
@example("~{A(" * 33_000)
@example("~{A(" + "a," * 50_000 + ")}~")
@example("~{A(" + "(" * 100_000 + "}~")
@example("~{A(" + " " * 100_000 + "}~")
@example("~{A+" + "9" * 100_000 + "}~")
@example("~{A}~~" * 20_000)
def test_parse_returns_parts_or_raises_expression_error(text):
    try:
        parts = parse(text)
    except ExpressionError:
        return
    assert parts
    assert all(isinstance(part, str | FunctionCall) for part in parts)
    assert "" not in parts or parts == ("",)


@given(tricky)
def test_escaping_makes_any_text_literal(text):
    escaped = text.replace("~{", "~~{")
    assert evaluate(escaped, lambda call: pytest.fail(f"called {call}")) == text
    assert list(calls(escaped)) == []


@given(tricky, tricky)
def test_a_call_stays_a_call_between_escaped_texts(before, after):
    # A ~ right before or a {}~ right after would join the call's own characters.
    before, after = before.rstrip("~").replace("~{", "~~{"), after.replace("~{", "~~{")
    assert list(calls(f"{before}~{{Now}}~{after}")) == [FunctionCall("Now")]


def test_calls_are_found_in_lists_and_objects():
    value = {"a": ["~{A}~", {"b": "x ~{B}~ ~{C+1d}~"}], "c": 5, "~{D}~": None}
    assert [call.name for call in calls(value)] == ["A", "B", "C"]


def test_a_text_that_is_only_a_call_keeps_the_type_of_its_value():
    assert evaluate("~{A}~", lambda _: ["x", 1]) == ["x", 1]


def test_a_call_inside_text_becomes_text():
    assert evaluate("n=~{A}~;", lambda _: 5) == "n=5;"


def test_calls_are_replaced_inside_lists_and_objects():
    value = {"a": ["~{A}~", 1], "b": {"c": "~~{A}~"}, "d": None}
    assert evaluate(value, lambda call: call.name.lower()) == {"a": ["a", 1], "b": {"c": "~{A}~"}, "d": None}


def test_the_value_of_a_call_is_not_evaluated_again():
    assert evaluate("~{A}~", lambda _: "~{B}~") == "~{B}~"


def test_a_long_text_in_an_error_is_shortened():
    with pytest.raises(ExpressionError) as error:
        parse("~{" + "?" * 100_000 + "}~")
    assert len(str(error.value)) < 300


def test_evaluate_does_not_change_its_argument():
    value = {"a": ["~{A}~"]}
    evaluate(value, lambda _: "x")
    assert value == {"a": ["~{A}~"]}


@pytest.mark.parametrize(
    ("rows", "inputs"),
    [
        ([("events[]", "a"), ("events[]", "b")], {"events": ["a", "b"]}),
        ([("events", "a, b ,c")], {"events": ["a", "b", "c"]}),
        ([("events[]", "a"), ("events", "b,c"), ("events[]", "d")], {"events": ["a", "b", "c", "d"]}),
        ([("events", "")], {"events": []}),
        ([("events", " ")], {"events": []}),
        ([("events", "a,")], {"events": ["a", ""]}),  # the schema rejects the empty item
        ([("events", ["a", "b,c"])], {"events": ["a", "b,c"]}),
        ([("events", "1,true,null")], {"events": ["1", "true", "null"]}),
        ([("events", {"a": 1})], {"events": [{"a": 1}]}),
        ([("count", "7")], {"count": 7}),
        ([("count", " -7 ")], {"count": -7}),
        ([("count", "1.0")], {"count": "1.0"}),
        ([("count", "1e3")], {"count": "1e3"}),
        ([("count", "0x10")], {"count": "0x10"}),
        ([("count", "1_000")], {"count": "1_000"}),
        ([("count", "\uff17")], {"count": "\uff17"}),
        ([("count", "9" * 18)], {"count": 999_999_999_999_999_999}),
        ([("count", "9" * 19)], {"count": "9" * 19}),
        ([("count", "")], {"count": ""}),
        ([("count", "null")], {"count": "null"}),
        ([("count", '{"a": 1}')], {"count": '{"a": 1}'}),
        ([("count", 7)], {"count": 7}),
        ([("share", "0.5")], {"share": 0.5}),
        ([("share", "5")], {"share": 5}),
        ([("share", "nan")], {"share": "nan"}),
        ([("share", "inf")], {"share": "inf"}),
        ([("active", "TRUE")], {"active": True}),
        ([("active", " false ")], {"active": False}),
        ([("active", "yes")], {"active": "yes"}),
        ([("active", "1")], {"active": "1"}),
        ([("maybe", "null")], {"maybe": None}),
        ([("maybe", "7")], {"maybe": 7}),
        ([("user", "null")], {"user": "null"}),
        ([("user", "7")], {"user": "7"}),
        ([("user", " kept ")], {"user": " kept "}),
        ([("text_or_count", "7")], {"text_or_count": "7"}),
        ([("data", ' {"a": [1, {"b": null}]} ')], {"data": {"a": [1, {"b": None}]}}),
        ([("data", "[1]")], {"data": "[1]"}),
        ([("data", '{"a": ')], {"data": '{"a": '}),
        ([("unknown", "7")], {"unknown": "7"}),
        ([("unknown[]", "7")], {"unknown": "7"}),
        ([], {}),
    ],
)
def test_rows_become_inputs_of_the_declared_type(rows, inputs):
    assert gather(rows, SCHEMAS) == (inputs, [])


def test_an_integer_is_not_a_boolean():
    inputs, _ = gather({"count": "true", "active": "1"}, SCHEMAS)
    assert inputs == {"count": "true", "active": "1"}


def test_rows_may_be_an_object():
    assert gather({"events[]": "a", "count": "7"}, SCHEMAS) == ({"events": ["a"], "count": 7}, [])


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([("user", "a"), ("user", "b")], Problem("user", "accepts only one value, but has 2")),
        ([("user", "a"), ("user[]", "b")], Problem("user", "accepts only one value, but has 2")),
        ([("user[]", "a")], Problem("user", "accepts only one value: write it without []")),
        ([("x", "1"), ("x", "2"), ("x", "3")], Problem("x", "accepts only one value, but has 3")),
    ],
)
def test_several_values_for_a_single_input_are_rejected(rows, problem):
    assert gather(rows, SCHEMAS) == ({}, [problem])


@pytest.mark.parametrize(
    ("rows", "inputs"),
    [
        ([("person.name", "Ada"), ("person.age", "41")], {"person": {"name": "Ada", "age": 41}}),
        ([("person.address.city", "Utrecht")], {"person": {"address": {"city": "Utrecht"}}}),
        ([("person.tags", "a,b"), ("person.tags[]", "c")], {"person": {"tags": ["a", "b", "c"]}}),
        (
            [("person.nmae", "Ada")],
            {"person": {"nmae": "Ada"}},
        ),  # the schema rejects it and knows the nearest
        ([("person.address.a.b", "x")], {"person": {"address": {"a.b": "x"}}}),
        ([("person", '{"name": "Ada"}')], {"person": {"name": "Ada"}}),
        ([("answers.How many seats?", "3")], {"answers": {"How many seats?": "3"}}),
        ([("answers.E.g. a name. Or two...", "x, y")], {"answers": {"E.g. a name. Or two...": "x, y"}}),
        ([("answers.Which?[]", "a, b"), ("answers.Which?[]", "c")], {"answers": {"Which?": ["a, b", "c"]}}),
        ([("answers..", "x")], {"answers": {".": "x"}}),
        ([("answers.", "x")], {"answers.": "x"}),  # no field: the schema rejects the key
        ([("data.a.b", "1")], {"data": {"a.b": "1"}}),
        ([("user.name", "x")], {"user.name": "x"}),
        ([("other.name", "x")], {"other.name": "x"}),
        ([(".name", "x")], {".name": "x"}),
        ([("answers.__proto__", "x")], {"answers": {"__proto__": "x"}}),
        ([("answers." + "a." * 50_000, "x")], {"answers": {"a." * 50_000: "x"}}),
    ],
)
def test_a_dotted_key_fills_a_field_of_an_object(rows, inputs):
    assert gather(rows, OBJECTS) == (inputs, [])


def test_references_in_fields_of_an_object_are_followed():
    schemas = {"person": {"$ref": "#/$defs/person"}}
    root = {
        "$defs": {
            "person": PERSON | {"properties": {"age": {"$ref": "#/$defs/age"}}},
            "age": {"type": "integer"},
        }
    }
    assert gather([("person.age", "41")], schemas, root) == ({"person": {"age": 41}}, [])


@pytest.mark.parametrize(
    ("rows", "path"),
    [
        ([("person.name", "a"), ("person.name", "b")], "person.name"),
        ([("person.name[]", "a")], "person.name"),
        ([("person", "{}"), ("person.name", "a")], "person.name"),
        ([("person.name", "a"), ("person", "{}")], "person.name"),
        ([("person.address.city", "a"), ("person.address", "{}")], "person.address.city"),
        ([("answers.How many?", "~{Now")], "answers.How many?"),
        ([("answers.Q", "a"), ("answers.Q", "b")], "answers.Q"),
    ],
)
def test_a_problem_of_a_dotted_key_names_it(rows, path):
    _, problems = gather(rows, OBJECTS)
    assert [problem.path for problem in problems] == [path]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("user", "~{Now"),
        ("count", "~{}~"),
        ("events", "a,~{Now"),
        ("events", "~{Now,a}~"),
        ("events", [["~{Now"]]),
        ("data", '{"a": {"b": "~{Now"}}'),
        ("unknown", "~{Now"),
    ],
)
def test_an_unreadable_call_is_a_problem_of_its_row(key, value):
    _, problems = gather([(key, value), ("active", "true")], SCHEMAS)
    assert [problem.path for problem in problems] == [key]


def test_all_problems_are_reported_together():
    _, problems = gather([("user[]", "a"), ("count", "1"), ("count", "2"), ("active", "~{")], SCHEMAS)
    assert [problem.path for problem in problems] == ["user", "count", "active"]


def test_json_of_a_sane_depth_is_read():
    inputs, problems = gather({"data": '{"a":' * 400 + "1" + "}" * 400}, SCHEMAS)
    assert (json.dumps(inputs["data"]).count("a"), problems) == (400, [])


@pytest.mark.parametrize("depth", [5_000, 200_000])
def test_a_json_bomb_is_rejected_or_stays_text(depth):
    bomb = '{"a":' * depth + "1" + "}" * depth
    inputs, problems = gather({"data": bomb}, SCHEMAS)
    assert problems == [Problem("data", "is nested too deeply")] or (inputs, problems) == ({"data": bomb}, [])


@pytest.mark.parametrize("bomb", ["{" * 100_000, '{"a": ' + "9" * 10_000 + "}", '{"a":' * 100_000])
def test_invalid_json_stays_text_for_the_schema_to_reject(bomb):
    assert gather({"data": bomb}, SCHEMAS) == ({"data": bomb}, [])


def test_a_value_nested_too_deeply_is_a_problem():
    _, problems = gather([("events", nested(100_000))], SCHEMAS)
    assert problems == [Problem("events", "is nested too deeply")]


def test_a_huge_list_is_read():
    inputs, problems = gather({"events": ",".join(["invitee.created"] * 100_000)}, SCHEMAS)
    assert (len(inputs["events"]), problems) == (100_000, [])


values = st.recursive(
    tricky | st.integers() | st.booleans() | st.none() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(tricky, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.tuples(st.sampled_from([*SCHEMAS, "events[]", "user[]", "other", "[]", ""]) | tricky, values))
)
def test_gather_never_raises_and_never_loses_a_row(rows):
    inputs, problems = gather(rows, SCHEMAS)
    named = inputs.keys() | {problem.path for problem in problems}
    assert named == {key.removesuffix("[]") for key, _ in rows}


object_keys = st.sampled_from(
    ["person", "person.name", "person.address", "person.address.city", "answers.a.b"]
)


@given(st.lists(st.tuples(object_keys | tricky.map(lambda text: f"answers.{text}"), values)))
def test_rows_of_objects_never_raise_and_never_lose_a_field(rows):
    inputs, problems = gather(rows, OBJECTS)
    assert {input_name(key, OBJECTS) for key, _ in rows} == inputs.keys() | {
        input_name(problem.path, OBJECTS) for problem in problems
    }


# --- values from outside


def sent(rows):
    inputs, problems = gather(rows, OBJECTS)
    assert problems == []
    return evaluate(inputs, lambda call: pytest.fail(f"called {call}"))


@pytest.mark.parametrize(
    ("rows", "inputs"),
    [
        ({"user": Plain("~{GetSigningKey}~")}, {"user": "~{GetSigningKey}~"}),
        ({"user": Plain("~~{Now}~ ~{Now")}, {"user": "~~{Now}~ ~{Now"}),
        ({"events": Plain("a,~{Now}~")}, {"events": ["a,~{Now}~"]}),
        ({"events": Plain(["a,b", "~{Now}~"])}, {"events": ["a,b", "~{Now}~"]}),
        ([("events[]", Plain("a,b")), ("events[]", "c")], {"events": ["a,b", "c"]}),
        ({"events": Plain(["a", "", None])}, {"events": ["a"]}),
        ({"events": Plain("")}, {"events": []}),
        ({"events": ["x", Plain("~{Now}~")]}, {"events": ["x", "~{Now}~"]}),
        ({"count": Plain("3")}, {"count": "3"}),
        ({"count": Plain(3)}, {"count": 3}),
        ({"active": Plain("true")}, {"active": "true"}),
        ({"data": Plain('{"a": 1}')}, {"data": '{"a": 1}'}),
        ({"data": Plain({"a": ["~{Now}~"]})}, {"data": {"a": ["~{Now}~"]}}),
        ({"data": {"a": [Plain("~{Now}~"), "b"]}}, {"data": {"a": ["~{Now}~", "b"]}}),
        ({"person.name": Plain("~{Now}~"), "person.age": "7"}, {"person": {"name": "~{Now}~", "age": 7}}),
        ({"person.tags[]": Plain("a,b")}, {"person": {"tags": ["a,b"]}}),
        ({"answers.How?": Plain(["~{Now}~"])}, {"answers": {"How?": ["~{Now}~"]}}),
        ({"maybe": Plain(None)}, {"maybe": None}),
    ],
)
def test_a_plain_value_is_sent_as_it_is(rows, inputs):
    assert sent(rows) == inputs


@given(st.lists(st.sampled_from(["~", "~~", "{", "}", "Now", ",", " "])).map("".join) | tricky)
def test_no_text_in_a_plain_value_is_evaluated(text):
    assert sent({"user": Plain(text), "events[]": Plain(f"{text}.")}) == {
        "user": text,
        "events": [f"{text}."],
    }


def test_a_plain_value_nested_too_deeply_is_a_problem():
    _, problems = gather([("user", Plain(nested(100_000)))], SCHEMAS)
    assert problems == [Problem("user", "is nested too deeply")]
