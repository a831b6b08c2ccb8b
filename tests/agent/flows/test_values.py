"""References: what they lead to, and that nothing which they lead to is ever evaluated."""

import pytest
from calendly_connector.agent.flows import references, values
from calendly_connector.agent.flows.model import Call, Condition, Step
from calendly_connector.agent.flows.problems import UnresolvedReference
from calendly_connector.agent.flows.references import EACH, Reference
from calendly_connector.catalog import expressions
from calendly_connector.contract import Plain
from hypothesis import given
from hypothesis import strategies as st

KNOWN = {
    "event": {
        "id": "e1",
        "kind": "invitee.created",
        "payload": {
            "email": "noor@client.example",
            "status": "active",
            "answers": {"How many?": "40", 'Say "hi"': "hi", "größe": "XL"},
            "questions_and_answers": [
                {"question": "What?", "answer": "Pricing"},
                {"question": "Which?", "answer": "Core, Reports"},
            ],
            "payment": None,
            "count": 3,
            "share": 0.5,
            "rescheduled": False,
            "guests": ["a@client.example", "b@client.example"],
            "start_time": "2026-11-24T13:00:00Z",
        },
    },
    "meetings": {
        "records": [{"uri": "u1", "hosts": [{"name": "Ada"}]}, {"uri": "u2", "hosts": []}],
        "extra": {},
    },
    "empty": {"records": []},
    "skipped": {"record": None, "records": [], "extra": {}, "items": []},
    "flow": {"name": "f", "url": "https://flows.acme.example/f"},
    "item": "~{Now}~",
}


def row(value, known=KNOWN):
    [(key, found)] = values.rows(Step("s", Call("c", "a", (("key", value),))), known)
    assert key == "key"
    return found


def failure(value, known=KNOWN):
    with pytest.raises(UnresolvedReference) as caught:
        row(value, known)
    return str(caught.value)


# --- grammar


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [
        ("event.payload.email", "event", ("payload", "email")),
        ("meetings.records[0].uri", "meetings", ("records", 0, "uri")),
        ("meetings.records[].uri", "meetings", ("records", EACH, "uri")),
        ('event.payload.answers["How many?"]', "event", ("payload", "answers", "How many?")),
        (r'event["a\"b\\"].c', "event", ('a"b\\', "c")),
        ("event.payload.größe", "event", ("payload", "größe")),
        ("my-step_2.record", "my-step_2", ("record",)),
        ("item", "item", ()),
        ("item[0]", "item", (0,)),
        (" event.id ", "event", ("id",)),
    ],
)
def test_a_reference(text, name, path):
    assert references.parse(f"~{{{text}}}~") == (Reference(name, path, text.strip()),)


@pytest.mark.parametrize(
    "text", ["Now", "Now+1d", "GetOrganizationUrl", "StartOfDay(Etc/GMT.x)", "A([0])", ""]
)
def test_a_function_is_no_reference(text):
    assert references.parse(f"~{{{text}}}~") == (expressions.Braced(text),)


@pytest.mark.parametrize(
    "text",
    [
        "event.",
        "event..id",
        "event[",
        "event[-1]",
        "event[x]",
        "event.a b",
        "event[0]x",
        'event["a]',
        'event["\\x"]',
        "event.id+1d",
    ],
)
def test_an_invalid_reference_is_rejected(text):
    with pytest.raises(expressions.ExpressionError, match=r"has (an )?invalid"):
        references.parse(f"~{{{text}}}~")


def test_a_path_is_shown_as_it_is_written():
    [reference] = references.parse('~{event.a[0][].b["How many?"]}~')
    assert references.shown(reference.name, reference.path) == 'event.a[0][].b["How many?"]'


