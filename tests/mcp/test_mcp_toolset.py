"""The toolset that agents get over MCP: which tools, their schemas and hints, and search."""

import json
import re

import pytest
from calendly_connector.catalog.manifest import catalog
from calendly_connector.errors import (
    UnknownAction,
    UsageError,
)
from calendly_connector.hosts.mcp import pagination, schemas
from calendly_connector.hosts.mcp.tools import Tools
from calendly_connector.hosts.mcp.toolset import declared, groups, resource_of, select_tools, tool_name
from jsonschema import Draft202012Validator

EVERYTHING = sorted(set(map(resource_of, catalog())))
WRITES = {tool_name(action) for action in catalog().values() if action.effect != "read"}
SECRET = "signing_key"
ROOT_KEYWORDS = {"type", "properties", "required", "additionalProperties", "$defs"}


def tools_of(**options):
    return {tool.name: tool for tool in Tools(select_tools(**options), None, None).all()}


def test_the_default_tools_are_few_and_short():
    tools = tools_of()
    assert list(tools) == [
        *(name.replace(".", "_") for name in declared("tools.yaml")["default"]),
        "search_actions",
        "run_action",
        "list_options",
    ]
    listed = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools.values()]
    # 5,000 tokens; JSON has about three and a half characters per token.
    assert len(json.dumps({"tools": listed}, ensure_ascii=False)) < 16_500


