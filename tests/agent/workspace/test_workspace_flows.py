"""What a person does with deployed flows, without a page."""

import json
import logging
from dataclasses import replace
from types import SimpleNamespace

import pytest
from calendly_connector.agent import connectors
from calendly_connector.agent.engine.removal import StillSubscribed
from calendly_connector.agent.flows.model import Schedule
from calendly_connector.agent.flows.problems import InvalidFlow
from calendly_connector.agent.workspace import Workspace, flow_words, flows, moments, trying
from calendly_connector.agent.workspace.flows import FlowChanged, NotSubscribed, UnknownFlow
from calendly_connector.errors import UsageError
from engine_waiting import wait_until_ended

pytest_plugins = ["engine_fixtures", "flow_fixtures"]

BY = {"by": "ada"}
CONNECTIONS = "connections: {calendly: {connector: calendly, credential: calendly}}\n"
STEPS = "steps:\n  - {id: me, connection: calendly, action: users.me}\n"
BY_HAND = f"name: by-hand\ntitle: <b>By hand</b>\n{CONNECTIONS}trigger: {{type: manual}}\n{STEPS}"
DAILY = (
    f"name: daily\n{CONNECTIONS}"
    f"trigger: {{type: polling, cron: 0 8 * * *, time_zone: Europe/Berlin}}\n{STEPS}"
)
BOOKED = (
    f"name: booked\n{CONNECTIONS}"
    "trigger: {type: triggered, connection: calendly, events: [invitee.created], subscribe: true}\n" + STEPS
)
SECOND = "  - {id: again, connection: calendly, action: users.me}\n"


@pytest.fixture
def workspace(agent, vault, calendly):
    return Workspace(
        agent.engine,
        vault,
        connectors.installed(),
        {"calendly": calendly.url},
        SimpleNamespace(clock=agent.clock),
        probe=lambda url: [SimpleNamespace(severity="ok", code="ok", message=url, fix="")],
    )


@pytest.fixture
def deploy(workspace):
    """Return a function that deploys a new flow, or a version after another one."""
    return lambda text, after=None: flows.deploy(workspace, text, expected_version=after, by="ada")


def test_a_list_has_each_flow_in_words_with_its_last_run(workspace, deploy, agent):
    for text in (BOOKED, BY_HAND, DAILY):
        deploy(text)
    run_id = agent.engine.start_run("by-hand")
    wait_until_ended(agent.engine, run_id)
    flows.pause(workspace, "daily", **BY)
    booked, by_hand, daily = flows.rows(workspace)
    assert (booked.name, booked.trigger, booked.connections) == (
        "booked",
        "invitee.created, by webhook",
        ("calendly (calendly)",),
    )
    assert (booked.waits_for_events, booked.last_run, booked.next_poll_at) == (True, None, None)
    assert (by_hand.title, by_hand.trigger) == ("<b>By hand</b>", "By hand")
    assert by_hand.last_run.state_words == "Done"
    assert daily.trigger == "At 0 8 * * * (Europe/Berlin)"
    assert (daily.is_active, daily.reason) == (False, "Paused by a person.")
    assert daily.next_poll_at > agent.clock()


def test_the_page_of_a_flow_has_its_address_runs_and_subscriptions(workspace, deploy, agent):
    deploy(BOOKED)
    detail = flows.detail(workspace, "booked")
    assert detail.url == agent.engine.url("booked")
    assert (detail.runs, detail.subscriptions) == ((), 1)
    with pytest.raises(UnknownFlow, match="No flow named '<img"):
        flows.detail(workspace, "<img src=x onerror=alert(1)>")


def test_a_flow_with_errors_is_not_deployed(workspace, deploy):
    with pytest.raises(InvalidFlow) as caught:
        deploy(BY_HAND.replace("users.me", "users.my").replace("credential: calendly", "credential: other"))
    assert len(caught.value.problems) == 2
    assert flows.rows(workspace) == []


def test_the_second_of_two_people_is_told(workspace, deploy):
    deploy(BY_HAND)
    with pytest.raises(FlowChanged, match="exists already"):
        deploy(BY_HAND)
    deploy(BY_HAND + SECOND, after=1)
    with pytest.raises(FlowChanged, match="Somebody else deployed version 2") as caught:
        deploy(BY_HAND.replace("<b>", "<i>"), after=1)
    assert caught.value.version == 2
    assert flows.current(workspace, "by-hand") == (2, BY_HAND + SECOND)


def test_a_flow_whose_events_cannot_be_subscribed_to_is_deployed_and_says_so(workspace, deploy, calendly):
    calendly.fault("status", status=403, times=50, path="/webhook_subscriptions")
    with pytest.raises(NotSubscribed, match="Version 1 of booked is deployed, but not subscribed"):
        deploy(BOOKED)
    assert flows.current(workspace, "booked") == (1, BOOKED)


def test_changes_are_logged_with_who_made_them(workspace, deploy, caplog):
    with caplog.at_level(logging.INFO, "calendly_connector.agent.audit"):
        deploy(BY_HAND)
        flows.pause(workspace, "by-hand", **BY)
        flows.resume(workspace, "by-hand", **BY)
        flows.remove(workspace, "by-hand", **BY)
    logged = [json.loads(one.message) for one in caplog.records if one.name.endswith("audit")]
    assert [one["what"] for one in logged] == ["flow.deploy", "flow.pause", "flow.resume", "flow.remove"]
    assert {(one["by"], one["target"]) for one in logged} == {("ada", "by-hand")}


