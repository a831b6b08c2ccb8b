"""The fields of forms and the values for later steps: what is declared, and what is made of it."""

import itertools
import json
import re
from importlib.resources import files
from typing import get_args

import jsonschema_rs
import pytest
from calendly_connector.catalog import json_schema, paths
from calendly_connector.catalog.fields import form_fields, output_fields
from calendly_connector.catalog.manifest import catalog, manifest
from calendly_connector.contract import Field, FieldType, Option, OutputField
from hypothesis import given
from hypothesis import strategies as st

TYPES = get_args(FieldType)
EVERYTHING = {**catalog(), **manifest().triggers}
each = pytest.mark.parametrize("name", EVERYTHING)
SCHEMAS = sorted(
    str(path.relative_to(root))
    for root in [files("calendly_connector.schemas")]
    for path in root.rglob("*.json")
    if path.name != "pick_lists.json"
)
each_schema = pytest.mark.parametrize("schema", SCHEMAS)
TITLE = re.compile(r"[A-Z][A-Za-z]*(?:-[a-z]+)*(?: [A-Za-z]+(?:-[a-z]+)*)*(?: \([A-Za-z ]+\))?")
CAPITALS = {"API", "HTML", "ID", "URI", "URL", "UTM", "Calendly", "Markdown", "LinkedIn", "Salesforce"}


def everything_below(fields):
    for field in fields:
        yield field
        yield from everything_below(field.fields)


def by_path(fields):
    return {field.path: field for field in everything_below(fields)}


def schemas_within(node):
    """Yield each schema in a file, except those of conditions and examples."""
    if isinstance(node, list):
        for item in node:
            yield from schemas_within(item)
    elif isinstance(node, dict) and "if" not in node:
        yield node
        for key, value in node.items():
            if key == "properties":
                yield from schemas_within(list(value.values()))
            elif key in {
                "input",
                "output",
                "payload",
                "items",
                "additionalProperties",
                "allOf",
                "anyOf",
                "oneOf",
            }:
                yield from schemas_within(value)


def properties_of(content):
    for schema in schemas_within(content):
        yield from schema.get("properties", {}).items()


def wrongly_titled(content):
    """Return the names of properties whose title is missing, isn't first or isn't a label."""
    return [
        name
        for name, rule in properties_of(content)
        if next(iter(rule), "") != "title" or not is_label(rule["title"])
    ]


def is_label(title):
    words = re.findall(r"[A-Za-z]+", title)
    shouted = [word for word in words[1:] if word != word.lower() and word not in CAPITALS]
    return bool(TITLE.fullmatch(title)) and len(title) <= 40 and not shouted


# --- what is declared


@each_schema
def test_every_property_has_a_title_that_is_a_label(schema):
    assert wrongly_titled(json_schema.read(schema)) == []


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "string"},
        {"type": "string", "title": "Start time"},  # not first
        {"title": ""},
        {"title": "start time"},
        {"title": "Start_time"},
        {"title": "Start Time"},
        {"title": "Start time."},
        {"title": " Start time"},
        {"title": "A title that explains far too much for a label"},
    ],
)
def test_a_property_without_a_label_is_found_at_any_depth(rule):
    for content in (
        {"input": {"properties": {"wrong": rule}}},
        {"output": {"anyOf": [{"items": {"allOf": [{"properties": {"wrong": rule}}]}}]}},
        {"payload": {"properties": {"outer": {"title": "Outer", "properties": {"wrong": rule}}}}},
    ):
        assert wrongly_titled(content) == ["wrong"]


@each_schema
def test_the_titles_beside_each_other_differ(schema):
    for one in schemas_within(json_schema.read(schema)):
        titles = [rule["title"] for rule in one.get("properties", {}).values()]
        assert sorted(set(titles)) == sorted(titles)


@each_schema
def test_the_keywords_of_forms_have_values_that_a_form_knows(schema):
    for one in schemas_within(json_schema.read(schema)):
        assert one.get("x-group", "advanced") == "advanced"
        assert one.get("x-type", "time-zone") in TYPES
        assert set(one.get("x-labels", ())) <= {str(value) for value in one.get("enum", ())}
        placeholder = one.get("x-placeholder", "short")
        assert 0 < len(placeholder) < 50
        assert "@" not in placeholder or placeholder.endswith(".example")


