"""A full server: two executors share the work, and one of them is killed."""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from importlib.resources import files

import pytest
import rest
from calendly_connector.plugin import connector

LOST = "Heartbeat wasn't received."
BOOKINGS = files("calendly_connector.examples.mistral").joinpath("bookings.yaml").read_text()

# One workflow per item, so a retry repeats only that item.
ITEMS = """
version: '2.0'
name: {name}
workflows:
  all:
    input: [items]
    tasks:
      each:
        with-items: item in <% $.items %>
        concurrency: 10
        workflow: one item=<% $.item %>
  one:
    input: [item]
    output:
      got: <% $.got %>
    tasks:
      call:
        action: {action}
        retry:
          count: 3
          delay: 0
          break-on: <% {break_on} %>
        publish:
          got: <% task().result.record.uri %>
"""
READS = ITEMS.format(
    name="reads",
    action="calendly.scheduled_events.get uuid=<% $.item %>",
    break_on="isDict(task().result) and not task().result.get(retryable, false)",
)
WRITES = ITEMS.format(
    name="writes",
    action="calendly.contacts.create emails=<% [dict(email => $.item, is_primary => true)] %>",
    break_on="not (isDict(task().result) and task().result.get(retryable, false))",
)


@pytest.fixture(scope="module")
def api(server):
    for kind, text in (("workbooks", READS), ("workbooks", WRITES), ("workbooks", BOOKINGS)):
        answer = server.api.define(kind, text)
        assert answer.is_success, answer.text
    return server.api


@pytest.fixture(scope="module", autouse=True)
def _trigger(api, world):
    """Have Mistral poll for bookings every minute, including one made just now."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    world.book(name="Salma Haddad", email="salma@cron.example")
    body = {
        "name": "each_minute",
        "workflow_name": "calendly_bookings.poll",
        "workflow_input": json.dumps({"since": now}),
        "pattern": "* * * * *",
    }
    answer = api.client.post("/cron_triggers", json=body)
    assert answer.is_success, answer.text


def test_the_list_has_our_actions_and_their_inputs(api):
    shown = {action["name"]: action["input"] for action in api.get("/actions")["actions"]}
    ours = {name for name in shown if name.startswith("calendly.")}
    assert ours == {f"calendly.{name}" for name in (*connector.actions(), "check", "poll")}
    assert shown["calendly.users.get"] == "uuid, credential=null"


def test_an_unknown_input_is_rejected_by_the_engine(api):
    answer = api.call("calendly.users.get", uid=1)
    assert answer.status_code == 400
    assert "did you mean 'uuid'?" in answer.json()["faultstring"]


@pytest.fixture(scope="module")
def meetings(api):
    return [
        meeting["uri"] for meeting in api.act("calendly.scheduled_events.list", limit=30).result["records"]
    ]


def items(api, execution_id):
    """Return the execution of each item."""
    found = api.get("/executions", root_execution_id=f"eq:{execution_id}")["executions"]
    return [api.execution(one["id"]) for one in found]


def test_two_executors_share_the_items(api, server, meetings):
    execution = api.run("reads.all", items=meetings)
    assert execution.state == "SUCCESS"
    assert sorted(one.output["got"] for one in items(api, execution.id)) == sorted(meetings)
    for name in ("first", "second"):
        assert "Received RPC request 'run_action'" in server.log(name)


def test_a_killed_executor_loses_no_read_and_repeats_no_write(api, server, world, meetings):
    people = [f"person-{number}@kill.example" for number in range(30)]
    world.control("DELETE", "/requests")
    for path in ("/scheduled_events/", "/contacts"):
        world.fault("latency", path=path, latency_s=3.0, times=1000)
    try:
        reads, writes = api.start("reads.all", items=meetings), api.start("writes.all", items=people)
        rest.wait_for(
            lambda: {"calendly.scheduled_events.get", "calendly.contacts.create"} <= running(server, "first")
        )
        server.kill("first")
        read, written = api.wait(reads), api.wait(writes)
    finally:
        world.control("DELETE", "/faults")
        server.start("third", "executor", "Executor server started")

    assert read.state == "SUCCESS"
    assert sorted(one.output["got"] for one in items(api, reads)) == sorted(meetings)
    reads = Counter(got(world))
    assert len(reads) == len(meetings)
    assert max(reads.values()) == 2  # those lost with the executor were read again

    assert written.state == "ERROR"
    ended = items(api, writes)
    lost = [one for one in ended if one.state == "ERROR"]
    contacts = {one.output["got"] for one in ended if one.state == "SUCCESS"}
    assert lost
    assert all(LOST in one.state_info for one in lost)
    assert len(contacts) + len(lost) == len(people)
    assert len(made(world)) <= len(people)


def running(server, executor):
    """Return the names of the actions that an executor is running."""
    received = re.findall(r"'run_action'\[action=\w+, action_ex_id=([^,]+)", server.log(executor))
    latest = [server.api.get(f"/action_executions/{one}") for one in received[-20:]]
    return {one["name"] for one in latest if one["state"] == "RUNNING"}


def made(world):
    return [
        one for one in world.requests()["requests"] if (one["method"], one["path"]) == ("POST", "/contacts")
    ]


def got(world):
    return [
        one["path"]
        for one in world.requests()["requests"]
        if one["path"].rpartition("/")[0] == "/scheduled_events"
    ]


def test_a_cron_trigger_polls_for_bookings(api):
    """The killed executor may have been running a poll; then the next minute's poll counts."""

    def ended():
        executions = api.get("/executions", workflow_name="eq:calendly_bookings.poll")["executions"]
        polls = [api.execution(one["id"]) for one in executions if one["state"] in rest.ENDED]
        return [poll for poll in polls if poll.state == "SUCCESS" or LOST not in poll.state_info]

    [first, *_] = rest.wait_for(ended)
    assert first.state == "SUCCESS", first.state_info
    assert first.output["handled"] == ["invitee.created salma@cron.example"]
    assert first.output["cursor"]