# --- values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("~{event.payload.email}~", "noor@client.example"),
        ("~{event.payload.count}~", 3),
        ("~{event.payload.rescheduled}~", False),
        ("~{event.payload.payment}~", None),
        ("~{event.payload.guests}~", ["a@client.example", "b@client.example"]),
        ("~{event.payload.questions_and_answers[].answer}~", ["Pricing", "Core, Reports"]),
        ("~{meetings.records[].hosts[].name}~", [["Ada"], []]),
        ("~{meetings.records[1].uri}~", "u2"),
        ('~{event.payload.answers["How many?"]}~', "40"),
        (r'~{event.payload.answers["Say \"hi\""]}~', "hi"),
        ("~{event.payload.answers.größe}~", "XL"),
    ],
)
def test_a_value_that_is_one_reference_keeps_its_type(text, value):
    assert row(text) == Plain(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<~{event.payload.email}~>", "<noor@client.example>"),
        (" ~{event.payload.count}~", " 3"),
        ("~{event.payload.rescheduled}~!", "false!"),
        ("~{event.payload.payment}~.", "."),
        ("~{event.payload.share}~%", "0.5%"),
        ("Guests: ~{event.payload.guests}~", "Guests: a@client.example, b@client.example"),
        ("~{event.payload.answers}~\n", 'How many?: 40\nSay "hi": hi\ngröße: XL\n'),
        ("~{event.payload.questions_and_answers[].answer}~;", "Pricing, Core, Reports;"),
        ("= ~{meetings.records[1]}~", "= uri: u2\nhosts: "),
        (
            "= ~{meetings.records}~",
            '= [{"uri": "u1", "hosts": [{"name": "Ada"}]}, {"uri": "u2", "hosts": []}]',
        ),
        ("~~{event.id}~ is ~{event.id}~", "~{event.id}~ is e1"),
    ],
)
def test_in_a_longer_text_a_value_becomes_text(text, value):
    assert row(text) == Plain(value)


def test_references_are_resolved_at_any_depth_and_the_rest_stays_as_written():
    value = {
        "text": "~{event.id}~",
        "since": "~{Now-1d}~",
        "list": ["~{event.payload.count}~", 5],
        "~{event.id}~": 1,
    }
    assert row(value) == {
        "text": Plain("e1"),
        "since": "~{Now-1d}~",
        "list": [Plain(3), 5],
        "~{event.id}~": 1,
    }


@pytest.mark.parametrize(
    "value", ["plain", "~{Now+1d}~", "~~{event.id}~", 5, None, True, [], {"a": "~{Now}~"}]
)
def test_a_row_without_references_stays_as_written(value):
    assert row(value) == value


def test_what_is_inside_of_null_is_null():
    assert row("~{event.payload.payment.amount[0].x}~") == Plain(None)
    assert row("~{skipped.record.uri}~") == Plain(None)


# --- nothing from outside is evaluated

ATTACKS = [
    "~{GetSigningKey}~",
    "~{event.payload.email}~",
    "~~{GetSigningKey}~",
    "~{",
    "}~",
    "~{~{GetSigningKey}~}~",
    '~{event.payload.answers["~{GetSigningKey}~"]}~',
    "a,b",
    '{"a": "~{GetSigningKey}~"}',
    "true",
    "=cmd|' /C calc'!A0",
]


def sent(rows, schemas):
    """Return what a connection sends for the rows of a filter."""
    inputs, problems = expressions.gather(rows, schemas)
    assert problems == []
    return expressions.evaluate(inputs, lambda call: pytest.fail(f"evaluated {call}"))


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("kind", ["string", "array", "integer", "boolean", "object"])
def test_a_text_from_outside_is_sent_as_it_is(attack, kind):
    schema = {"key": {"type": kind}}
    known = {"event": {"payload": {"text": attack, "list": [attack], "map": {"x": attack}}}}
    expected = [attack] if kind == "array" else attack
    assert sent({"key": row("~{event.payload.text}~", known)}, schema) == {"key": expected}
    assert sent({"key": row("~{event.payload.list}~", known)}, schema) == {"key": [attack]}
    assert sent({"key": row("~{event.payload.map}~", known)}, {"key": {"type": "object"}}) == {
        "key": {"x": attack}
    }


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_text_from_outside_is_not_evaluated_inside_a_longer_text(attack):
    known = {"event": {"payload": {"name": attack}}}
    assert sent({"key": row("~{event.payload.name}~~{event.payload.name}~ ~~{x", known)}, {}) == {
        "key": f"{attack}{attack} ~{{x"
    }
    assert sent({"key": {"blocks": [row("Hi ~{event.payload.name}~", known)]}}, {}) == {
        "key": {"blocks": [f"Hi {attack}"]}
    }


