"""MCP resources and prompts: the account, the actions, common tasks and completion."""

import json

import mcp_types as types
import pytest
from agents import MODES, complete, read_resource, scripted
from calendly_connector.catalog.manifest import catalog
from calendly_connector.contract import Result
from calendly_connector.hosts.mcp.toolset import declared
from mcp import MCPError

SECRET = "signing_key"


@pytest.mark.parametrize("mode", MODES)
def test_the_account_resource_has_user_organization_plan_and_remaining_requests(make_sandbox, serve, mode):
    with make_sandbox(rate_limit=500) as limited, serve(limited, mode=mode) as agent:
        account = read_resource(agent, "calendly://account")
    assert account["ok"] is True
    assert account["now"] == "2026-11-18T11:06:40Z"
    assert account["user"]["email"] == "ada@acme.example"
    assert account["role"] == "owner"
    assert (account["organization"]["name"], account["organization"]["plan"]) == ("Acme GmbH", "teams")
    assert account["requests_a_minute"] == {"limit": 500, "remaining": 497}


def test_an_account_that_cannot_be_read_says_why(sandbox, serve):
    with scripted(Result("x")) as agent:
        account = read_resource(agent, "calendly://account")
        assert (account["ok"], account["fix"]) == (False, "Create a new one.")
    with serve(sandbox, token="sandbox-users-only") as agent:
        assert "The plan is unknown" in json.dumps(read_resource(agent, "calendly://account")["notes"])


def test_the_actions_can_be_read_as_resources(sandbox, serve):
    with serve(sandbox) as agent:
        assert [str(resource.uri) for resource in agent.list_resources().resources] == [
            "calendly://account",
            "calendly://actions",
        ]
        lines = read_resource(agent, "calendly://actions")
        assert len(lines) == len(catalog())
        template = agent.list_resource_templates().resource_templates[0].uri_template
        for line in lines:
            details = read_resource(agent, template.replace("{action}", line["action"]))
            assert details["id"] == line["action"] or details["action"] == line["action"]
            assert SECRET not in json.dumps(details["input"])
        with pytest.raises(MCPError, match="Unknown tool or action 'nope'"):
            agent.read_resource("calendly://actions/nope")
        with pytest.raises(MCPError, match="Unknown resource 'calendly://x'"):
            agent.read_resource("calendly://x")


def test_prompts_are_filled_in_with_the_current_date(sandbox, serve):
    with serve(sandbox) as agent:
        assert [prompt.name for prompt in agent.list_prompts().prompts] == list(declared("prompts.yaml"))
        text = agent.get_prompt("reschedule", {"meeting": "$noor ${x}"}).messages[0].content.text
        assert "Move this meeting: $noor ${x}." in text
        assert "Today is Wednesday, 2026-11-18 (UTC)" in text
        for name, prompt in declared("prompts.yaml").items():
            arguments = {field: "x" for field, rule in prompt["arguments"].items() if rule.get("required")}
            assert "$" not in agent.get_prompt(name, arguments).messages[0].content.text
        with pytest.raises(MCPError, match="meeting: is missing"):
            agent.get_prompt("reschedule")
        with pytest.raises(MCPError, match="foo: is not an argument"):
            agent.get_prompt("reschedule", {"meeting": "x", "foo": "y"})
        with pytest.raises(MCPError, match="Unknown prompt 'nope'"):
            agent.get_prompt("nope")


def test_arguments_are_completed_from_pick_lists_and_action_names(sandbox, serve):
    with serve(sandbox) as agent:
        assert complete(agent, "find_a_time", "event_type", "int").values == ["Intro call"]
        assert complete(agent, "find_a_time", "period", "").values == []
        assert complete(agent, "nope", "x", "").values == []
        template = types.ResourceTemplateReference(uri="calendly://actions/{action}")
        found = agent.complete(template, {"name": "action", "value": "cancel"}).completion
        assert found.values == ["bookings_cancel", "scheduled_events_cancel"]
        other = types.ResourceTemplateReference(uri="calendly://x/{y}")
        assert agent.complete(other, {"name": "y", "value": ""}).completion.values == []
    with scripted(Result("x")) as agent:
        completion = complete(agent, "find_a_time", "event_type", "room")
        assert (len(completion.values), completion.total, completion.has_more) == (100, None, True)
