"""Reading and writing a flow's file: its form, its positions, and what anyone may have put there."""

import json
import time
from typing import get_args

import pytest
import yaml
from calendly_connector.agent import templates
from calendly_connector.agent.flows import file, yaml_source
from calendly_connector.agent.flows.file import parse, read, schema, write
from calendly_connector.agent.flows.model import (
    Call,
    Condition,
    Flow,
    FlowConnection,
    FlowTrigger,
    Operator,
    Retry,
    Schedule,
    Step,
)
from calendly_connector.agent.flows.problems import InvalidFlow, Position
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

WHOLE = """\
name: new-booking-to-chat
title: Post new bookings to a chat
description: |
  With everything that a file can have.
connections:
  calendly: {connector: calendly, credential: work}
  chat: {connector: http, credential: chat}
trigger:
  type: triggered
  connection: calendly
  events: [invitee.created]
  filters: {event_type: Intro call}
  subscribe: true
steps:
  - id: answers
    connection: calendly
    action: meetings.list
    filter: {email: "~{event.payload.email}~"}
    limit: 5
    all_pages: true
    when:
      - {value: "~{event.payload.status}~", is: active}
      - {value: "~{event.payload.no_show}~", exists: false}
    for_each: "~{earlier.records}~"
    at_once: 4
    on_error:
      retry: {times: 3, wait: 30s, factor: 1.5, most_wait: 1h}
      then: compensate
    undo: {connection: chat, action: http.delete, filter: [{key: a, value: 1}, {key: a, value: 2}]}
    timeout: 5m
"""

SMALL = """\
name: small
connections: {calendly: {connector: calendly}}
trigger: {type: manual}
steps: [{id: me, connection: calendly, action: users.me}]
"""


def places(content):
    return [(problem.line, problem.column, problem.path) for problem in read(content).problems]


def words(content):
    return [str(problem) for problem in read(content).problems]


# --- reading


def test_a_file_with_everything_is_read():
    assert parse(WHOLE) == Flow(
        name="new-booking-to-chat",
        title="Post new bookings to a chat",
        description="With everything that a file can have.\n",
        connections={
            "calendly": FlowConnection("calendly", "work"),
            "chat": FlowConnection("http", "chat"),
        },
        trigger=FlowTrigger(
            "triggered",
            "calendly",
            ("invitee.created",),
            (("event_type", "Intro call"),),
            None,
            subscribe=True,
        ),
        steps=(
            Step(
                id="answers",
                call=Call(
                    "calendly", "meetings.list", (("email", "~{event.payload.email}~"),), 5, all_pages=True
                ),
                conditions=(
                    Condition("~{event.payload.status}~", "is", "active"),
                    Condition("~{event.payload.no_show}~", "exists", operand=False),
                ),
                for_each="~{earlier.records}~",
                at_once=4,
                retry=Retry(3, 30.0, 1.5, 3600.0),
                then="compensate",
                undo=Call("chat", "http.delete", (("a", 1), ("a", 2))),
                timeout_s=300.0,
            ),
        ),
    )


@pytest.mark.parametrize(
    ("lines", "schedule"),
    [
        ("every: 5m", Schedule(every_s=300.0)),
        ("every: 1d", Schedule(every_s=86_400.0)),
        ("every: 45s", Schedule(every_s=45.0)),
        (
            "cron: 0 8 * * 1-5\n  time_zone: Europe/Berlin",
            Schedule(cron="0 8 * * 1-5", time_zone="Europe/Berlin"),
        ),
    ],
)
def test_a_schedule_is_a_length_of_time_or_a_cron_expression(lines, schedule):
    flow = parse(SMALL.replace("trigger: {type: manual}", f"trigger:\n  type: polling\n  {lines}"))
    assert flow.trigger.schedule == schedule
    assert parse(write(flow)) == flow


def test_every_comparison_of_the_schema_is_one_of_the_model():
    names = schema()["$defs"]["condition"]["properties"].keys() - {"value"}
    assert names == set(get_args(Operator))
    for name in names:
        operand = {"exists": True, "in": [1], "not_in": [1]}.get(name, 1)
        step = f"users.me, when: [{json.dumps({'value': 1, name: operand})}]}}"
        flow = parse(SMALL.replace("users.me}", step))
        assert flow.steps[0].conditions == (Condition(1, name, operand),)
        assert parse(write(flow)) == flow