@given(st.text() | st.lists(st.sampled_from(["~", "{", "}", "event.id", "Now", "~{", "}~"])).map("".join))
def test_no_text_from_outside_is_evaluated(text):
    known = {"event": {"id": text}}
    assert sent({"key": row("~{event.id}~", known)}, {"key": {"type": "string"}}) == {"key": text}
    assert sent({"key": row("~{event.id}~ ~{event.id}~", known)}, {}) == {"key": f"{text} {text}"}


def test_keys_from_outside_are_not_evaluated():
    known = {"event": {"payload": {"~{GetSigningKey}~": 1}}}
    assert sent({"key": row("~{event.payload}~", known)}, {}) == {"key": {"~{GetSigningKey}~": 1}}


# --- what leads to nothing


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "~{event.payload.emial}~",
            "~{event.payload.emial}~ leads to nothing: event.payload has no 'emial'. Did you mean 'email'?",
        ),
        ("~{evnt.id}~", "nothing is named 'evnt'. Did you mean 'event'?"),
        ("~{empty.records[0].uri}~", "empty.records contains nothing, so there is no [0]."),
        ("~{meetings.records[2]}~", "meetings.records contains 2 item(s), so there is no [2]."),
        ("~{meetings.records.uri}~", "is a list: write meetings.records[0].uri or meetings.records[].uri."),
        ("~{event.payload[0]}~", "event.payload isn't a list."),
        ("~{event.payload[].x}~", "event.payload is a mapping, not a list."),
        ("~{event.payload.count.x}~", "event.payload.count is a number, which has nothing inside."),
        ("~{event.payload.email[0]}~", "event.payload.email is text, which has nothing inside."),
        ("~{meetings.records[].hosts[0].name}~", "meetings.records[].hosts contains nothing"),
        ("~{Now}~ ~{event.id}~", "mixes references and functions."),
        ("~{event..id}~", "has an invalid reference"),
        ("~{event.id", "has a ~{ without }~"),
    ],
)
def test_a_reference_to_nothing_says_what_exists(text, message):
    assert message in failure(text)


def test_a_long_list_of_names_is_shortened():
    known = {"event": {f"name{number}": 1 for number in range(1000)}}
    assert failure("~{event.x}~", known).endswith("name10, name11 and 988 more.")


# --- lists


def test_the_items_of_a_list():
    assert values.items("~{meetings.records[].uri}~", KNOWN) == ["u1", "u2"]
    assert values.items("~{event.payload.payment}~", KNOWN) == []


@pytest.mark.parametrize(
    "text", ["~{event.payload.email}~", "~{event.payload}~", "a, b", "~{event.payload.count}~", "~{Now}~"]
)
def test_what_is_no_list_has_no_items(text):
    with pytest.raises(UnresolvedReference):
        values.items(text, KNOWN)


# --- conditions


