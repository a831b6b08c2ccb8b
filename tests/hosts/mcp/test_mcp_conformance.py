"""The conformance kit, run by an agent over standard input and output: the real client, the real command."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from agents import agent_of
from calendly_connector.testing import Checked, Failure, HostSuite, Ran
from mcp import MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult, TextContent

SCRIPT = str(Path(sys.executable).parent / "calendly-connector")


class AgentHost:
    """What is stored is the environment of a server, as a client's configuration holds it."""

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
        words = self._agent(name).read_resource("calendly://account").contents[0].text
        self._note(words)
        return Checked('"ok": true' in words, words)

    def run(self, name, action, inputs, *, all_pages=False):
        answers = [self._ask(name, action, inputs)]
        while all_pages and not answers[-1].is_error and (at := answers[-1].structured_content.get("next")):
            answers.append(self._ask(name, action, {**inputs, "page_token": at}))
        told = answers[-1]
        if told.is_error:
            return Ran(failure=Failure(told.content[0].text))
        records = [one for answer in answers for one in answer.structured_content.get("records", ())]
        complete = told.structured_content.get("complete", True)
        return Ran(told.structured_content.get("record"), records, complete)

    def load(self, _action, _inputs):
        return None

    def written(self):
        yield self.log.read_bytes()

    def _ask(self, name, action, inputs):
        try:
            answer = self._agent(name).ask(action.replace(".", "_"), **inputs)
        except MCPError as error:  # a tool that there is not is the protocol's own error
            answer = CallToolResult(content=[TextContent(text=str(error), type="text")], is_error=True)
        self._note(answer.model_dump_json())
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

    def _note(self, text):
        with self.log.open("a") as log:
            log.write(f"{text}\n")


class TestAgentHost(HostSuite):
    @pytest.fixture
    def host(self, subject, tmp_path):
        with ExitStack() as stack:
            yield AgentHost(subject, tmp_path, stack)
