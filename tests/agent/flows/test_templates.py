"""The templates: each is a valid flow, and works with the connectors that come with this package."""

import pytest
from calendly_connector.agent import templates
from calendly_connector.agent.connectors import installed
from calendly_connector.agent.flows import check, file, values
from calendly_connector.errors import UsageError
from calendly_connector.plugin import connector as calendly

SHIPPED = {"calendly", "file", "http", "sql"}


@pytest.mark.parametrize("name", templates.names())
def test_a_template_has_no_problems(name):
    connectors = installed()
    flow, problems = check.check_file(templates.read(name), connectors)
    absent = [each for each in problems if each.message.startswith("unknown connector")]
    assert [str(problem) for problem in problems if problem not in absent] == []
    used = {connection.connector for connection in flow.connections.values()}
    assert used <= SHIPPED
    assert len(absent) == len(used - connectors.keys())


@pytest.mark.parametrize("name", templates.names())
def test_a_template_is_named_like_its_flow_and_says_what_it_does(name):
    flow = file.parse(templates.read(name))
    assert flow.name == name
    assert 0 < len(flow.title) <= 60
    assert templates.read(name).isprintable() or "\t" not in templates.read(name)


def events_of(flow):
    """Return an example of each event that starts a flow, or an empty one."""
    for event in flow.trigger.events:
        example = calendly.manifest.triggers[event].examples[0]
        yield {"id": f"{event}:1", "kind": event, "payload": example["payload"]}
    if not flow.trigger.events:
        yield {}


@pytest.mark.parametrize("name", templates.names())
def test_the_calls_of_a_template_are_ready_to_be_sent(name, connect, unvisited):
    """Resolve each step with the declared examples of what comes before it."""
    flow = file.parse(templates.read(name))
    connection, connectors = connect(unvisited, signing_key="k" * 32), installed()
    candidate = {"record": {"name": "Noor van Dijk", "email": "noor@client.example"}}
    flows = {"new-invitees": {"url": "https://flows.acme.example/flows/new-invitees/x"}}
    for event in events_of(flow):
        known = {"flows": flows, "event": event}
        for step in flow.steps:
            connector = connectors.get(flow.connections[step.call.connection].connector)
            if connector is None or not values.holds(step.conditions, known):
                continue
            action = check.find_action(connector.actions(), step.call)
            (item,) = values.items(step.for_each, known) if step.for_each else [None]
            rows = values.rows(step, {**known, "item": item})
            if connector is calendly:
                connection.preview(action.id, filter=rows)
            record = candidate if action.id == "file.find" else action.examples[0]["output"]
            items = [{"record": record, "item": item}]
            known[step.id] = {"record": record, "records": [record], "items": items}


def test_an_unknown_template_is_rejected_with_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'booking-to-chat'"):
        templates.read("booking-to-cat")
    with pytest.raises(UsageError, match="Templates: booking-to-chat, "):
        templates.read("../secrets")


def test_the_guides_flow_subscribes_the_url_of_the_other():
    flow = file.parse(templates.read("create-webhook-subscription"))
    step = flow.steps[-1]
    assert flow.trigger.type == "polling"
    assert step.call.action == "Create Webhook Subscription"
    assert dict(step.call.rows) == {
        "events[]": "invitee.created",
        "scope": "organization",
        "organization": "~{GetOrganizationUrl}~",
        "url": '~{flows["new-invitees"].url}~',
    }
    other = file.parse(templates.read("new-invitees"))
    assert other.trigger.type == "triggered"
    assert other.connections[other.trigger.connection].connector == "calendly"