@pytest.mark.parametrize(
    ("value", "operator", "operand", "holds"),
    [
        ("~{event.payload.status}~", "is", "active", True),
        ("~{event.payload.status}~", "is", "Active", False),
        ("~{event.payload.status}~", "is_not", "canceled", True),
        ("~{event.payload.count}~", "is", 3, True),
        ("~{event.payload.count}~", "is", "3", True),
        ('~{event.payload.answers["How many?"]}~', "is", 40, True),
        ("~{event.payload.rescheduled}~", "is", False, True),
        ("~{event.payload.rescheduled}~", "is", "false", True),
        ("~{event.payload.rescheduled}~", "is", 0, False),
        ("~{event.payload.payment}~", "is", None, True),
        ("~{event.payload.payment}~", "is", "", False),
        ("~{event.payload.payment.amount}~", "is", None, True),
        ("~{event.payload.status}~", "in", ["active", "canceled"], True),
        ("~{event.payload.status}~", "in", [], False),
        ("~{event.payload.status}~", "not_in", ["canceled"], True),
        ("u1", "not_in", "~{meetings.records[].uri}~", False),
        ("~{event.payload.guests}~", "contains", "a@client.example", True),
        ("~{event.payload.guests}~", "contains", "client.example", False),
        ("~{event.payload.email}~", "contains", "client.example", True),
        ("~{event.payload.answers}~", "contains", "How many?", True),
        ("~{event.payload.payment}~", "contains", "x", False),
        ("~{event.payload.email}~", "contains", 5, False),
        ("~{event.payload.email}~", "exists", True, True),
        ("~{event.payload.nothing.at.all}~", "exists", True, False),
        ("~{event.payload.nothing}~", "exists", False, True),
        ("~{event.payload.payment}~", "exists", False, True),
        ("~{empty.records}~", "exists", True, False),
        ("~{empty.records[0].uri}~", "exists", True, False),
        ("~{unknown.x}~", "exists", False, True),
        ("~{event.payload.count}~", "greater_than", 2, True),
        ("~{event.payload.count}~", "greater_than", 3, False),
        ("~{event.payload.count}~", "less_than", "10", True),
        ('~{event.payload.answers["How many?"]}~', "greater_than", 5, True),
        ("~{event.payload.start_time}~", "less_than", "2026-11-24T15:00:00+01:00", True),
        ("~{event.payload.start_time}~", "greater_than", "2026-11-24", True),
        ("~{item}~", "is", "~{item}~", True),
        ({"id": ["~{event.id}~"]}, "is", {"id": ["e1"]}, True),
    ],
)
def test_a_condition(value, operator, operand, holds):
    assert values.holds([Condition(value, operator, operand)], KNOWN) is holds


def test_all_conditions_must_hold():
    true, false = Condition(1, "is", 1), Condition(1, "is", 2)
    assert values.holds([], KNOWN)
    assert values.holds([true, true], KNOWN)
    assert not values.holds([true, false], KNOWN)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (Condition("~{event.payload.emial}~", "is", "x"), "has no 'emial'"),
        (
            Condition("~{event.payload.email}~", "is", "~{Now}~"),
            "is a function, which only works in a filter",
        ),
        (
            Condition("~{event.payload.email}~", "greater_than", 5),
            "Only two numbers or two times can be compared",
        ),
        (Condition("~{event.payload.payment}~", "less_than", 5), "not null and a number"),
        (Condition("~{event..x}~", "exists", operand=True), "has an invalid reference"),
    ],
)
def test_a_condition_that_makes_no_sense_is_an_error(condition, message):
    with pytest.raises(UnresolvedReference, match=message):
        values.holds([condition], KNOWN)


# --- what steps refer to


REFERRING = "~{flow.url}~"


@pytest.mark.parametrize(
    "step",
    [
        Step("s", Call("c", "a", (("url", REFERRING),))),
        Step("s", Call("c", "a", (("deep", {"list": [f"At {REFERRING}"]}),))),
        Step("s", Call("c", "a"), undo=Call("c", "b", (("url", REFERRING),))),
        Step("s", Call("c", "a"), for_each="~{flow.names}~"),
        Step("s", Call("c", "a"), (Condition(REFERRING, "is", "x"),)),
        Step("s", Call("c", "a"), (Condition("x", "in", [REFERRING]),)),
    ],
)
def test_a_name_is_found_wherever_a_step_refers_to_it(step):
    assert values.refers_to([Step("first", Call("c", "a")), step], ["flow"])
    assert not values.refers_to([step], ["flows"])


@pytest.mark.parametrize("text", ["flow.url", "~{Flow}~", "~{event.flow}~", "~{flow.", "~{flow..url}~"])
def test_other_and_invalid_texts_refer_to_nothing(text):
    assert not values.refers_to([Step("s", Call("c", "a", (("key", text),)))], ["flow"])
