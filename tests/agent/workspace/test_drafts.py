"""Drafts: their text, their form and the places of their problems; pure functions first."""

import pytest
from calendly_connector.agent import templates
from calendly_connector.agent.flows import file
from calendly_connector.agent.flows.model import Call, Condition, Flow, FlowConnection, FlowTrigger, Step
from calendly_connector.agent.workspace import draft_deployment, draft_edits, draft_store, drafts
from calendly_connector.errors import ConnectorError

pytest_plugins = ["workspace_fixtures"]

MANUAL = """# who looks
name: look
connections:
  calendly: {connector: calendly, credential: work}
trigger: {type: manual}
steps:
  - id: me
    connection: calendly
    action: users/me
"""


@pytest.mark.parametrize("name", templates.names())
def test_the_form_of_a_template_writes_the_same_flow(name):
    draft = drafts.read(templates.read(name))
    again = drafts.of_flow(draft.flow)
    assert drafts.read(again.text).flow == draft.flow
    assert draft.is_by_hand
    assert not again.is_by_hand


def test_an_unreadable_text_is_kept_and_has_no_form():
    draft = drafts.read("steps: [")
    assert draft.text == "steps: ["
    assert not draft.is_readable
    assert draft.flow == drafts.EMPTY


def test_problems_stand_at_their_fields_and_rows(workspace):
    text = """
name: Look
connections:
  calendly: {connector: calendly, credential: gone}
trigger: {type: polling, every: 1d}
steps:
  - id: hook
    connection: calendly
    action: Create Webhook Subscription
    filter:
      events[]: nothing
      scope: organization
      url: ~{flowz.url}~
      organization: "~{GetOrganisationUrl}~"
    when: [{value: "~{me.record.uri}~", exists: true}]
surprise: 1
"""
    draft = drafts.checked(workspace, drafts.read(text))
    found = drafts.placed(draft)
    assert set(found) == {
        *("name", "steps[0].credential", "steps[0].when[0]", drafts.ABOVE),
        *("steps[0].filter[0]", "steps[0].filter[2]", "steps[0].filter[3]"),
    }
    assert "GetOrganizationUrl" in drafts.in_words(found["steps[0].filter[3]"])


def test_rows_that_occur_twice_have_problems_of_their_own(workspace):
    text = (
        MANUAL
        + """    filter:
      - {key: a, value: 1}
      - {key: a, value: 2}
"""
    )
    found = drafts.placed(drafts.checked(workspace, drafts.read(text)))
    assert any(place.startswith("steps[0].filter[") for place in found)


def test_what_is_missing_is_said_without_its_path(workspace):
    flow = Flow("", {}, FlowTrigger(type="triggered"), (Step("one", Call("", "")),))
    found = drafts.placed(drafts.checked(workspace, drafts.of_flow(flow)))
    words = {place: drafts.in_words(problems) for place, problems in found.items()}
    assert words["name"] == "Enter a name."
    assert words["trigger.connection"] == "Choose an application."
    assert words["steps[0].connection"] == "Choose an application."
    assert words["steps[0].action"] == "Choose an action."
    assert words["trigger.events"] == "Choose at least one event."


def test_a_required_input_without_a_row_is_named(workspace):
    text = MANUAL.replace("users/me", "Create Webhook Subscription")
    found = drafts.placed(drafts.checked(workspace, drafts.read(text)))
    assert drafts.in_words(found["steps[0].filter"]) == "Add rows for url, events and scope."


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((("", "x"),), {"steps[0].filter": "Add rows for url, events and scope."}),
        (
            (("url", "https://acme.example"), ("events[]", ""), ("scope", "")),
            {"steps[0].filter[1]": "Enter a value.", "steps[0].filter[2]": "Enter a value."},
        ),
        (
            (
                ("url", "https://acme.example"),
                ("events[]", "invitee.created"),
                ("scope", "user"),
                ("user", ""),
            ),
            {},
        ),
    ],
)
def test_rows_say_what_to_enter(workspace, rows, words):
    flow = drafts.read(MANUAL.replace("users/me", "Create Webhook Subscription")).flow
    draft = drafts.checked(workspace, drafts.of_flow(draft_edits.with_call(flow, 0, rows=rows)))
    found = {place: drafts.in_words(problems) for place, problems in drafts.placed(draft).items()}
    assert found | words == found


