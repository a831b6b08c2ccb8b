"""The conformance kit, run by Mistral: workflows of one task, asked for over REST."""

import json
from uuid import uuid4

import pytest
from calendly_connector.auth.vault import open_vault
from calendly_connector.plugin import connector
from calendly_connector.testing import Checked, Failure, Ran, TriggerSuite
from conftest import one_process, own_environment

PREFIX = "calendly."
LOOK = """
version: '2.0'
look:
  input: [credential, event, cursor]
  output:
    cursor: <% $.cursor %>
    told: <% $.told %>
  tasks:
    look:
      action: calendly.poll
      input:
        credential: <% $.credential %>
        events: [<% $.event %>]
        cursor: <% $.cursor %>
      publish:
        cursor: <% task().result.cursor %>
        told: <% task().result.events.id %>
"""


class MistralHost:
    """What is stored goes into the vault of the executor."""

    def __init__(self, api, folder, environment):
        self.api, self.folder, self.environment = api, folder, environment
        self.cursors = {}
        assert api.define("workflows", LOOK).is_success

    def catalog(self):
        listed = self.api.get("/actions")["actions"]
        shown = {one["name"].removeprefix(PREFIX): one["input"].split(", ") for one in listed}
        ours = shown.keys() & connector.actions().keys()
        return {name: {part.partition("=")[0] for part in shown[name]} for name in ours}

    def store(self, name, credential):
        open_vault(self.environment).put(name, credential)

    def check(self, name):
        told = self.api.act("calendly.check", credential=name)
        return Checked(told.state == "SUCCESS", f"{told.result['message']} {told.result['fix']}")

    def run(self, name, action, inputs, *, all_pages=False):
        whole = {"all_pages": True} if all_pages else {}
        task = {"action": f"{PREFIX}{action}", "input": {**inputs, **whole, "credential": name}}
        flow = f"flow_{uuid4().hex}"  # Mistral keeps what it has read of one name for a second
        text = json.dumps({"version": "2.0", flow: {"tasks": {"step": task}}})
        assert self.api.define("workflows", text).is_success
        execution = self.api.run(flow)
        result = self.api.tasks(execution.id)["step"].result
        if execution.state == "SUCCESS":
            return Ran(result.get("record"), result.get("records", ()), result.get("complete", True))
        if isinstance(result, dict):
            return Ran(failure=Failure(f"{execution.state_info} {result['fix']}", result["retryable"]))
        return Ran(failure=Failure(execution.state_info))

    def load(self, _action, _inputs):
        return None

    def events(self, name, event):
        given = {"credential": name, "event": event, "cursor": self.cursors.get(event)}
        execution = self.api.run("look", **given)
        assert execution.state == "SUCCESS", execution.state_info
        self.cursors[event] = execution.output["cursor"]
        return execution.output["told"]

    def written(self):
        return (path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


class TestMistral(TriggerSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def host(cls, subject, tmp_path_factory):
        folder = tmp_path_factory.mktemp("conformance")
        environment = {**own_environment(tmp_path_factory.mktemp("vault")), **subject.environment}
        with one_process(folder, environment, result_kb=4096) as api:
            yield MistralHost(api, folder, environment)
