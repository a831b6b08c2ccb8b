"""The MCP inspector's command line and the SDK below it: clients that others wrote, in another language."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = str(Path(sys.executable).parent / "calendly-connector")
MODULES = Path(sys.prefix) / "inspector" / "node_modules"
INSPECTOR = str(MODULES / ".bin" / "mcp-inspector")
SDK = MODULES / "@modelcontextprotocol" / "sdk" / "dist" / "esm"
SCRIPT_HTTP = str(Path(__file__).with_name("over_http.mjs"))
DOOR = "sandbox-secret-of-the-door"
NODE = shutil.which("node")
SOON_S = 60


@pytest.fixture
def inspect(sandbox):
    """Give what asks a server over standard input and output through the inspector."""
    variables = {**os.environ, "CALENDLY_API_URL": sandbox.url, "CALENDLY_API_TOKEN": "sandbox-owner"}

    def asking(*words, server=(SCRIPT, "mcp")):
        command = [INSPECTOR, "--cli", *server, "--method", *words]
        done = subprocess.run(command, env=variables, capture_output=True, timeout=SOON_S, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    return asking


def test_the_inspector_lists_tools_and_calls_one_with_a_name_in_its_arguments(inspect):
    tools = {tool["name"]: tool for tool in inspect("tools/list")["tools"]}
    assert len(tools) == 15
    assert tools["scheduled_events_cancel"]["annotations"]["destructiveHint"] is True
    told = inspect("tools/call", "--tool-name", "event_types_get", "--tool-arg", "uuid=intro")
    assert told["structuredContent"]["record"]["name"] == "Intro call"
    assert json.loads(told["content"][0]["text"]) == told["structuredContent"]


def test_the_inspector_is_told_what_is_wrong_with_a_call(inspect):
    told = inspect("tools/call", "--tool-name", "scheduled_events_list", "--tool-arg", "status=activ")
    assert told["isError"] is True
    assert "did you mean 'active'" in told["content"][0]["text"]


def test_the_inspector_reads_resources_and_prompts(inspect):
    resources = inspect("resources/list")["resources"]
    assert [resource["uri"] for resource in resources] == ["calendly://account", "calendly://actions"]
    account = inspect("resources/read", "--uri", "calendly://account")["contents"][0]
    assert json.loads(account["text"])["user"]["name"] == "Ada Okafor"
    assert len(inspect("resources/templates/list")["resourceTemplates"]) == 1
    assert len(inspect("prompts/list")["prompts"]) == 3
    prompt = inspect("prompts/get", "--prompt-name", "reschedule", "--prompt-args", "meeting=Mila")
    assert "Move this meeting: Mila" in prompt["messages"][0]["content"]["text"]


def test_read_only_the_inspector_finds_no_tool_that_writes(inspect):
    tools = inspect("tools/list", server=(SCRIPT, "mcp", "--read-only"))["tools"]
    assert all(tool["annotations"]["readOnlyHint"] for tool in tools)


def test_the_configuration_in_the_docs_starts_a_server(sandbox, tmp_path):
    page = Path("docs/hosts/mcp.md").read_text(encoding="utf-8")
    config = json.loads(page.partition("```json")[2].partition("```")[0])
    server = config["mcpServers"]["calendly"]
    places = {"CALENDLY_API_URL": sandbox.url, "XDG_DATA_HOME": str(tmp_path)}
    variables = {**os.environ, **places}
    server |= {"command": SCRIPT, "env": places}
    subprocess.run([SCRIPT, "vault", "add", "work"], input=b"sandbox-owner", env=variables, check=True)
    file = tmp_path / "mcp.json"
    words = [
        "--config",
        str(file),
        "--server",
        "calendly",
        "--method",
        "tools/call",
        "--tool-name",
        "users_me",
    ]
    file.write_text(json.dumps(config))
    done = subprocess.run(
        [INSPECTOR, "--cli", *words], env=variables, capture_output=True, timeout=SOON_S, check=True
    )
    assert json.loads(done.stdout)["structuredContent"]["record"]["name"] == "Ada Okafor"


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


def test_the_inspector_which_sends_no_token_stays_outside(served):
    done = subprocess.run(
        [INSPECTOR, "--cli", served, "--method", "tools/list"],
        capture_output=True,
        timeout=SOON_S,
        check=False,
    )
    assert done.returncode == 1
    assert b"CALENDLY_MCP_TOKEN" in done.stderr
    assert b"users_me" not in done.stdout


def test_a_client_in_another_language_calls_and_confirms_over_http(served, connect, fresh_sandbox):
    events = connect(fresh_sandbox).run("scheduled_events.list", {"status": "active", "count": 1}).records
    inputs = json.dumps({"uuid": events[0]["uri"], "reason": "moved"})
    words = [str(SDK), served, DOOR, "scheduled_events_cancel", inputs]
    done = subprocess.run([NODE, SCRIPT_HTTP, *words], capture_output=True, timeout=SOON_S, check=False)
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert told["tools"] == 15
    assert told["questions"][0].startswith("Cancel a scheduled event?")
    assert told["result"]["structuredContent"]["record"]["reason"] == "moved"
