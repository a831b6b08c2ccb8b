"""Confirmation before an agent writes: the question, calls rejected without it, and what a yes covers."""

import json
from zoneinfo import ZoneInfo

import mcp_types as types
import pytest
from agents import MODES
from calendly_connector.catalog.manifest import catalog
from calendly_connector.errors import ConnectorError
from calendly_connector.hosts.mcp import elicitation, questions
from calendly_connector.recipes import booking_rules
from calendly_connector.sandbox.world.fixtures import SHARE
from mcp import MCPError

BERLIN = ZoneInfo("Europe/Berlin")


def writes(sandbox):
    return [request for request in sandbox.requests()["requests"] if request["method"] != "GET"]


def cancel(agent):
    event = agent.get(
        "scheduled_events_list", status="active", min_start_time="2026-11-19T00:00:00Z", count=1
    )
    return event["records"][0], agent.call(
        "scheduled_events_cancel", uuid=event["records"][0]["uri"], reason="x\ny"
    )


@pytest.mark.parametrize("mode", MODES)
def test_the_user_is_asked_before_a_write_and_sees_the_details(frozen_sandbox, serve, mode):
    with serve(frozen_sandbox, mode=mode, reply="accept") as agent:
        event, result = cancel(agent)
        assert not result.is_error
        (question,) = agent.questions
        (invitee,) = agent.get("invitees_list", uuid=event["uri"])["records"]
        assert question == (
            "Cancel a scheduled event?\n"
            f"  uuid: {event['uri']}\n"
            f"    name: {event['name']}\n"
            "    status: active\n"
            "    start_time: Thu 2026-11-19 09:30 (Europe/Berlin)\n"
            "    end_time: Thu 2026-11-19 10:30 (Europe/Berlin)\n"
            "    invitees (1):\n"
            f"      - {invitee['name']} <{invitee['email']}>\n"
            "  reason: x y\n"
            "This cannot be undone."
        )
        assert agent.get("scheduled_events_get", uuid=event["uri"])["record"]["status"] == "canceled"


def test_the_question_names_a_resource_that_only_appears_in_a_list(frozen_sandbox, serve):
    with serve(frozen_sandbox, reply="decline") as agent:
        agent.error("run_action", action="shares_delete", arguments={"uuid": SHARE})
        (question,) = agent.questions
        assert question == (
            f"Delete a share?\n  uuid: {SHARE}\n    name: Intro call (short)\nThis cannot be undone."
        )


@pytest.mark.parametrize("reply", ["decline", "cancel"])
@pytest.mark.parametrize("mode", MODES)
def test_without_a_yes_nothing_is_sent(frozen_sandbox, serve, mode, reply):
    with serve(frozen_sandbox, mode=mode, reply=reply) as agent:
        event, result = cancel(agent)
        assert result.is_error
        assert "nothing was sent" in result.content[0].text
        assert json.loads(result.content[1].text)["error"]["code"] == "declined"
        assert agent.get("scheduled_events_get", uuid=event["uri"])["record"]["status"] == "active"
        through_run = agent.call(
            "run_action", action="scheduled_events_cancel", arguments={"uuid": event["uri"]}
        )
        assert through_run.is_error
        assert len(agent.questions) == 2
    assert writes(frozen_sandbox) == []


def test_a_client_without_elicitation_is_not_asked(frozen_sandbox, serve):
    with serve(frozen_sandbox) as agent:
        assert not cancel(agent)[1].is_error


@pytest.mark.parametrize("mode", MODES)
def test_reads_and_invalid_calls_ask_nothing(sandbox, serve, mode):
    with serve(sandbox, mode=mode, reply="accept") as agent:
        agent.get("users_me")
        agent.get("run_action", action="teams_list")
        assert "uuid: is missing" in agent.error("scheduled_events_cancel")
        assert agent.questions == []


def test_the_user_is_asked_even_if_the_resource_cannot_be_read(sandbox, serve):
    with serve(sandbox, reply="decline") as agent:
        agent.error("scheduled_events_cancel", uuid="0" * 16)
        assert agent.questions == [f"Cancel a scheduled event?\n  uuid: {'0' * 16}\nThis cannot be undone."]


