"""The pages about agents in Python work as printed: how-to/langchain.md, how-to/openai-agents.md.

The model is scripted; its calls reach the connector's MCP server and a sandbox.
"""

from textwrap import dedent

import pytest
from doc_follow import follow
from doc_shell import environment
from locations import DOCS
from scripted_model import Call, scripted_model

LANGCHAIN, OPENAI_AGENTS = DOCS / "how-to/langchain.md", DOCS / "how-to/openai-agents.md"
FIND = Call("meetings_list", {"text": "Noor", "status": "active"})
WHAT = {"what": ["Noor van Dijk"], "reason": "I am ill."}
CANCEL, TRY = Call("bookings_cancel", WHAT), Call("bookings_cancel", {**WHAT, "dry_run": True})
GUARD = """
    import sys

    def guard(event, arguments):
        address = arguments[1] if event == "socket.connect" else "a file"
        if isinstance(address, tuple) and address[0] not in {"127.0.0.1", "::1"}:
            raise PermissionError(f"the page tried to leave this machine: {address}")

    sys.addaudithook(guard)
"""


def meeting(records):
    (row,) = records["records"]
    return f"You meet {row['invitee_name']} on {row['start_local']} for an {row['name']}."


def canceled(records):
    (row,) = records["records"]
    return f"Your meeting with {row['invitees'][0]['name']} is {row['outcome']}."


@pytest.fixture
def read(account, tmp_path):
    """Return a function that follows a page, with a model's steps; it returns the model."""

    def reading(page, *steps, **options):
        (tmp_path / "sitecustomize.py").write_text(dedent(GUARD))
        with scripted_model(*steps) as model:
            variables = {
                "PYTHONPATH": str(tmp_path),
                "OPENAI_BASE_URL": f"{model.url}/v1",
                "OPENAI_API_KEY": "sk-fake",
                "CALENDLY_API_URL": account.url,
                "CALENDLY_API_TOKEN": "sandbox-owner",
            }
            (work := tmp_path / "work").mkdir()
            follow(page, work, environment(tmp_path, **variables), test=__file__, **options)
        assert not model.steps
        return model

    return reading


def writes(sandbox):
    """Return what was posted to Calendly."""
    requests = sandbox.requests()["requests"]
    return [request["path"].rpartition("/")[2] for request in requests if request["method"] == "POST"]


def tools(body):
    return {tool.get("function", tool)["name"] for tool in body["tools"]}


def test_a_langchain_agent_reads_then_cancels_after_a_yes(read, account):
    model = read(LANGCHAIN, FIND, meeting, CANCEL, canceled)
    assert writes(account) == ["cancellation"]
    assert "bookings_cancel" not in tools(model.bodies[0])
    assert "bookings_cancel" in tools(model.bodies[-1])


def test_a_langchain_agent_sends_nothing_after_a_no(read, account):
    def no(text):
        return "" if text.startswith("pip ") or "ask.py" in text else text.replace(": yes", ": no")

    claim = "Your meeting with Noor van Dijk is canceled."  # the page's last line; here it isn't true
    model = read(LANGCHAIN, CANCEL, claim, change=no)
    assert not writes(account)
    assert "did not confirm" in str(model.results[-1])


def test_an_openai_agent_reads_then_cancels_after_approval(read, account):
    model = read(OPENAI_AGENTS, FIND, meeting, TRY, CANCEL, canceled)
    assert writes(account) == ["cancellation"]
    assert model.results[-2]["records"][0]["outcome"] == "would_cancel"
    assert "bookings_cancel" not in tools(model.bodies[0])
    assert "input" in model.bodies[0]  # the Responses API


def test_an_openai_agent_works_with_chat_completions(read):
    code = "import ask, agents, asyncio; agents.set_default_openai_api('chat_completions')"
    question = "asyncio.run(ask.ask('When do I meet Noor?'))"

    def chat(text):
        if text.startswith("pip ") or "act.py" in text:
            return ""
        return f'python -c "{code}; {question}"' if text.startswith("python ") else text

    model = read(OPENAI_AGENTS, FIND, meeting, change=chat)
    assert "messages" in model.bodies[0]