def test_an_undo_uses_the_connection_of_its_step_by_default():
    step = parse(SMALL.replace("users.me}", "users.me, undo: {action: users.get}}")).steps[0]
    assert step.undo.connection == "calendly"


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
def test_line_breaks_of_all_systems_count_the_same(newline):
    found = read(SMALL.replace("users.me", "users.me, x: 1").replace("\n", newline))
    assert [(problem.line, problem.path) for problem in found.problems] == [(4, "steps[0].x")]


def test_bytes_with_a_byte_order_mark_are_read():
    assert parse(b"\xef\xbb\xbf" + SMALL.encode()) == parse(SMALL)


def test_values_keep_their_positions():
    positions = read(WHOLE).positions
    assert positions.of("steps[0].filter.email") == Position(18, 21)
    assert positions.of_key("steps[0].filter.email") == Position(18, 14)
    assert positions.of("steps[0].when[1].exists") == Position(23, 54)
    assert positions.of("steps[0].nothing.here") == positions.of("steps[0]") == Position(15, 5)


def test_columns_count_characters():
    content = SMALL.replace("small", '"käse 🧀 日本"')
    assert places(content) == [(1, 7, "name")]
    assert read("é: 1, ñ\n日本: [🧀, x]\n").positions.of("日本[1]") == Position(2, 9)


def test_the_rows_of_a_list_and_of_a_mapping_have_positions():
    positions = read(WHOLE).positions
    assert positions.row("steps[0].filter", 0, "email") == "steps[0].filter.email"
    assert positions.row("steps[0].undo.filter", 1, "a") == "steps[0].undo.filter[1].value"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("007", "007"),
        ("+49 30 1234", "+49 30 1234"),
        ("12:30:45", "12:30:45"),
        ("2026-11-17", "2026-11-17"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        (".5", ".5"),
        ("9" * 30, "9" * 30),
        ("12", 12),
        ("-1.5", -1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("! 12", "12"),
        ("~{event.id}~", "~{event.id}~"),
    ],
)
def test_scalars_are_those_of_json_and_all_else_is_text(written, value):
    assert yaml_source.read(f"a: {written}\n").document == {"a": value}


# --- what is wrong with a form


def test_all_problems_are_found_at_once_in_the_order_of_the_file():
    content = (
        WHOLE.replace("name: new", "nmae: new")
        .replace("type: triggered", "type: triggerd")
        .replace("limit: 5", "limit: 0")
        .replace("is: active", "isnt: active")
        .replace("wait: 30s", "wait: 30 s")
        .replace("timeout: 5m", "timeot: 5m")
    )
    assert places(content) == [
        (1, 1, "nmae"),
        (1, 1, "name"),
        (9, 9, "trigger.type"),
        (19, 12, "steps[0].limit"),
        (22, 45, "steps[0].when[0].isnt"),
        (27, 31, "steps[0].on_error.retry.wait"),
        (30, 5, "steps[0].timeot"),
    ]
    nears = [problem.near for problem in read(content).problems]
    assert nears == ["name", None, "triggered", None, "is_not", None, "timeout"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "name: small",
            "name: Small Flow",
            "name: must be at most 60 lower case letters, digits and hyphens",
        ),
        ("name: small", "name: 5", "name: must be text."),
        ("name: small", "name:", "name: must be text."),
        ("calendly: {connector", "1x: {connector", "connections.1x: must be a letter"),
        ("{connector: calendly}", "{}", "connections.calendly.connector: is missing."),
        ("{connector: calendly}", "calendly", "connections.calendly: must be an object."),
        ("{type: manual}", "{}", "trigger.type: is missing."),
        ("{type: manual}", "{type: manual, every: 5m}", "trigger.every: is not a field of trigger"),
        ("{type: manual}", "[]", "trigger: "),
        ("{type: manual}", "{type: polling}", "trigger: requires one of every, cron."),
        ("{type: manual}", "{type: polling, every: 0s}", "trigger.every: must be a length of time"),
        (
            "{type: manual}",
            "{type: polling, every: 5m, cron: 0 8 * * *}",
            "trigger: accepts only one of every, cron.",
        ),
        (
            "{type: manual}",
            "{type: polling, every: 5m, events: [x]}",
            "trigger.connection: is required together with events.",
        ),
        ("{type: manual}", "{type: polling, cron: 0 25 * * *}", "trigger.cron: has the hour '25'"),
        ("{type: manual}", "{type: triggered, connection: calendly}", "trigger.events: is missing."),
        ("users.me}", "users.me, when: []}", "steps[0].when: needs at least 1 item(s)."),
        ("users.me}", "users.me, when: [{value: 1}]}", "steps[0].when[0]: must be a value and one of is,"),
        (
            "users.me}",
            "users.me, when: [{value: 1, is: 1, in: []}]}",
            "steps[0].when[0]: must be a value and one of is,",
        ),
        ("users.me}", "users.me, at_once: 2}", "steps[0].for_each: is required together with at_once."),
        ("users.me}", "users.me, filter: text}", "steps[0].filter: "),
        ("users.me}", "users.me, filter: [{key: a}]}", "steps[0].filter[0].value: is missing."),
        ("users.me}", "users.me, on_error: {then: panic}}", "steps[0].on_error.then: must be one of stop,"),
        ("id: me", "id: Me", "steps[0].id: must be a lower case letter"),
        ("action: users.me", "x: 1", "steps[0].action: is missing."),
    ],
)
def test_a_wrong_form_is_explained(old, new, problem):
    assert any(text.startswith(problem) for text in words(SMALL.replace(old, new))), words(
        SMALL.replace(old, new)
    )