def test_the_question_shows_each_item_of_a_list(sandbox, serve):
    emails = [{"email": "zoe@client.example", "is_primary": True}]
    with serve(sandbox, reply="decline") as agent:
        agent.error("run_action", action="contacts_create", arguments={"name": "Zoë", "emails": emails})
        (question,) = agent.questions
        assert question.endswith('  emails (1):\n    - {"email": "zoe@client.example", "is_primary": true}')


def test_the_question_is_short_and_has_no_control_characters(serve, sandbox):
    with serve(sandbox, reply="decline") as agent:
        agent.error("scheduled_events_cancel", uuid="0" * 16, reason="\x1b[31m" + "a" * 5000)
        assert "\x1b" not in agent.questions[0]
        assert "… (4,805 more characters not shown)" in agent.questions[0]
        assert len(agent.questions[0]) < 400


def call_tool(agent, uuid, **more):
    return agent.session.call_tool(
        "scheduled_events_cancel", {"uuid": uuid}, allow_input_required=True, **more
    )


def test_a_yes_is_valid_only_for_its_own_call(frozen_sandbox, serve):
    yes = {"confirm": types.ElicitResult(action="accept", content={})}
    with serve(frozen_sandbox, only=["scheduled_events"], mode="2026-07-28", reply="accept") as agent:
        first, second = agent.get(
            "scheduled_events_list", status="active", min_start_time="2026-11-19T00:00:00Z", count=2
        )["records"]
        confirmation = agent._portal.call(lambda: call_tool(agent, first["uri"]))
        for uuid, state in (
            (second["uri"], confirmation.request_state),
            (first["uri"], "confirm"),
            (first["uri"], "v1.x"),
        ):
            with pytest.raises(MCPError, match="Invalid or expired requestState"):
                agent._portal.call(
                    lambda uuid=uuid, state=state: call_tool(
                        agent, uuid, input_responses=yes, request_state=state
                    )
                )
        unasked = agent._portal.call(lambda: call_tool(agent, first["uri"], input_responses=yes))
        assert unasked.result_type == "input_required"
    assert writes(frozen_sandbox) == []


# The question


def ask_about(action, arguments, about=()):
    return questions.write_question(catalog()[action], arguments, dict(about), BERLIN)


def test_a_deletion_shows_and_counts_each_person():
    emails = [f"person{number}@client.example" for number in range(40)]
    question = ask_about("data_compliance.delete_invitees", {"emails": emails}).splitlines()
    assert question[1] == "  emails (40):"
    assert question[2:-1] == [f"    - {email}" for email in emails]
    assert question[-1] == "This cannot be undone."


def test_a_long_list_says_how_many_items_are_not_shown():
    emails = [f"person{number}@client.example" for number in range(1234)]
    question = ask_about("data_compliance.delete_invitees", {"emails": emails}).splitlines()
    assert question[1] == "  emails (1234):"
    assert question[-2] == "    … and 1,184 more (not shown)"


def test_objects_are_shown_field_by_field_and_times_in_the_users_time_zone():
    question = ask_about(
        "invitees.create",
        {
            "start_time": "2026-12-02T08:30:00.000000Z",
            "invitee": {"name": "Zoë\u202e", "email": "z@x.example"},
        },
    )
    assert question == (
        "Book a time for an invitee?\n"
        "  start_time: Wed 2026-12-02 09:30 (Europe/Berlin)\n"
        "  invitee:\n"
        "    name: Zoë \n"
        "    email: z@x.example"
    )


@pytest.mark.parametrize("text", ["2026-99-99T08:30:00Z", "0001-01-01T00:00:00+14:00"])
def test_text_that_only_looks_like_a_time_is_shown_unchanged(text):
    assert ask_about("scheduled_events.cancel", {"reason": text}).splitlines()[1] == f"  reason: {text}"


def test_details_are_shown_below_each_item_of_a_list():
    lists = catalog()["contact_lists.remove_contacts"]
    (name,) = [name for name in lists.inputs if name != "uuid"]
    details = {"A": {"name": "Zoë"}}
    question = questions.write_question(lists, {name: ["A", "B"]}, details, BERLIN).splitlines()
    assert question[1:5] == [f"  {name} (2):", "    - A", "      name: Zoë", "    - B"]