def test_every_action_makes_a_valid_tool():
    tools = tools_of(only=EVERYTHING)
    assert len(tools) == len(catalog()) + 1
    for name, tool in tools.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]{2,49}", name)  # 64 with the prefix that some clients add
        assert tool.title
        assert 0 < len(tool.description) <= 1024
        assert all(re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", field) for field in tool.input_schema["properties"])
        assert set(tool.input_schema) <= ROOT_KEYWORDS
        for schema in (tool.input_schema, tool.output_schema):
            assert schema["type"] == "object"
            Draft202012Validator.check_schema(schema)
            assert '"x-' not in json.dumps(schema)


@pytest.mark.parametrize("action", catalog().values(), ids=lambda action: action.id)
def test_what_only_a_form_needs_costs_an_agent_nothing(action):
    def keywords(schema):
        if isinstance(schema, dict):
            yield from schema
            for key, value in schema.items():
                below = value.values() if key in {"properties", "$defs"} else [value]
                yield from (keyword for one in below for keyword in keywords(one))
        elif isinstance(schema, list):
            yield from (keyword for one in schema for keyword in keywords(one))

    for schema in (
        schemas.input_schema(action),
        schemas.output_schema(action),
        schemas.record_schema(action),
    ):
        assert "title" not in set(keywords(schema))
        assert not any(keyword.startswith("x-") for keyword in keywords(schema))


def test_a_field_called_title_is_kept():
    assert "title" in schemas.input_schema(catalog()["notes.create"])["properties"]
    assert "title" in schemas.record_schema(catalog()["notes.get"])["$defs"]["note"]["properties"]


@pytest.mark.parametrize("action", catalog().values(), ids=lambda action: action.id)
def test_a_tools_schemas_accept_the_examples_of_its_action(action):
    inputs, outputs = schemas.input_schema(action), schemas.output_schema(action)
    for example in action.examples:
        sent = {name: value for name, value in example["input"].items() if name not in action.secrets}
        Draft202012Validator(inputs).validate(sent)
        answer = {"one": {"record": example["output"]}, "none": {"done": True}}.get(
            action.returns, {"records": [example["output"]], "complete": True}
        )
        Draft202012Validator(outputs).validate(answer)


@pytest.mark.parametrize("action", catalog().values(), ids=lambda action: action.id)
def test_a_tool_has_the_hints_of_its_action(action):
    tool = tools_of(only=[action.id])[tool_name(action)]
    hints = tool.annotations.model_dump(by_alias=True)
    assert {name: hint for name, hint in hints.items() if hint is not None} == action.hints
    assert tool.title == action.title


def test_no_tool_has_a_secret_input():
    text = json.dumps([tool.input_schema for tool in tools_of(only=EVERYTHING).values()])
    assert SECRET not in text
    assert any(action.secrets for action in catalog().values())


def test_descriptions_name_tools_instead_of_actions():
    for tool in tools_of(only=EVERYTHING).values():
        text = json.dumps([tool.description, tool.input_schema])
        assert not [action for action in catalog() if re.search(rf"\b{re.escape(action)}\b", text)]


def test_an_input_with_a_pick_list_says_that_it_accepts_a_name():
    field = tools_of(only=["invitees"])["invitees_create"].input_schema["properties"]["event_type"]
    assert field["description"].endswith("Also accepts a name.")
    assert "format" not in field


@pytest.mark.parametrize("action", catalog().values(), ids=lambda action: action.id)
def test_the_schema_accepts_a_resource_by_uri_and_by_id(action):
    tool = schemas.input_schema(action)["properties"]
    for name, rule in action.inputs.items():
        if "x-resource" in rule:
            fits = Draft202012Validator(tool[name], format_checker=Draft202012Validator.FORMAT_CHECKER)
            assert fits.is_valid("https://api.calendly.com/things/7121342e-f121-5781-bef6-a20c5dcd7dc3")
            assert fits.is_valid("7121342e-f121-5781-bef6-a20c5dcd7dc3")
            assert "x-options" in rule or "pattern" not in rule or not fits.is_valid("a b")


@pytest.mark.parametrize("name", declared("tools.yaml")["default"])
def test_a_default_tool_has_a_short_form_of_its_schema(name):
    action = catalog()[name]
    short, full = schemas.short_input_schema(action), schemas.input_schema(action)
    assert set(short["properties"]) <= set(full["properties"])
    assert set(full.get("required", ())) <= set(short["properties"])
    assert len(json.dumps(short)) < len(json.dumps(full))
    for field, rule in short["properties"].items():
        assert rule["type"] == full["properties"][field]["type"]
        assert "description" in rule or field in pagination.INPUTS
    for example in action.examples:
        kept = {field: value for field, value in example["input"].items() if field in short["properties"]}
        Draft202012Validator(short).validate(kept)


def test_short_forms_are_those_of_the_default_tools():
    content = declared("tools.yaml")
    assert list(content["short"]) == content["default"]


def test_search_returns_the_full_form_and_a_tool_accepts_its_inputs(sandbox, serve):
    with serve(sandbox) as agent:
        tool = next(tool for tool in agent.list_tools().tools if tool.name == "meetings_list")
        assert "group" not in tool.input_schema["properties"]
        found = agent.get("search_actions", query="meetings_list", limit=1)["actions"][0]
        assert found["input"] == schemas.input_schema(catalog()["meetings.list"])
        assert all("answers" in row for row in agent.get("meetings_list", answers=False)["records"])


def test_only_offers_the_full_form():
    tool = tools_of(only=["meetings"])["meetings_list"]
    assert tool.input_schema == schemas.input_schema(catalog()["meetings.list"])
    assert tool.description == schemas.description(catalog()["meetings.list"])


def test_a_read_only_server_has_no_tool_that_writes():
    assert not WRITES & tools_of(read_only=True).keys()
    assert not WRITES & tools_of(only=EVERYTHING, read_only=True).keys()
    assert all(tool.annotations.read_only_hint for tool in tools_of(read_only=True).values())
    assert not tools_of()["run_action"].annotations.read_only_hint


def test_only_accepts_groups_resources_actions_aliases_and_tools():
    def available(*only):
        return set(select_tools(only).actions)

    assert available("scheduled_events.cancel") == {"scheduled_events.cancel"}
    assert available("scheduled_events_cancel") == {"scheduled_events.cancel"}
    assert available("book") == {"invitees.create"}
    assert available("forms") == {
        action for action in catalog() if action.startswith(("routing_form", "forms."))
    }
    assert available("teams", "users.me") == {"teams.list", "teams.get", "users.me"}


def test_only_makes_other_actions_unavailable():
    tools = tools_of(only=["users.me"])
    assert set(tools) == {"users_me", "list_options"}
    with pytest.raises(UnknownAction, match="not available on this server"):
        select_tools(["users.me"]).find("scheduled_events_list")


def test_only_rejects_an_unknown_name_with_the_nearest_name_and_the_groups():
    with pytest.raises(UsageError, match=r"'bookin'\. Did you mean booking.*availability"):
        select_tools(["bookin"])
    with pytest.raises(UsageError, match="No tools left"):
        select_tools(["book"], read_only=True)


def test_the_groups_contain_every_action_and_declared_names_exist():
    content = declared("tools.yaml")
    assert set().union(*groups().values()) == catalog().keys()
    assert {*content["default"], content["organization"]} <= catalog().keys()
    assert not groups().keys() & set(map(tool_name, catalog().values()))
    named_like_a_resource = groups().keys() & set(EVERYTHING)
    assert all(
        any(resource_of(action) == name for action in groups()[name]) for name in named_like_a_resource
    )


def test_a_group_has_all_actions_that_one_kind_of_work_needs():
    booking = {resource_of(action) for action in groups()["booking"]}
    assert {"slots", "bookings", "event_types", "links", "event_type_available_times", "users"} <= booking
    assert not booking & {"organization_memberships", "contacts", "webhook_subscriptions"}
    follow_up = {resource_of(action) for action in groups()["follow_up"]}
    assert {"meetings", "bookings", "slots", "invitee_no_shows", "meeting_recaps", "notes"} <= follow_up
    assert set(groups()["webhooks"]) == {
        action
        for action in catalog()
        if action.startswith(("webhook_subscriptions.", "sample_webhook_data."))
    }


def test_every_resource_that_an_input_names_can_be_read_or_listed():
    inputs = (rule for action in catalog().values() for rule in action.inputs.values())
    named = [rule for rule in inputs if "x-resource" in rule]
    for rule in named:
        kinds = rule["x-resource"]
        readers = {f"{kind}.get" for kind in ([kinds] if isinstance(kinds, str) else kinds)}
        assert readers <= catalog().keys() or "x-options" in rule


def test_prompts_name_the_tools_they_need_and_no_unavailable_ones():
    offer = select_tools()
    for prompt in declared("prompts.yaml").values():
        named = {
            word
            for word in re.findall(r"[a-z]+(?:_[a-z]+)+", prompt["text"])
            if word in map(tool_name, catalog().values())
        }
        assert set(map(tool_name, (catalog()[name] for name in prompt["needs"]))) <= named
        assert named <= set(map(tool_name, offer.actions.values()))
        assert named <= offer.tools.keys() or "run_action" in prompt["text"]
        for rule in prompt["arguments"].values():
            if "pick" in rule:
                action, field = rule["pick"]
                assert "x-options" in catalog()[action].inputs[field]


@pytest.mark.parametrize(
    ("query", "action"),
    [
        ("create webhook", "webhook_subscriptions.create"),
        ("contact list add", "contact_lists.add_contacts"),
        ("busy times", "user_busy_times.list"),
        ("transcript", "meeting_transcripts.get"),
        ("invite someone", "organization_invitations.create"),
        ("mark no-show", "invitee_no_shows.create"),
        ("scheduled_events.cancel", "scheduled_events.cancel"),
        ("activity log", "activity_log_entries.list"),
        ("update the length of an event type", "event_types.update"),
    ],
)
def test_search_finds_actions_by_words(query, action):
    assert action in [found.id for found in select_tools().search(query)[:3]]


def test_search_finds_nothing_for_unrelated_words():
    assert select_tools().search("zebra !?") == []
    assert select_tools().search("of a to") == []
