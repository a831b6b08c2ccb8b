"""Mistral's REST API for the tests."""

import json
import time
from types import SimpleNamespace

import httpx

WAIT_S = 120
MARKER = "our_marker"
_INTERVAL_S = 0.1
ENDED = {"SUCCESS", "ERROR", "CANCELLED"}


class Rest:
    def __init__(self, url):
        self.client = httpx.Client(base_url=f"{url}/v2", trust_env=False, timeout=WAIT_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def answers(self):
        try:
            return self.client.get("/").is_success
        except httpx.TransportError:
            return False

    def write_marker(self):
        """Run a workflow whose name must then be in database and log."""
        text = f"""
            version: '2.0'
            {MARKER}:
              tasks:
                me: {{action: calendly.users.me}}
        """
        assert self.define("workflows", text).is_success
        assert self.run(MARKER).state == "SUCCESS"

    def get(self, path, **query):
        return self.client.get(path, params=query).raise_for_status().json()

    def define(self, kind, text):
        """Create or replace what a YAML text defines: workflows or workbooks."""
        headers = {"Content-Type": "text/plain"}
        answer = self.client.post(f"/{kind}", content=text, headers=headers)
        if answer.status_code == httpx.codes.CONFLICT:
            answer = self.client.put(f"/{kind}", content=text, headers=headers)
        return answer

    def start(self, workflow, **inputs):
        body = {"workflow_name": workflow, "input": json.dumps(inputs)}
        return self.client.post("/executions", json=body).raise_for_status().json()["id"]

    def execution(self, execution_id):
        return _read(self.get(f"/executions/{execution_id}"))

    def wait(self, execution_id):
        """Wait for an execution to end and return it."""
        return wait_for(
            lambda: execution if (execution := self.execution(execution_id)).state in ENDED else None
        )

    def run(self, workflow, **inputs):
        return self.wait(self.start(workflow, **inputs))

    def tasks(self, execution_id):
        return {
            task["name"]: _read(self.get(f"/tasks/{task['id']}"))
            for task in self.get("/tasks", workflow_execution_id=execution_id)["tasks"]
        }

    def call(self, action, **inputs):
        """Run one action synchronously and return Mistral's reply."""
        body = {"name": action, "input": json.dumps(inputs), "params": json.dumps({"run_sync": True})}
        return self.client.post("/action_executions", json=body)

    def act(self, action, **inputs):
        """Run one action synchronously and return its state and result."""
        reply = self.call(action, **inputs).raise_for_status().json()
        return SimpleNamespace(state=reply["state"], result=json.loads(reply["output"])["result"])


def wait_for(condition):
    """Poll until the condition is truthy and return its value."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(_INTERVAL_S)
    raise AssertionError(f"it didn't happen within {WAIT_S} s")


def _read(reply):
    for name in ("output", "result", "published"):
        if reply.get(name):
            reply[name] = json.loads(reply[name])
    return SimpleNamespace(**reply)