def test_the_question_names_the_contacts_to_remove_from_a_list(frozen_sandbox, serve):
    with serve(frozen_sandbox, reply="decline") as agent:
        found = agent.get("run_action", action="contacts_list", arguments={"count": 2})["records"]
        of = agent.get("run_action", action="contact_lists_list", arguments={})["records"][0]
        field = next(name for name in catalog()["contact_lists.remove_contacts"].inputs if name != "uuid")
        arguments = {"uuid": of["uri"], field: [contact["uri"] for contact in found]}
        agent.error("run_action", action="contact_lists_remove_contacts", arguments=arguments)
        (question,) = agent.questions
        assert f"    name: {of['name']}" in question.splitlines()
        for contact in found:
            assert f"      name: {contact['name']}" in question.splitlines()
    assert writes(frozen_sandbox) == []


def test_the_question_about_a_no_show_names_the_invitee_and_the_meeting(frozen_sandbox, serve):
    with serve(frozen_sandbox, reply="decline") as agent:
        past = {"status": "active", "max_start_time": "2026-11-17T00:00:00Z", "count": 1}
        event = agent.get("scheduled_events_list", **past)["records"][0]
        invitee = agent.get("invitees_list", uuid=event["uri"])["records"][0]
        agent.error("invitee_no_shows_create", invitee=invitee["uri"])
        lines = agent.questions[0].splitlines()
        assert lines[:4] == [
            "Mark an invitee as a no-show?",
            f"  invitee: {invitee['uri']}",
            f"    name: {invitee['name']}",
            f"    email: {invitee['email']}",
        ]
        assert "    event:" in lines
        assert f"      name: {event['name']}" in lines
        assert next(line for line in lines if line.startswith("      start_time: ")).endswith(
            "(Europe/Berlin)"
        )


def test_times_are_shown_in_utc_if_the_user_cannot_be_read(frozen_sandbox, serve):
    frozen_sandbox.control("POST", "/tokens", {"name": "writer", "scopes": ["scheduled_events:write"]})
    with serve(frozen_sandbox, token="writer", reply="decline") as agent:
        agent.error("scheduled_events_cancel", uuid="0" * 16, reason="2026-12-02T08:30:00Z")
        assert "  reason: Wed 2026-12-02 08:30 (UTC)" in agent.questions[0].splitlines()


# Rejected without a question


@pytest.fixture
def book(serve, frozen_sandbox):
    """Return a function that books an intro call; it returns the error message and the questions."""

    def book(**changes):
        with serve(frozen_sandbox, reply="decline") as agent:
            arguments = {
                "event_type": "intro",
                "start_time": "2026-11-25T08:00:00Z",
                "invitee": {"name": "Zoë", "email": "zoe@client.example", "timezone": "Europe/Berlin"},
                "location": {"kind": "zoom_conference"},
                "questions_and_answers": [
                    {"question": "What would you like to discuss?", "answer": "Pricing", "position": 0}
                ],
            }
            return agent.error("invitees_create", **{**arguments, **changes}), agent.questions

    return book


def test_the_question_about_a_booking_has_its_event_type_and_time(book, frozen_sandbox):
    message, (question,) = book()
    assert "nothing was sent" in message
    assert question.splitlines()[:4] == [
        "Book a time for an invitee?",
        "  event_type: intro",
        "    name: Intro call",
        "  start_time: Wed 2026-11-25 09:00 (Europe/Berlin)",
    ]
    assert writes(frozen_sandbox) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"location": None}, "location: is missing; set its kind to "),
        ({"location": {"kind": "webex_conference"}}, "location.kind: must be "),
        (
            {"questions_and_answers": None},
            "questions_and_answers: 'What would you like to discuss?' is required",
        ),
        (
            {"questions_and_answers": [{"question": "what would you like", "answer": "x", "position": 0}]},
            "(did you mean 'What would you like to discuss?'?)",
        ),
        (
            {"start_time": "2026-11-25T03:00:00Z"},
            "start_time: is not available; nearest available times:",
        ),
        ({"start_time": "2026-11-18T11:00:00Z"}, "start_time: is in the past"),
        ({"event_type": "Intro cal"}, "event_type: "),
        ({"event_type": "0" * 16}, "not found"),
    ],
)
def test_a_booking_that_cannot_succeed_is_rejected_without_a_question(book, frozen_sandbox, changes, message):
    error, questions = book(**changes)
    assert message in error
    assert questions == []
    assert writes(frozen_sandbox) == []


