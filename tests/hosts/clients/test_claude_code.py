"""The page how-to/claude.md works as printed: Claude Code, a scripted model, the connector and a sandbox."""

import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from calendly_connector.hosts import mcp
from doc_follow import follow
from doc_pages import run_by
from doc_shell import environment
from locations import DOCS
from scripted_model import Call, scripted_model

PAGE = DOCS / "how-to/claude.md"
SCRIPT = str(Path(sys.executable).parent / "calendly-connector")
PROGRAM = Path(sys.prefix) / "claude" / "node_modules" / ".bin"
CLAUDE = str(PROGRAM / "claude")
ALONE = {  # without an account, updates and reports of use
    "ANTHROPIC_API_KEY": "sk-ant-fake",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_TELEMETRY": "1",
}
FIND = Call("mcp__calendly__meetings_list", {"text": "Noor", "status": "active"})
CANCEL = Call("mcp__calendly__bookings_cancel", {"what": ["Noor van Dijk"]})
WAIT_S = 60


def meeting(records):
    (row,) = records["records"]
    return f"You meet {row['invitee_name']} on {row['start_local']} for an {row['name']}."


def refusal(result):
    return f"I could not cancel it: {result.splitlines()[0]}"


def piped(text):
    """Let it print plain text: in a terminal it draws."""
    return f"set -o pipefail; {text} </dev/null | cat" if text.startswith("claude ") else text


@pytest.fixture
def variables(account, tmp_path):
    """Return an environment with a new home, in which the credential `work` is signed in."""
    found = environment(
        tmp_path,
        **ALONE,
        CALENDLY_API_URL=account.url,
        CALENDLY_MCP_TOKEN="of-the-server" * 3,
        PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring",
    )
    found["PATH"] = f"{PROGRAM}{os.pathsep}{found['PATH']}"
    login = [SCRIPT, "login", "work", "--with-token"]
    subprocess.run(login, input=b"sandbox-owner", env=found, check=True, capture_output=True)
    return found


def posts(sandbox):
    return [request["path"] for request in sandbox.requests()["requests"] if request["method"] == "POST"]


def test_claude_code_asks_and_writes_nothing_without_a_yes(account, variables, tmp_path):
    (work := tmp_path / "work").mkdir()
    with scripted_model(FIND, meeting, CANCEL, refusal) as model:
        follow(PAGE, work, {**variables, "ANTHROPIC_BASE_URL": model.url}, test=__file__, change=piped)
    assert not model.steps
    assert not posts(account)
    servers = json.loads((tmp_path / ".claude.json").read_text())["mcpServers"]
    assert servers["calendly"]["args"] == ["mcp", "--credential", "work"]
    header = servers["calendly-team"]["headers"]["Authorization"]
    assert header == f"Bearer {variables['CALENDLY_MCP_TOKEN']}"


def test_claude_code_accepts_the_configuration_of_the_desktop_app(variables, tmp_path):
    (block,) = [block for block in run_by(__file__, PAGE) if block.language == "json"]
    config = json.loads(block.text)
    config["mcpServers"]["calendly"]["command"] = SCRIPT
    (tmp_path / "config.json").write_text(json.dumps(config))
    ask = [CLAUDE, "-p", "When do I meet Noor?", "--mcp-config", "config.json", "--strict-mcp-config"]
    with scripted_model(FIND, meeting) as model:
        done = subprocess.run(
            [*ask, "--allowedTools", "mcp__calendly__*"],
            env={**variables, "ANTHROPIC_BASE_URL": model.url},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=True,
        )
    assert done.stdout.startswith("You meet Noor van Dijk on ")


def test_a_prompt_is_a_command_of_claude_code(variables, tmp_path):
    config = {"mcpServers": {"calendly": {"command": SCRIPT, "args": ["mcp", "--credential", "work"]}}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with scripted_model("Yes.") as model:
        subprocess.run(
            [CLAUDE, "-p", "/mcp__calendly__find_a_time intro", "--mcp-config", "config.json"],
            env={**variables, "ANTHROPIC_BASE_URL": model.url},
            cwd=tmp_path,
            capture_output=True,
            timeout=WAIT_S,
            check=True,
        )
    assert "Find a time for" in json.dumps(model.bodies[-1]["messages"])


def test_the_page_names_the_prompts_that_exist():
    named = set(re.findall(r"/mcp__calendly__(\w+)", PAGE.read_text("utf-8")))
    assert named == yaml.safe_load(files(mcp).joinpath("prompts.yaml").read_text("utf-8")).keys()