@each
def test_every_field_can_be_drawn(name):
    found = list(everything_below(EVERYTHING[name].fields))
    assert len({field.path for field in found}) == len(found)
    for field in found:
        assert field.title
        assert field.description
        assert field.type in TYPES
        assert not field.secret
        assert not field.fields or field.type == "object"
        assert not field.required or field.group == "main"
        assert bool(field.expected) or not field.pattern
        re.compile(field.pattern)
        for option in field.choices:
            assert re.fullmatch(r"[A-Z0-9][^_:]*", option.label)
        assert len({option.label for option in field.choices}) == len(field.choices)


@each
def test_the_fields_are_the_inputs_in_their_order(name):
    one = EVERYTHING[name]
    schema = one.filters if name in manifest().triggers else one.input
    secrets = getattr(one, "secrets", frozenset())
    assert [field.path for field in one.fields] == [key for key in schema["properties"] if key not in secrets]
    required = {field.path for field in one.fields if field.required}
    assert required == set(schema.get("required", ())) - secrets


@each
def test_a_placeholder_is_a_value_that_the_field_accepts(name):
    one = EVERYTHING[name]
    root = one.filters if name in manifest().triggers else one.input
    for field in everything_below(one.fields):
        if field.placeholder and field.type != "object":
            rules = paths.rules(root, field.path.replace("[]", ""))
            readers = [
                jsonschema_rs.Draft202012Validator(dict(rule), validate_formats=True)
                for rule in rules
                if "x-resource" not in rule
            ]
            assert all(reader.is_valid(field.placeholder) for reader in readers), field.path


@each
def test_every_value_of_a_record_has_a_title_and_a_type(name):
    found = EVERYTHING[name].outputs
    assert len({output.path for output in found}) == len(found)
    for output in found:
        assert output.title
        assert output.type in TYPES
    assert bool(found) is (getattr(EVERYTHING[name], "returns", "one") != "none")


@each
def test_an_example_of_a_value_has_its_type(name):
    types = {"boolean": bool, "integer": int, "number": int | float, "object": dict | list | str}
    for output in EVERYTHING[name].outputs:
        if output.example is not None and output.type in types:
            assert isinstance(output.example, types[output.type]), output


def test_webhook_events_are_labeled_with_the_titles_of_their_triggers():
    field = by_path(catalog()["webhook_subscriptions.create"].fields)["events"]
    labels = {option.value: option.label for option in field.choices}
    assert labels == {name: manifest().triggers[name].title for name in labels}


def test_most_people_never_open_the_advanced_part():
    fields = by_path(catalog()["bookings.create"].fields)
    advanced = [path for path, field in fields.items() if field.group == "advanced"]
    assert advanced == ["invitee.text_reminder_number", "tracking", "client_key", "timezone", "dry_run"]


# --- fields of some actions


def drawn(field):
    """Return a field with its nested ones drawn: what a form shows of it, without the descriptions."""
    marks = {
        "required": field.required,
        "advanced": field.group == "advanced",
        "list": field.is_list,
        "multiline": field.multiline,
        "options": field.has_options,
    }
    shown = " ".join([field.type, *(mark for mark, is_set in marks.items() if is_set)])
    inner = {one.name: drawn(one) for one in field.fields}
    return (field.title, shown, inner) if inner else (field.title, shown)


def form(name):
    return {field.path: drawn(field) for field in EVERYTHING[name].fields}


UTM = ("campaign", "source", "medium", "content", "term")


def test_the_form_of_a_booking_through_the_api():
    assert form("invitees.create") == {
        "event_type": ("Event type", "text required options"),
        "start_time": ("Start time", "date-time required options"),
        "invitee": (
            "Invitee",
            "object required",
            {
                "name": ("Name", "text"),
                "first_name": ("First name", "text"),
                "last_name": ("Last name", "text"),
                "email": ("Email", "email required"),
                "timezone": ("Time zone", "time-zone required options"),
                "text_reminder_number": ("Text reminder number", "text advanced"),
            },
        ),
        "location": (
            "Location",
            "object",
            {
                "kind": ("Location kind", "text required options"),
                "location": ("Place or phone number", "text options"),
            },
        ),
        "questions_and_answers": (
            "Questions and answers",
            "object list",
            {
                "question": ("Question", "text required options"),
                "answer": ("Answer", "text required multiline options"),
                "position": ("Position", "number required"),
            },
        ),
        "tracking": (
            "Tracking",
            "object advanced",
            {
                **{f"utm_{name}": (f"UTM {name}", "text required") for name in UTM},
                "salesforce_uuid": ("Salesforce record ID", "text required"),
            },
        ),
        "event_guests": ("Guests", "email list"),
    }


