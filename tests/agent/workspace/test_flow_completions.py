"""What is offered behind `~{`."""

import pytest
from calendly_connector.agent.flows import file
from calendly_connector.agent.workspace.completions import KnownValue, complete, known_values
from calendly_connector.contract import Field

pytest_plugins = ["workspace_fixtures"]

FLOW = """
name: look
connections:
  calendly: {connector: calendly, credential: work}
trigger: {type: triggered, connection: calendly, events: [invitee.created]}
steps:
  - {id: meetings, connection: calendly, action: meetings.list}
  - {id: me, connection: calendly, action: users.me}
  - id: each
    connection: calendly
    action: users.get
    for_each: ~{meetings.records}~
  - {id: last, connection: calendly, action: users.me, for_each: "~{each.items}~"}
"""


@pytest.fixture(scope="module")
def flow():
    return file.parse(FLOW)


def paths(flow, number, connectors, names=()):
    return [value.path for value in known_values(flow, number, connectors, names)]


def texts(text, known=(), functions=None, field=None):
    return [one.text for one in complete(text, known, functions or {}, field)]


def test_a_step_knows_the_event_and_the_steps_before_it(flow, connectors):
    first, second = paths(flow, 0, connectors), paths(flow, 1, connectors)
    assert "event.payload.email" in first
    assert "event.payload.questions_and_answers[].answer" in first
    assert not any(path.startswith("meetings.") for path in first)
    assert {"meetings.records", "meetings.records[0].name", "meetings.records[].name"} <= set(second)
    assert "me.record.uri" in paths(flow, 2, connectors)
    assert "event.payload.email" in paths(flow, 99, connectors)


def test_the_item_has_what_is_in_the_list(flow, connectors):
    assert "item.name" in paths(flow, 2, connectors)
    assert "item.record.uri" in paths(flow, 3, connectors)
    assert "item" not in paths(flow, 1, connectors)


def test_what_is_offered_passes_the_check(flow, connectors):
    from calendly_connector.agent.flows import check

    for path in paths(flow, 3, connectors, ["other"]):
        text = FLOW + f"    when: [{{value: '~{{{path}}}~', exists: true}}]\n"
        assert not [one for one in check.check_file(text, connectors)[1] if "when" in one.path], path


def test_each_value_has_its_title_type_and_example(flow, connectors):
    (email,) = (one for one in known_values(flow, 0, connectors) if one.path == "event.payload.email")
    assert (email.title, email.type) == ("Email", "email")
    (offered,) = complete("~{event.payload.emai", [email], {})
    assert offered.text == "~{event.payload.email}~"
    assert offered.detail.startswith("Email · email · for example ")


def test_only_an_open_brace_gets_offers():
    known = [KnownValue("event.id", "Id", "text")]
    assert texts("~{", known) == ["~{event.id}~"]
    assert texts("Dear ~{event.id}~, see ~{ID", known) == ["Dear ~{event.id}~, see ~{event.id}~"]
    for text in ("", "event", "~{event.id}~", "~~{event", "~", "{"):
        assert texts(text, known) == []


def test_functions_and_references_dont_mix(connectors):
    known, functions = (
        [KnownValue("event.id", "Now and then", "text")],
        connectors["calendly"].manifest.functions,
    )
    assert texts("~{No", known, functions) == ["~{Now}~", "~{event.id}~"]
    assert texts("~{Now}~ ~{No", known, functions) == ["~{Now}~ ~{Now}~"]
    assert texts("~{event.id}~ ~{No", known, functions) == ["~{event.id}~ ~{event.id}~"]


def test_secrets_are_offered_to_secret_fields_only(connectors):
    functions = connectors["calendly"].manifest.functions
    assert texts("~{GetSign", (), functions) == []
    assert texts("~{GetSign", (), functions, Field("key", "Key")) == []
    assert texts("~{GetSign", (), functions, Field("key", "Key", secret=True)) == ["~{GetSigningKey}~"]


def test_other_flows_are_offered_by_name(flow, connectors):
    known = known_values(flow, 0, connectors, ["new-invitees"])
    assert texts('~{flows["new', known) == ['~{flows["new-invitees"].url}~']
    assert "~{flow.url}~" in texts("~{flow.", known)


def test_huge_examples_are_cut():
    (offered,) = complete("~{", [KnownValue("event.id", "Id", "text", "x" * 10_000)], {})
    assert len(offered.detail) < 120