def test_a_flow_with_a_wrong_form_is_not_parsed():
    with pytest.raises(InvalidFlow) as caught:
        parse(SMALL.replace("small", "Small").replace("manual", "x"))
    error = caught.value
    assert str(error).startswith("Line 1, column 7: name: must be")
    assert "(1 more)" in str(error)
    assert [problem["line"] for problem in json.loads(json.dumps(error.to_dict()))["problems"]] == [1, 3]


# --- hostile files


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        ("a: &x 1\nb: *x\n", (2, 4), "Aliases aren't supported"),
        ("a: &a [&b [&c [x, x], *c], *b]\nb: *a", (1, 23), "Aliases aren't supported"),
        ("a: !!python/object/apply:os.system [id]", (1, 4), "The tag tag:yaml.org,2002:python/object"),
        ("a: !binary aGk=", (1, 4), "The tag !binary isn't supported"),
        ("a: 1\nb: 2\na: 3\n", (3, 1), "a is written twice, first in line 1"),
        ("steps:\n  - {id: a, id: b}\n", (2, 13), "id is written twice, first in line 2"),
        ("a: 1\n---\nb: 2\n", (2, 1), "The file contains a second document"),
        ("1: a\n", (1, 1), "A key must be text, not 1"),
        ("? [a, b]\n: c\n", (1, 3), "A key must be text, not list or mapping"),
        ("a:\n\tb: 1\n", (2, 1), "The file isn't valid YAML"),
        ("a: [1, 2\n", (2, 1), "The file isn't valid YAML"),
        ("a: b: c\n", (1, 5), "The file isn't valid YAML"),
        ("a: 'open\n", (2, 1), "The file isn't valid YAML"),
        ("é: \x07", (1, 4), "The file contains a control character"),
        ("a: \x00", (1, 4), "The file contains a control character"),
        (b"a: 1\nb: \xff", (2, 4), "The file isn't valid UTF-8"),
        ("a: 1\nb: \ud800", (2, 4), "The file isn't valid UTF-8"),
        ("", (1, 1), "A flow must be a mapping"),
        ("# nothing\n", (1, 1), "A flow must be a mapping"),
        ("- a\n", (1, 1), "A flow must be a mapping"),
        ("text", (1, 1), "A flow must be a mapping"),
        ("[" * 1000, (1, 41), "The file is nested more than 40 levels deep"),
        (
            "a:\n" + "".join(f"{' ' * depth}b:\n" for depth in range(1, 60)),
            None,
            "The file is nested more than 40",
        ),
        ("a: " + "x" * (1 << 20), (1, 1), "The file is larger than 1 MiB"),
    ],
)
def test_a_hostile_file_is_a_problem_at_its_place(content, place, message):
    found = [problem for problem in read(content).problems if str(problem).startswith(message)]
    assert found
    assert place is None or (found[0].line, found[0].column) == place


def test_a_tab_that_indents_is_explained():
    assert words("a:\n\tb: 1\n")[0].endswith("Indent with spaces.")


@pytest.mark.parametrize(
    "content", ["[" * (1 << 20), "{" * (1 << 20), "- " * (1 << 19), "a: &a *a\n" * 1000, "? " * 9999]
)
def test_bombs_end_soon(content):
    started = time.process_time()
    assert read(content).problems
    assert time.process_time() - started < 10


def test_the_number_of_problems_is_bounded():
    assert len(read("a: *b\n" * 5000).problems) < 250