def test_the_places_of_a_new_flow_are_unfinished_until_they_are_filled_in():
    flow = drafts.new("triggered").flow
    assert drafts.unfinished(flow) == {"name", "steps", "trigger.connection", "trigger.events"}
    flow = draft_edits.add_step(draft_edits.renamed(flow, name="look"))
    assert "name" not in drafts.unfinished(flow)
    assert {"steps[0].action", "steps[0].connection", "steps[0].filter"} <= drafts.unfinished(flow)
    flow = draft_edits.with_call(flow, 0, action="users/me", rows=(("scope", ""), ("url", "x"), ("", "x")))
    open_rows = {place for place in drafts.unfinished(flow) if ".filter[" in place}
    assert open_rows == {"steps[0].filter[0]", "steps[0].filter[2]"}
    assert "steps[0].action" not in drafts.unfinished(flow)


def test_the_name_of_a_deployed_flow_stays(workspace):
    draft = drafts.checked(workspace, drafts.read(MANUAL), name="other")
    assert [problem.path for problem in draft.errors] == ["name"]


def test_a_draft_survives_until_it_is_deployed(workspace):
    opened = drafts.open_new(workspace, "ada", trigger="polling")
    assert opened.draft.flow.trigger.type == "polling"
    assert not opened.is_restored
    drafts.keep(workspace, "ada", opened, drafts.read(MANUAL))
    again = drafts.open_new(workspace, "ada", trigger="polling")
    assert (again.draft.text, again.is_restored) == (MANUAL, True)
    assert not drafts.open_new(workspace, "grace", trigger="polling").is_restored
    done = draft_deployment.deploy(workspace, "ada", again, again.draft)
    assert (done.name, done.version, done.url) == ("look", 1, "")
    assert draft_store.load(workspace, "ada", opened.key) is None


def test_a_draft_that_changes_nothing_is_dropped(workspace):
    opened = drafts.open_new(workspace, "ada", template="new-invitees")
    drafts.keep(workspace, "ada", opened, drafts.read(MANUAL))
    drafts.keep(workspace, "ada", opened, drafts.read(opened.base))
    assert draft_store.load(workspace, "ada", opened.key) is None


def test_unknown_flows_and_templates_are_errors(workspace):
    with pytest.raises(ConnectorError):
        drafts.open_flow(workspace, "ada", "<img src=x>")
    with pytest.raises(ConnectorError):
        drafts.open_new(workspace, "ada", template="../secrets")


def test_the_second_person_gets_the_difference_and_may_deploy_over_it(workspace):
    draft_deployment.deploy(workspace, "ada", drafts.open_new(workspace, "ada"), drafts.read(MANUAL))
    mine, theirs = (drafts.open_flow(workspace, who, "look") for who in ("ada", "grace"))
    second = drafts.read(MANUAL.replace("who looks", "theirs"))
    assert draft_deployment.deploy(workspace, "grace", theirs, second).version == 2
    third = drafts.read(MANUAL.replace("who looks", "mine"))
    conflict = draft_deployment.deploy(workspace, "ada", mine, third)
    assert conflict.version == 2
    assert {"-# theirs", "+# mine"} <= set(conflict.lines)
    assert workspace.engine.flows.get("look").version == 2
    assert draft_deployment.deploy(workspace, "ada", mine, third, over=True).version == 3


def test_discarded_changes_make_way_for_what_is_deployed_now(workspace):
    draft_deployment.deploy(workspace, "ada", drafts.open_new(workspace, "ada"), drafts.read(MANUAL))
    mine, theirs = (drafts.open_flow(workspace, who, "look") for who in ("ada", "grace"))
    drafts.keep(workspace, "ada", mine, drafts.read(MANUAL + "# mine\n"))
    draft_deployment.deploy(workspace, "grace", theirs, drafts.read(MANUAL + "# theirs\n"))
    restored = drafts.open_flow(workspace, "ada", "look")
    assert (restored.version, restored.draft.text) == (1, MANUAL + "# mine\n")
    again = drafts.begin_again(workspace, "ada", restored)
    assert (again.version, again.draft.text, again.is_restored) == (2, MANUAL + "# theirs\n", False)


def test_a_new_flow_cant_take_the_name_of_another(workspace):
    draft_deployment.deploy(workspace, "ada", drafts.open_new(workspace, "ada"), drafts.read(MANUAL))
    other = drafts.read(MANUAL + "# another\n")
    with pytest.raises(draft_deployment.NameTaken, match="look exists already"):
        draft_deployment.deploy(workspace, "grace", drafts.open_new(workspace, "grace"), other)


