"""Mistral's REST API, as the tests call it."""

import json
import time
from types import SimpleNamespace

import httpx

WAIT_S = 120
MARK = "a_mark_of_ours"
_LOOK_S = 0.1
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

    def leave_a_mark(self):
        """Do something of which database and log must tell."""
        text = f"""
            version: '2.0'
            {MARK}:
              tasks:
                me: {{action: calendly.users.me}}
        """
        assert self.define("workflows", text).is_success
        assert self.run(MARK).state == "SUCCESS"

    def get(self, path, **query):
        return self.client.get(path, params=query).raise_for_status().json()

    def define(self, kind, text):
        """Create or replace what a YAML text defines: workflows or workbooks."""
        headers = {"Content-Type": "text/plain"}
        answer = self.client.post(f"/{kind}", content=text, headers=headers)
        if answer.status_code == httpx.codes.CONFLICT:
            answer = self.client.put(f"/{kind}", content=text, headers=headers)
        return answer

    def start(self, workflow, **given):
        body = {"workflow_name": workflow, "input": json.dumps(given)}
        return self.client.post("/executions", json=body).raise_for_status().json()["id"]

    def execution(self, execution_id):
        return _read(self.get(f"/executions/{execution_id}"))

    def wait(self, execution_id):
        """Give an execution when it has ended."""
        return wait_for(
            lambda: execution if (execution := self.execution(execution_id)).state in ENDED else None
        )

    def run(self, workflow, **given):
        return self.wait(self.start(workflow, **given))

    def tasks(self, execution_id):
        return {
            task["name"]: _read(self.get(f"/tasks/{task['id']}"))
            for task in self.get("/tasks", workflow_execution_id=execution_id)["tasks"]
        }

    def call(self, action, **inputs):
        """Run one action now; give Mistral's reply."""
        body = {"name": action, "input": json.dumps(inputs), "params": json.dumps({"run_sync": True})}
        return self.client.post("/action_executions", json=body)

    def act(self, action, **inputs):
        """Run one action now; give its state and result."""
        told = self.call(action, **inputs).raise_for_status().json()
        return SimpleNamespace(state=told["state"], result=json.loads(told["output"])["result"])


def wait_for(look):
    """Look until there is something; give it."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(_LOOK_S)
    raise AssertionError(f"it did not happen within {WAIT_S} s")


def _read(told):
    for name in ("output", "result", "published"):
        if told.get(name):
            told[name] = json.loads(told[name])
    return SimpleNamespace(**told)