def test_an_earlier_version_is_compared_and_deployed_again(workspace, deploy):
    deploy(BY_HAND)
    deploy(BY_HAND + SECOND, after=1)
    assert flows.difference(workspace, "by-hand", 1).splitlines()[-1] == f"+{SECOND.rstrip()}"
    assert flows.difference(workspace, "by-hand", 2) == ""
    again = {"expected_version": 2, **BY}
    assert flows.deploy_again(workspace, "by-hand", 1, **again).version == 3
    assert flows.version_text(workspace, "by-hand", 3) == BY_HAND
    assert [(one.number, one.is_current) for one in flows.versions(workspace, "by-hand")] == [
        (3, True),
        (2, False),
        (1, False),
    ]
    with pytest.raises(FlowChanged):
        flows.deploy_again(workspace, "by-hand", 2, **again)
    with pytest.raises(UnknownFlow, match="no version 9"):
        flows.version_text(workspace, "by-hand", 9)


def test_a_flow_whose_credential_is_gone_is_removed_by_force(workspace, deploy, vault):
    deploy(BOOKED)
    vault.delete("calendly")
    with pytest.raises(StillSubscribed):
        flows.remove(workspace, "booked", **BY)
    assert len(flows.remove(workspace, "booked", force=True, **BY).left_behind) == 1
    assert flows.rows(workspace) == []


def test_only_the_flows_own_address_is_checked(workspace, deploy, agent):
    deploy(BOOKED)
    deploy(BY_HAND)
    reach = trying.check_reach(workspace, "booked")
    assert (reach.is_reached, reach.findings[0].message) == (True, agent.engine.url("booked"))
    for wrong in ("http://169.254.169.254/", "none"):
        with pytest.raises(UnknownFlow):
            trying.check_reach(workspace, wrong)
    with pytest.raises(UsageError, match="it has no address"):
        trying.check_reach(workspace, "by-hand")
    with pytest.raises(UsageError, match="can't check addresses"):
        trying.check_reach(replace(workspace, probe=None), "booked")


def test_a_warning_means_that_it_is_not_reached(workspace, deploy):
    deploy(BOOKED)
    warning = SimpleNamespace(severity="warning", code="loopback", message="This machine.", fix="")
    assert not trying.check_reach(replace(workspace, probe=lambda _url: [warning]), "booked").is_reached


def test_a_sample_event_starts_a_run_each_time(workspace, deploy, agent):
    deploy(BOOKED)
    sample = trying.sample_event(workspace, "booked")
    assert json.loads(sample)["kind"] == "invitee.created"
    for wrong, said in (("", "Events start this flow"), ("{", "isn't JSON")):
        with pytest.raises(UsageError, match=said):
            trying.start(workspace, "booked", wrong, **BY)
    assert agent.runs("booked") == []
    ids = {trying.start(workspace, "booked", sample, **BY) for _ in range(2)}
    assert len(ids) == 2
    assert {run["state"] for run in agent.runs("booked")} <= {"done", "filtered"}


def test_a_flow_without_a_usable_credential_has_a_bare_sample(workspace, deploy, vault):
    deploy(BOOKED)
    vault.delete("calendly")
    assert json.loads(trying.sample_event(workspace, "booked")) == {
        "id": "sample",
        "kind": "invitee.created",
        "payload": {},
    }


def test_a_flow_that_events_do_not_start_needs_none(workspace, deploy, agent):
    deploy(BY_HAND)
    assert trying.sample_event(workspace, "by-hand") == ""
    trying.start(workspace, "by-hand", "", **BY)
    assert [run["state"] for run in agent.runs("by-hand")] == ["done"]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("{", "isn't JSON in line 1"),
        ("[" * 100_000, "isn't JSON"),
        ("[]", "isn't a JSON object"),
        ('{"kind": "invitee.created"}', "has no payload"),
        ('{"kind": 1, "payload": {}}', "kind is a text"),
        ('{"kind": "a", "payload": []}', "kind is a text"),
        ('{"kind": "a", "payload": {}, "more": 1}', "has no 'more'"),
        (json.dumps({"kind": "a", "payload": {"text": "x" * 1024 * 1024}}), "larger than 1 MB"),
    ],
)
def test_what_is_no_event_is_rejected_in_words(event, said):
    with pytest.raises(UsageError, match=said):
        trying.read_event(event)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule(every_s=300), "Every 5 minutes"),
        (Schedule(every_s=60), "Every minute"),
        (Schedule(every_s=3600), "Every hour"),
        (Schedule(every_s=90), "Every 90 seconds"),
        (Schedule(every_s=2 * 86400), "Every 2 days"),
        (Schedule(cron="0 8 * * *"), "At 0 8 * * * (UTC)"),
    ],
)
def test_schedules_in_words(schedule, words):
    assert flow_words.schedule(schedule) == words


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (None, ""),
        (1000.0, "just now"),
        (950.0, "just now"),
        (1030.0, "in less than a minute"),
        (1090.0, "in 1 minute"),
        (1000.0 - 7300, "2 hours ago"),
        (1000.0 + 86400 * 3, "in 3 days"),
    ],
)
def test_times_in_words(time, words):
    assert moments.when(time, 1000.0) == words