def test_the_form_of_the_booking_recipe():
    assert form("bookings.create") == {
        "event_type": ("Event type", "text required options"),
        "start_time": ("Start time", "date-time required options"),
        "invitee": (
            "Invitee",
            "object required",
            {
                "name": ("Name", "text"),
                "first_name": ("First name", "text"),
                "last_name": ("Last name", "text"),
                "email": ("Email", "email required"),
                "timezone": ("Time zone", "time-zone options"),
                "text_reminder_number": ("Text reminder number", "text advanced"),
            },
        ),
        "answers": ("Answers", "object options"),
        "location": (
            "Location",
            "object",
            {
                "kind": ("Location kind", "text options"),
                "location": ("Place or phone number", "text options"),
            },
        ),
        "guests": ("Guests", "email list"),
        "tracking": (
            "Tracking",
            "object advanced",
            {
                **{f"utm_{name}": (f"UTM {name}", "text") for name in UTM},
                "salesforce_uuid": ("Salesforce record ID", "text"),
            },
        ),
        "client_key": ("Booking key", "text advanced"),
        "timezone": ("Time zone", "time-zone advanced options"),
        "dry_run": ("Dry run", "boolean advanced"),
    }


def test_the_form_of_a_webhook_subscription_leaves_out_the_signing_key():
    assert form("webhook_subscriptions.create") == {
        "url": ("Callback URL", "uri required"),
        "events": ("Events", "text required list"),
        "scope": ("Scope", "text required"),
        "organization": ("Organization", "text advanced options"),
        "user": ("User", "text options"),
        "group": ("Group", "text options"),
    }
    fields = by_path(catalog()["webhook_subscriptions.create"].fields)
    assert fields["url"].placeholder == "https://hooks.acme.example/calendly"
    assert re.match(fields["url"].pattern, fields["url"].placeholder)
    assert fields["url"].expected == "an https:// URL (http:// is allowed for localhost only)"
    assert fields["organization"].default == "~{GetOrganizationUrl}~"
    assert fields["events"].choices[0] == Option("Invitee created", "invitee.created")
    assert fields["scope"].choices == (
        Option("Organization", "organization"),
        Option("User", "user"),
        Option("Group", "group"),
    )


def test_the_form_of_a_list():
    assert form("scheduled_events.list") == {
        "user": ("Host", "text options"),
        "organization": ("Organization", "text options"),
        "group": ("Group", "text options"),
        "invitee_email": ("Invitee email", "email"),
        "status": ("Status", "text"),
        "min_start_time": ("Earliest start time", "date-time"),
        "max_start_time": ("Latest start time", "date-time"),
        "sort": ("Sort order", "text advanced"),
        "count": ("Records per page", "integer advanced"),
        "page_token": ("Page token", "text advanced"),
    }
    fields = by_path(catalog()["scheduled_events.list"].fields)
    assert fields["count"].default == 100
    assert fields["user"].default == "~{GetUserUrl}~"
    assert [option.label for option in fields["sort"].choices] == ["Earliest first", "Latest first"]


def test_the_filters_of_a_trigger_are_a_form():
    assert form("invitee.created") == {
        "event_type": ("Event type", "text options"),
        "host": ("Host", "text options"),
        "group": ("Group", "text options"),
        "invitee": ("Internal or external", "text"),
        "first_time": ("First booking", "boolean"),
        "answers": ("Answers", "object options"),
        **{f"utm_{name}": (f"UTM {name}", "text advanced") for name in ("source", "medium")},
        **{f"utm_{name}": (f"UTM {name}", "text advanced") for name in ("campaign", "content", "term")},
    }
    assert EVERYTHING["meeting_recap.created"].fields == ()


def test_a_field_in_a_list_in_a_list_has_the_whole_path():
    fields = by_path(catalog()["shares.create"].fields)
    assert fields["availability_rule.rules[].intervals[].from"].expected == "a time of day such as 09:00"
    assert fields["availability_rule.rules[].intervals[].from"].name == "from"


def test_a_pattern_of_ids_does_not_reject_a_uri_or_a_name():
    [field] = catalog()["event_types.get"].fields
    assert (field.title, field.type, field.pattern) == ("Event type", "text", "")
    assert field.expected == "an event type URI or ID"


# --- outputs


def outputs(name):
    return {output.path: output for output in EVERYTHING[name].outputs}


def test_the_values_of_a_record_are_those_in_its_objects_and_lists():
    found = outputs("scheduled_events.get")
    assert found["name"] == OutputField("name", "Name", "text", "Intro call")
    assert found["location.join_url"].type == "uri"
    assert found["location.data"].type == "object"  # free-form
    assert found["event_memberships[].user_name"] == OutputField(
        "event_memberships[].user_name", "Host name", "text", "Ada Okafor"
    )
    assert "location" not in found
    assert "event_memberships" not in found


