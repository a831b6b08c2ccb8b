"""The lists of the form: schemas, actions, keys and values of rows."""

from dataclasses import replace

import pytest
from calendly_connector.agent.flows import file
from calendly_connector.agent.workspace import choices, draft_edits

pytest_plugins = ["workspace_fixtures"]

FLOW = """
name: look
connections:
  calendly: {connector: calendly, credential: work}
trigger: {type: triggered, connection: calendly, events: [invitee.created], filters: {event_type: ""}}
steps:
  - id: hook
    connection: calendly
    action: Create Webhook Subscription
    filter: {scope: user, "events[]": "", user: "", url: "", other: ""}
  - {id: list, connection: calendly, action: event_type_available_times.list, filter: {event_type: ""}}
"""


@pytest.fixture
def flow():
    return file.read(FLOW).flow


@pytest.fixture
def calendly(connectors):
    return connectors["calendly"]


def texts(found):
    return [one.text for one in found.items]


@pytest.mark.parametrize(
    "search", ["Create Webhook Subscription", "create a webhook", "webhook_subscriptions.create"]
)
def test_an_action_is_found_by_each_of_its_names(calendly, search):
    assert texts(choices.actions(calendly, "", search))[0] == "webhook_subscriptions.create"


def test_the_names_of_the_guide_lead_to_the_actions(calendly):
    assert texts(choices.actions(calendly, "", "users/me")) == ["users.me"]
    assert texts(choices.actions(calendly, "", "event_types"))[0] == "event_types.list"
    assert texts(choices.schemas(calendly, "webhook_subscription")) == ["webhook_subscriptions"]


@pytest.mark.parametrize("schema", ["webhook_subscription", "webhook_subscriptions"])
def test_the_schema_leaves_its_actions(calendly, schema):
    assert {text.partition(".")[0] for text in texts(choices.actions(calendly, schema))} == {
        "webhook_subscriptions"
    }


def test_what_fits_nothing_says_so(calendly):
    assert choices.actions(calendly, "", "zzz").note.startswith("No action fits.")
    assert choices.schemas(calendly, "zzz").note == "No schema has this name."


def test_a_long_list_says_that_there_is_more(calendly):
    assert "more: type to find them" in choices.actions(calendly).note


def test_credentials_are_those_that_the_connector_accepts(workspace):
    assert choices.credentials(workspace, "calendly") == ["work"]
    assert choices.credentials(workspace, "file") == ["files"]
    assert choices.credentials(workspace, "unknown") == []


def test_keys_are_written_as_the_guide_writes_them(workspace, flow):
    fields = choices.fields_at(workspace, flow, 0)
    found = choices.keys(fields, "")
    assert texts(found)[:3] == ["url", "events[]", "scope"]
    assert "required" in found.items[0].detail
    assert texts(choices.keys(fields, "events[]")) == ["events[]"]
    assert texts(choices.keys(fields, "", ["url"]))[-1] == "url"
    assert choices.keys((), "").note.startswith("Choose an action")


def test_nested_fields_have_paths_as_keys(calendly):
    fields = calendly.actions()["invitees.create"].fields
    assert "invitee.email" in texts(choices.keys(fields, "invitee.em"))


def test_an_enum_offers_its_labels(workspace, flow):
    found = choices.values(workspace, flow, 0, 1, "")
    assert (found.items[0].label, found.items[0].text) == ("Invitee created", "invitee.created")
    assert texts(choices.values(workspace, flow, 0, 1, "canceled", is_search=True)) == ["invitee.canceled"]


def test_choices_come_from_the_account_and_can_be_searched(online, flow):
    found = choices.values(online, flow, None, 0, "")
    assert found.items
    label = found.items[0].label
    assert label in [one.label for one in choices.values(online, flow, None, 0, label, is_search=True).items]
    assert not choices.values(online, flow, None, 0, "zzz", is_search=True).items


def test_choices_that_cant_be_listed_say_why(workspace, flow):
    gone = draft_edits.with_connection(flow, None, replace(flow.connections["calendly"], credential="gone"))
    assert "Choose a credential" in choices.values(workspace, gone, None, 0, "").note


def test_a_connector_that_raises_breaks_nothing(workspace, flow, monkeypatch):
    def fail(*_):
        raise RuntimeError("boom")

    monkeypatch.setattr(workspace.engine.connections, "open", fail)
    assert "The connector failed with RuntimeError." in choices.values(workspace, flow, None, 0, "").note


def test_an_unknown_key_offers_nothing(workspace, flow):
    assert choices.values(workspace, flow, 0, 4, "") == choices.Choices()


def test_functions_and_flows_are_offered_in_a_value(workspace, flow):
    assert texts(choices.values(workspace, flow, 0, 2, "~{GetUserU")) == ["~{GetUserUrl}~"]
    assert "~{flow.url}~" in texts(choices.values(workspace, flow, 0, 3, "~{flow"))


def test_conditions_and_lists_get_references_only(workspace, flow):
    assert all("event" in text or "." in text for text in texts(choices.references(workspace, flow, 0, "")))
    lists = texts(choices.lists(workspace, draft_edits.add_step(flow), 2, ""))
    assert "~{list.records}~" in lists
    assert "~{event.payload.questions_and_answers}~" in lists
