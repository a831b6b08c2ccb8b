"""The conformance kit, run with Mistral: workflows of one task, started over REST."""

import json
from uuid import uuid4

import pytest
from calendly_connector.auth.vault import open_vault
from calendly_connector.plugin import connector
from calendly_connector.testing import CheckOutcome, Failure, RunOutcome, TriggerSuite
from conftest import one_process, own_environment

PREFIX = "calendly."
POLL = """
version: '2.0'
poll:
  input: [credential, event, cursor]
  output:
    cursor: <% $.cursor %>
    events: <% $.events %>
  tasks:
    poll:
      action: calendly.poll
      input:
        credential: <% $.credential %>
        events: [<% $.event %>]
        cursor: <% $.cursor %>
      publish:
        cursor: <% task().result.cursor %>
        events: <% task().result.events.id %>
"""


class MistralHost:
    """Credentials are stored in the executor's vault."""

    def __init__(self, api, folder, environment):
        self.api, self.folder, self.environment = api, folder, environment
        self.cursors = {}
        assert api.define("workflows", POLL).is_success

    def catalog(self):
        listed = self.api.get("/actions")["actions"]
        shown = {one["name"].removeprefix(PREFIX): one["input"].split(", ") for one in listed}
        ours = shown.keys() & connector.actions().keys()
        return {name: {part.partition("=")[0] for part in shown[name]} for name in ours}

    def store(self, name, credential):
        open_vault(self.environment).put(name, credential)

    def check(self, name):
        check = self.api.act("calendly.check", credential=name)
        return CheckOutcome(check.state == "SUCCESS", f"{check.result['message']} {check.result['fix']}")

    def run(self, name, action, inputs, *, all_pages=False):
        options = {"all_pages": True} if all_pages else {}
        task = {"action": f"{PREFIX}{action}", "input": {**inputs, **options, "credential": name}}
        flow = f"flow_{uuid4().hex}"  # Mistral caches a workflow by name for a second
        text = json.dumps({"version": "2.0", flow: {"tasks": {"step": task}}})
        assert self.api.define("workflows", text).is_success
        execution = self.api.run(flow)
        result = self.api.tasks(execution.id)["step"].result
        if execution.state == "SUCCESS":
            return RunOutcome(result.get("record"), result.get("records", ()), result.get("complete", True))
        if isinstance(result, dict):
            return RunOutcome(failure=Failure(f"{execution.state_info} {result['fix']}", result["retryable"]))
        return RunOutcome(failure=Failure(execution.state_info))

    def load(self, _action, _inputs):
        return None

    def events(self, name, event):
        inputs = {"credential": name, "event": event, "cursor": self.cursors.get(event)}
        execution = self.api.run("poll", **inputs)
        assert execution.state == "SUCCESS", execution.state_info
        self.cursors[event] = execution.output["cursor"]
        return execution.output["events"]

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