def test_a_payload_that_extends_a_shape_has_the_values_of_both():
    found = outputs("invitee.created")
    assert found["email"].example == "noor@client.example"
    assert found["scheduled_event.name"].example == "Intro call"
    assert found["scheduled_event.start_time"].type == "date-time"


def test_a_reschedule_has_the_values_of_the_old_and_the_new_booking():
    found = outputs("invitee.rescheduled")
    assert found["old.scheduled_event.start_time"].example != found["new.scheduled_event.start_time"].example


def test_an_action_that_returns_nothing_has_no_outputs():
    assert catalog()["webhook_subscriptions.delete"].outputs == ()


def test_an_example_may_lack_a_value():
    assert outputs("invitees.create")["payment.amount"].example is None


# --- schemas that nobody should write


def one(rule, **more):
    [field] = form_fields({"properties": {"it": rule}, **more})
    return field


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ({"type": "string"}, "text"),
        ({"type": ["string", "null"]}, "text"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "string", "format": "time"}, "text"),
        ({"type": "integer", "format": "date"}, "integer"),
        ({"type": ["null", "integer"]}, "integer"),
        ({"type": ["integer", "number"]}, "number"),
        ({"type": ["integer", "string"]}, "text"),
        ({"type": ["object", "string"]}, "text"),
        ({"type": "null"}, "text"),
        ({"type": []}, "text"),
        ({}, "text"),
        (True, "text"),
        (False, "text"),
        ({"properties": {"a": {}}}, "object"),
        ({"type": "object"}, "object"),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, "boolean"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "number"),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "email"}]}, "text"),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, "date"),
        ({"anyOf": [{"type": "null"}]}, "text"),
        ({"allOf": [{"type": "string"}, {"format": "uri"}]}, "uri"),
        ({"type": "string", "format": "uri", "x-resource": "users"}, "text"),
        ({"type": "string", "x-type": "time-zone"}, "time-zone"),
    ],
)
def test_the_type_of_a_field(rule, kind):
    assert one(rule).type == kind
    assert not one(rule).is_list


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ({"type": "array"}, "text"),
        ({"items": {"type": "integer"}}, "integer"),
        ({"type": ["array", "null"], "items": {"type": "string", "format": "email"}}, "email"),
        ({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}, "text"),
        ({"type": "array", "items": True}, "text"),
        ({"type": "array", "items": {"properties": {"a": {}}}}, "object"),
    ],
)
def test_the_type_of_a_list_is_that_of_its_items(rule, kind):
    assert one(rule).type == kind
    assert one(rule).is_list


def test_a_title_is_never_taken_from_a_shape_or_a_name():
    shape = {"$defs": {"shape": {"title": "Shape", "type": "string"}}}
    assert one({"$ref": "#/$defs/shape", "title": "Own"}, **shape).title == "Own"
    assert one({"type": "array", "items": {"title": "Item"}}).title == ""


def test_choices_leave_out_null_and_are_texts():
    field = one({"type": ["integer", "null"], "enum": [5, 10, None, 5], "x-labels": {"5": "Five minutes"}})
    assert field.choices == (Option("Five minutes", "5"), Option("10", "10"))
    assert one({"items": {"enum": ["no_show"]}}).choices == (Option("No show", "no_show"),)
    assert one({"const": "EventType"}).choices == (Option("EventType", "EventType"),)
    assert one({"type": "boolean", "const": True}).choices == ()


def test_secrets_are_left_out_at_any_depth():
    secret = {"type": "string", "writeOnly": True}
    assert form_fields({"properties": {"key": secret}, "required": ["key"]}) == ()
    assert one({"type": "object", "properties": {"key": secret}}).fields == ()


def test_a_default_of_the_action_takes_precedence_and_stays_at_the_top():
    inner = {"properties": {"it": {"default": 3}}}
    [field] = form_fields({"properties": {"it": {"default": 1, **inner}}}, defaults={"it": 2})
    assert (field.default, field.fields[0].default) == (2, 3)


def test_options_and_what_they_depend_on_are_found_in_items():
    listed = {"items": {"type": "string", "x-options": {"action": "users.list"}, "x-depends-on": ["user"]}}
    assert (one(listed).has_options, one(listed).depends_on) == (True, ("user",))
    assert (one({}).has_options, one({}).depends_on) == (False, ())