def test_invalid_flows_are_not_deployed(workspace):
    with pytest.raises(ConnectorError):
        draft_deployment.deploy(workspace, "ada", drafts.open_new(workspace, "ada"), drafts.read("name: x"))
    assert not workspace.engine.flows.all()


# Edits of the form


def flow(*steps, **connections):
    known = {name: FlowConnection(*one) for name, one in connections.items()}
    return Flow(
        "look", known, FlowTrigger(), tuple(Step(f"s{n}", Call(one, "x")) for n, one in enumerate(steps))
    )


def test_a_connection_that_only_one_step_uses_changes_in_place():
    changed = draft_edits.with_connection(flow("chat", chat=("http", "a")), 0, FlowConnection("http", "b"))
    assert changed.connections == {"chat": FlowConnection("http", "b")}


def test_a_connection_that_others_use_stays_for_them():
    before = flow("c", "c", c=("calendly", "a"))
    changed = draft_edits.with_connection(before, 1, FlowConnection("calendly", "b"))
    assert changed.connections == {
        "c": FlowConnection("calendly", "a"),
        "calendly": FlowConnection("calendly", "b"),
    }
    assert [step.call.connection for step in changed.steps] == ["c", "calendly"]


def test_equal_connections_are_shared_and_unused_ones_removed():
    before = flow("c", "d", c=("calendly", "a"), d=("http", "b"))
    changed = draft_edits.with_connection(before, 1, FlowConnection("calendly", "a"))
    assert changed.connections == {"c": FlowConnection("calendly", "a")}
    assert draft_edits.with_connection(changed, 0, FlowConnection("")).steps[0].call.connection == ""


def test_steps_move_within_the_list_and_new_ones_have_their_own_ids():
    moved = draft_edits.move_step(flow("c", "c", c=("calendly",)), 1, -1)
    assert [step.id for step in moved.steps] == ["s1", "s0"]
    assert draft_edits.move_step(moved, 0, -1) == moved
    longer = draft_edits.add_step(draft_edits.add_step(moved))
    assert [step.id for step in longer.steps] == ["s1", "s0", "step", "step-2"]
    assert draft_edits.remove_step(flow("c", c=("calendly",)), 0).connections == {}


@pytest.mark.parametrize("kind", ["triggered", "polling", "manual"])
def test_each_type_of_trigger_has_a_text_that_says_it(kind):
    events = FlowTrigger("triggered", "c", ("invitee.created",), (("host", "a"),), None, subscribe=True)
    before = Flow("look", {"c": FlowConnection("calendly", "work")}, events, ())
    changed = draft_edits.with_trigger_type(before, kind)
    assert file.read(file.write(changed)).flow == changed
    assert changed.trigger.type == kind


@pytest.mark.parametrize(
    ("text", "before", "value"),
    [
        ("plain", None, "plain"),
        ("5", 5, 5),
        ("6", 5, "6"),
        ('["a", 1]', None, ["a", 1]),
        ('{"a": {"b": null}}', None, {"a": {"b": None}}),
        ("[not json", None, "[not json"),
        ("[1]", "[1]", "[1]"),
        ("", None, None),
        ("", "x", ""),
    ],
)
def test_a_field_shows_and_takes_any_value(text, before, value):
    assert draft_edits.entered(text, before) == value
    assert type(draft_edits.entered(text, before)) is type(value)


@pytest.mark.parametrize(
    ("text", "operator", "value"),
    [
        ("a, b", "in", ["a", "b"]),
        ("~{me.records[].uri}~", "in", "~{me.records[].uri}~"),
        ("no", "exists", False),
        ("", "exists", True),
        ("a, b", "is", "a, b"),
        ("", "is", ""),
    ],
)
def test_what_a_condition_compares_with_fits_its_operator(text, operator, value):
    assert draft_edits.operand(text, operator) == value


def test_a_list_of_a_condition_is_shown_as_it_is_written():
    assert draft_edits.operand_shown(Condition("a", "in", ["x", "y"])) == "x, y"
    assert draft_edits.operand_shown(Condition("a", "in", ["x, y"])) == '["x, y"]'
    assert draft_edits.operand_shown(Condition("a", "exists", operand=True)) == "true"
