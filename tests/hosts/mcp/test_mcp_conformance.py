"""The conformance kit, run by an agent over standard input and output with the real client and command."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from agents import agent_of
from calendly_connector.testing import CheckOutcome, Failure, HostSuite, RunOutcome
from mcp import MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult, TextContent

SCRIPT = str(Path(sys.executable).parent / "calendly-connector")


class AgentHost:
    """A credential is stored as the environment of a server, as in a client's configuration."""

    def __init__(self, subject, folder, stack):
        self.subject, self.log, self.stack = subject, folder / "servers.log", stack
        self.environments, self.agents = {}, {}

    def catalog(self):
        self.store("catalog", self.subject.credential)
        names = {name.replace(".", "_"): name for name in self.subject.connector.actions()}
        tools = self._agent("catalog").list_tools().tools
        return {
            names[tool.name]: set(tool.input_schema["properties"]) for tool in tools if tool.name in names
        }

    def store(self, name, credential):
        self.environments[name] = {"CALENDLY_API_TOKEN": credential["token"], **self.subject.environment}

    def check(self, name):
        text = self._agent(name).read_resource("calendly://account").contents[0].text
        self._log(text)
        return CheckOutcome('"ok": true' in text, text)

    def run(self, name, action, inputs, *, all_pages=False):
        answers = [self._call(name, action, inputs)]
        while all_pages and not answers[-1].is_error:
            token = answers[-1].structured_content.get("next")
            if not token:
                break
            answers.append(self._call(name, action, {**inputs, "page_token": token}))
        last = answers[-1]
        if last.is_error:
            return RunOutcome(failure=Failure(last.content[0].text))
        records = [one for answer in answers for one in answer.structured_content.get("records", ())]
        complete = last.structured_content.get("complete", True)
        return RunOutcome(last.structured_content.get("record"), records, complete)

    def load(self, _action, _inputs):
        return None

    def written(self):
        yield self.log.read_bytes()

    def _call(self, name, action, inputs):
        try:
            answer = self._agent(name).call(action.replace(".", "_"), **inputs)
        except MCPError as error:  # an unknown tool is a protocol error
            answer = CallToolResult(content=[TextContent(text=str(error), type="text")], is_error=True)
        self._log(answer.model_dump_json())
        return answer

    def _agent(self, name):
        if name not in self.agents:
            errors = self.stack.enter_context(self.log.open("a"))
            resources = {action.partition(".")[0] for action in self.subject.connector.actions()}
            only = [word for resource in sorted(resources) for word in ("--only", resource)]
            command = StdioServerParameters(
                command=SCRIPT,
                args=["--debug", "mcp", *only],
                env={"PATH": os.environ["PATH"], **self.environments[name]},
            )
            self.agents[name] = self.stack.enter_context(agent_of(stdio_client(command, errlog=errors)))
        return self.agents[name]

    def _log(self, text):
        with self.log.open("a") as log:
            log.write(f"{text}\n")


class TestAgentHost(HostSuite):
    @pytest.fixture
    def host(self, subject, tmp_path):
        with ExitStack() as stack:
            yield AgentHost(subject, tmp_path, stack)