def test_a_condition_adds_no_field_and_requires_none():
    condition = {"if": {"required": ["it"]}, "then": {"required": ["other"], "properties": {"other": {}}}}
    fields = form_fields(
        {"properties": {"it": {}}, "allOf": [condition], "anyOf": [{"required": ["it"]}, {}]}
    )
    assert [(field.path, field.required) for field in fields] == [("it", False)]


def test_a_union_of_objects_has_the_fields_of_each_and_requires_those_of_all():
    union = {
        "anyOf": [
            {"type": "object", "required": ["a", "b"], "properties": {"a": {"title": "First"}, "b": {}}},
            {"type": "object", "required": ["a"], "properties": {"a": {"title": "Second"}, "c": {}}},
            {"type": "null"},
        ]
    }
    field = one(union)
    assert [(inner.path, inner.required) for inner in field.fields] == [
        ("it.a", True),
        ("it.b", False),
        ("it.c", False),
    ]
    assert field.fields[0].title == "First"


TREE = {
    "$defs": {
        "tree": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "parent": {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]},
                "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
            },
        },
        "loop": {"$ref": "#/$defs/loop"},
        "ping": {"allOf": [{"$ref": "#/$defs/pong"}]},
        "pong": {"anyOf": [{"$ref": "#/$defs/ping"}]},
        "lists": {"type": "array", "items": {"$ref": "#/$defs/lists"}},
    }
}


def test_a_shape_inside_itself_is_one_free_form_value():
    field = one({"$ref": "#/$defs/tree"}, **TREE)
    assert [(inner.path, inner.type, inner.fields) for inner in field.fields] == [
        ("it.name", "text", ()),
        ("it.parent", "object", ()),
        ("it.children", "object", ()),
    ]
    found = output_fields({"properties": {"it": {"$ref": "#/$defs/tree"}}, **TREE})
    assert [output.path for output in found] == ["it.name", "it.parent", "it.children[]"]


def test_a_shape_may_occur_twice_beside_itself():
    both = {"properties": {"one": {"$ref": "#/$defs/tree"}, "two": {"$ref": "#/$defs/tree"}}, **TREE}
    assert [len(field.fields) for field in form_fields(both)] == [3, 3]


@pytest.mark.parametrize("shape", ["loop", "ping", "pong", "lists"])
def test_references_in_a_circle_end(shape):
    schema = {"properties": {"it": {"$ref": f"#/$defs/{shape}"}}, **TREE}
    assert len(form_fields(schema)) == 1
    assert len(output_fields(schema, {"it": []})) == 1


def test_the_example_of_a_list_is_of_its_first_item_that_has_the_value():
    schema = {"properties": {"it": {"items": {"properties": {"a": {"type": "integer"}}}}}}
    assert output_fields(schema, {"it": [{}, {"a": None}, {"a": 2}]})[0].example == 2
    for example in (None, [], {"it": None}, {"it": []}, {"it": "text"}, {"other": 1}, "text"):
        assert output_fields(schema, example)[0].example is None


names = st.sampled_from(["a", "b", "title", "properties", "items"])
keywords = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(
            ["string", "array", "object", "null", ["string", "null"], ["array", "object"]]
        ),
        "title": st.text(max_size=3),
        "format": st.sampled_from(["uri", "unknown"]),
        "enum": st.lists(st.none() | st.booleans() | st.integers() | st.text(max_size=3), max_size=3),
        "default": st.none() | st.integers(),
        "writeOnly": st.booleans(),
        "$ref": st.sampled_from(["#/$defs/a", "#/$defs/b"]),
    },
)


def extended(schemas):
    few = st.lists(schemas, max_size=2)
    more = {
        "properties": st.dictionaries(names, schemas, max_size=2),
        "required": st.lists(names, max_size=2),
        "items": schemas,
        "allOf": few,
        "anyOf": few,
        "oneOf": few,
    }
    return st.builds(lambda own, rest: {**own, **rest}, keywords, st.fixed_dictionaries({}, optional=more))


schemas = st.recursive(keywords | st.booleans(), extended, max_leaves=6)
values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=6,
)


@given(root=extended(schemas), a=schemas, b=schemas, example=values)
def test_any_schema_has_fields_and_outputs(root, a, b, example):
    schema = {**root, "$defs": {"a": a if isinstance(a, dict) else {}, "b": b if isinstance(b, dict) else {}}}
    for field in itertools.islice(everything_below(form_fields(schema)), 500):
        assert isinstance(field, Field)
        assert field.type in TYPES
        assert field.path.endswith(field.name)
    for output in output_fields(schema, example):
        assert output.type in TYPES
        json.dumps(output.example)