def test_all_problems_of_a_booking_are_reported_together(book):
    message, _ = book(location=None, questions_and_answers=None, start_time="2026-11-25T03:00:00Z")
    assert message.startswith("invitees_create: location: is missing")
    assert "questions_and_answers: 'What would you like to discuss?' is required" in message
    assert "start_time: is not available" in message
    assert message.endswith("Nothing was sent. Fix the call and send it again.")


def test_a_booking_is_not_checked_if_its_event_type_cannot_be_read(frozen_sandbox, serve):
    frozen_sandbox.control("POST", "/tokens", {"name": "writer", "scopes": ["scheduled_events:write"]})
    with serve(frozen_sandbox, token="writer", reply="decline") as agent:
        agent.error(
            "invitees_create",
            event_type="0" * 16,
            start_time="2026-11-25T03:00:00Z",
            invitee={"name": "Zoë", "email": "zoe@client.example", "timezone": "Europe/Berlin"},
        )
        assert len(agent.questions) == 1


def test_a_location_is_rejected_if_the_event_type_has_none_or_is_round_robin():
    place = {"kind": "zoom_conference"}
    turns = {"locations": [place], "pooling_type": "round_robin"}
    for event_type in ({"locations": None}, {"locations": []}, turns):
        (problem,) = booking_rules.booking_problems(event_type, {"location": place})
        assert str(problem) == "location: must be omitted for this event type"
        assert booking_rules.booking_problems(event_type, {}) == []


@pytest.mark.parametrize(
    ("answer", "other", "wrong"),
    [("Core", False, 0), ("Core\nReports", False, 0), ("Else", False, 1), ("Else", True, 0)],
)
def test_an_answer_must_be_one_of_the_choices(answer, other, wrong):
    question = {"name": "Q", "answer_choices": ["Core", "Reports"], "include_other": other}
    event_type = {"custom_questions": [question, {"name": "R", "required": True, "enabled": False}]}
    answers = [{"question": "Q", "answer": answer, "position": 0}]
    assert len(booking_rules.booking_problems(event_type, {"questions_and_answers": answers})) == wrong


@pytest.mark.parametrize("mode", MODES)
def test_canceling_a_canceled_event_is_rejected_without_a_question(frozen_sandbox, serve, mode):
    with serve(frozen_sandbox, mode=mode, reply="accept") as agent:
        canceled = agent.get("scheduled_events_list", status="canceled", count=1)["records"][0]["uri"]
        message = agent.error("scheduled_events_cancel", uuid=canceled)
        assert (
            message == "scheduled_events_cancel: uuid: is already canceled. Nothing was sent. Tell the user."
        )
        assert agent.questions == []
    assert writes(frozen_sandbox) == []


# One yes, one write


def test_a_yes_is_valid_for_one_call(frozen_sandbox, serve):
    yes = {"confirm": types.ElicitResult(action="accept", content={})}
    with serve(frozen_sandbox, only=["scheduling_links"], mode="2026-07-28", reply="accept") as agent:

        def link(**more):
            arguments = {"owner": "Intro call"}
            return agent._portal.call(
                lambda: agent.session.call_tool(
                    "scheduling_links_create", arguments, allow_input_required=True, **more
                )
            )

        state = link().request_state
        first, again = (link(input_responses=yes, request_state=state) for _ in range(2))
        assert not first.is_error
        assert again.is_error
        error = json.loads(again.content[1].text)["error"]
        assert (error["code"], error["may_have_happened"]) == ("already_answered", True)
        another = link(input_responses=yes, request_state=link().request_state)
        assert not another.is_error
    assert len(writes(frozen_sandbox)) == 2


def test_a_reply_is_remembered_until_its_confirmation_expires():
    now = [0.0]
    confirmation = elicitation.Confirmation(monotonic=lambda: now[0])
    confirmation._use_once("first")
    with pytest.raises(ConnectorError, match="already been answered"):
        confirmation._use_once("first")
    now[0] = elicitation.REPLY_TTL_S + 1.0
    confirmation._use_once("second")
    assert set(confirmation._answered) == {"second"}