def test_libyamls_parser_and_the_one_in_python_agree(monkeypatch):
    hostile = [WHOLE, SMALL, "a: \x07", "a: b: c\n", "a:\n\tb: 1\n", "a: 1\na: 2\n", "é: *x\n", "- - - 1", ""]
    found = [read(content) for content in hostile]
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    for content, before in zip(hostile, found, strict=True):
        after = read(content)
        assert (after.flow, after.positions) == (before.flow, before.positions)
        assert [(one.line, one.column) for one in after.problems] == [
            (one.line, one.column) for one in before.problems
        ]


@given(st.text() | st.binary() | st.text("{}[]:,-?&*!|>'\"%@` \n\ta1#").map(lambda text: f"name: a\n{text}"))
def test_no_text_makes_reading_fail(content):
    found = read(content)
    assert found.problems or found.flow


# JSON's escapes of other characters aren't YAML.
texts = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(schema()["properties"], json_values)))
def test_no_document_makes_reading_fail(document):
    assert read(json.dumps(document)).problems is not None


# --- the schema and the reader agree

_SMALL = yaml_source.read(SMALL).document
_BROKEN_STEPS = [
    {},
    [],
    None,
    "x",
    {"id": 1},
    {"filter": []},
    {"at_once": True},
    {"limit": 1.5},
    {"when": {}},
]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_the_schema_accepts_what_the_reader_accepts(data):
    document = json.loads(json.dumps(data.draw(st.sampled_from([yaml_source.read(WHOLE).document, _SMALL]))))
    places = list(_places(document))
    parent, key = data.draw(st.sampled_from(places))
    change = data.draw(st.sampled_from(["remove", "add", "replace"]))
    if change == "remove":
        del parent[key]
    elif change == "add" and isinstance(parent, dict):
        parent[data.draw(st.sampled_from(["x", "every", "events", "is", "cron", "limit"]))] = parent[key]
    else:
        parent[key] = data.draw(json_values | st.sampled_from(_BROKEN_STEPS))
    is_valid = Draft202012Validator(schema()).is_valid(document)
    found = read(json.dumps(document))
    found_by_schema = [problem for problem in found.problems if "must have 5 fields" not in problem.message]
    assert is_valid == (not found_by_schema), found.problems


def _places(value):
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])


def test_the_schema_is_one_for_editors():
    Draft202012Validator.check_schema(schema())
    assert schema()["$id"].startswith("urn:")
    undescribed = [
        path
        for path, rule in _rules(schema(), "")
        if "const" not in rule and not {"title", "description"} <= rule.keys()
    ]
    assert undescribed == []


def _rules(rule, path):
    for name, inner in rule.get("properties", {}).items():
        target = schema()["$defs"][inner["$ref"].rpartition("/")[2]] if "$ref" in inner else {}
        yield f"{path}.{name}", target | inner
        yield from _rules(inner, f"{path}.{name}")
    for name, inner in rule.get("$defs", {}).items():
        yield from _rules(inner, name)


# --- writing


def test_a_written_flow_reads_the_same():
    flow = parse(WHOLE)
    assert parse(write(flow)) == flow
    assert write(parse(write(flow))) == write(flow)


def test_what_is_usual_is_not_written():
    assert yaml.safe_load(write(parse(SMALL))) == _SMALL


@pytest.mark.parametrize("name", templates.names())
def test_a_template_is_written_and_read_again(name):
    flow = parse(templates.read(name))
    assert parse(write(flow)) == flow


printable = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n~{}:#'\"- 01e+.")
) | st.sampled_from(
    [
        "1e5",
        "no",
        "on",
        "007",
        "null",
        "~",
        "true",
        "12:30",
        "1_0",
        ".5",
        "2026-11-17",
        "=",
        "<<",
        "",
        " x",
        "x\n",
        "0o7",
    ]
)


@given(
    st.lists(
        st.tuples(
            printable.filter(bool),
            st.recursive(
                printable
                | st.integers(-(10**17), 10**17)
                | st.booleans()
                | st.none()
                | st.floats(-1e9, 1e9).map(lambda x: round(x, 3)),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(printable, inner, max_size=3),
                max_leaves=5,
            ),
        ),
        max_size=4,
    )
)
def test_any_rows_survive_writing_and_reading(rows):
    flow = parse(SMALL)
    step = Step("me", Call("calendly", "users.me", tuple(rows)))
    changed = Flow(flow.name, flow.connections, flow.trigger, (step,))
    assert parse(write(changed)).steps[0].call.rows == tuple(rows)


@pytest.mark.parametrize(
    ("text", "length_s"), [("0s", 0), ("90s", 90), ("2m", 120), ("36h", 129_600), ("2w", 1_209_600)]
)
def test_lengths_of_time(text, length_s):
    assert file.seconds(text) == length_s
