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


@pytest.mark.parametrize("name", templates.names())
def test_the_calls_of_a_template_are_ready_to_be_sent(name, connect, unvisited):
    """Resolve each step with the declared examples of what comes before it."""
    flow = file.parse(templates.read(name))
    connection, connectors = connect(unvisited, signing_key="k" * 32), installed()
    item = {"record": {"name": "Noor van Dijk", "email": "noor@client.example"}}
    flows = {"new-invitees": {"url": "https://flows.acme.example/flows/new-invitees/x"}}
    known = {"item": item, "flows": flows}
    for event in flow.trigger.events[:1]:
        example = calendly.manifest.triggers[event].examples[0]
        known["event"] = {"id": f"{event}:1", "kind": event, "payload": example["payload"]}
    for step in flow.steps:
        connector = connectors.get(flow.connections[step.call.connection].connector)
        if connector is None:
            continue
        action = check.find_action(connector.actions(), step.call)
        rows = values.rows(step, known)
        if connector is calendly:
            connection.preview(action.id, filter=rows)
        record = action.examples[0]["output"]
        known[step.id] = {"record": record, "records": [record], "items": [{"record": record}]}


# --- their Calendly steps, against the sandbox


def call(connection, step, known):
    return connection.run(step.call.action, filter=values.rows(step, known), all_pages=step.call.all_pages)


def booking(connection):
    """Return the payload of an event about an upcoming booking with answers."""
    for meeting in connection.run("scheduled_events.list", filter={"user": "~{GetUserUrl}~"}).records:
        for invitee in connection.run("invitees.list", {"uuid": meeting["uri"]}).records:
            if invitee["questions_and_answers"]:
                return {**invitee, "scheduled_event": meeting}
    pytest.fail("the sandbox has no answers")


def test_the_guides_flow_subscribes_only_once(connect, make_sandbox):
    with make_sandbox() as sandbox:
        connection = connect(sandbox, signing_key="k" * 32)
        existing, subscription = file.parse(templates.read("create-webhook-subscription")).steps
        url = "https://flows.acme.example/flows/new-invitees/x"
        known = {"flows": {"new-invitees": {"url": url}}}
        known["existing"] = {"records": call(connection, existing, known).records}
        assert values.holds(subscription.conditions, known)
        created = call(connection, subscription, known).record
        assert (created["callback_url"], created["events"]) == (url, ["invitee.created"])
        known["existing"] = {"records": call(connection, existing, known).records}
        assert not values.holds(subscription.conditions, known)


def test_the_message_about_a_booking_has_the_answers_and_the_local_time(connect, sandbox):
    connection = connect(sandbox)
    payload = booking(connection)
    meeting, message = file.parse(templates.read("booking-to-chat")).steps
    known = {"event": {"payload": payload}}
    known["meeting"] = {"records": call(connection, meeting, known).records}
    [found] = known["meeting"]["records"]
    [(_, sent)] = values.rows(message, known)
    text = sent["blocks"][0]["text"]["text"].value
    assert text.startswith(f"{payload['name']} ({payload['email']}) booked {found['name']}\nwith ")
    assert found["start_local"] in text
    for answer in payload["questions_and_answers"]:
        assert f"{answer['question']}: " in text


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
