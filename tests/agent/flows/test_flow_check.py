"""What a check finds before anything runs: with Calendly's catalog, and with that of another connector."""

from dataclasses import replace

import pytest
from another_connector import ShelfConnector
from calendly_connector.agent.flows import check, file
from calendly_connector.agent.flows.problems import InvalidFlow, Positions
from calendly_connector.contract import CheckReport, Verdict
from calendly_connector.plugin import connector as calendly
from shelf_application import Shelf

CONNECTORS = {"calendly": calendly, "shelf": ShelfConnector(Shelf())}

HEAD = """\
name: test
connections:
  calendly: {connector: calendly, credential: work}
  shelf: {connector: shelf, credential: library}
"""
BOOKED = """\
trigger: {type: triggered, connection: calendly, events: [invitee.created]}
steps:
"""
LAST = "  - {id: last, connection: shelf, action: books.list}\n"


def flow(*steps, trigger=BOOKED):
    """Return a file with steps; each is what follows the step's id. The first is in line 7."""
    lines = [f"  - {{id: s{number}, connection: calendly, {step}}}\n" for number, step in enumerate(steps)]
    return HEAD + trigger + "".join(lines) + LAST


def problems(content, **known):
    return check.check_file(content, CONNECTORS, **known)[1]


def words(content, **known):
    return [str(problem) for problem in problems(content, **known) if problem.severity == "error"]


def warnings(content):
    return [str(problem) for problem in problems(content) if problem.severity == "warning"]


def test_a_valid_flow_has_no_problems():
    step = 'action: meetings.list, filter: {email: "~{event.payload.email}~", event_type: Intro call}'
    assert problems(flow(step)) == []


# --- names


@pytest.mark.parametrize(
    ("content", "line", "column", "message", "near"),
    [
        (flow().replace("connector: shelf", "connector: self"), 4, 22, "unknown connector 'self'", "shelf"),
        (
            flow().replace("connection: calendly, events", "connection: calendy, events"),
            5,
            40,
            "unknown connection",
            "calendly",
        ),
        (
            flow().replace("connection: shelf", "connection: shelve"),
            7,
            28,
            "unknown connection 'shelve'",
            "shelf",
        ),
        (
            flow().replace("invitee.created", "invite.created"),
            5,
            59,
            "calendly has no event",
            "invitee.created",
        ),
        (flow("action: meeting.list"), 7, 44, "calendly has no action 'meeting.list'", "meetings.list"),
        (
            flow("action: Create Webhook Subscripton"),
            7,
            44,
            "calendly has no action",
            "Create Webhook Subscription",
        ),
        (
            flow("action: meetings.list, filter: {emial: a@b.example}"),
            7,
            68,
            "emial: isn't an input",
            "email",
        ),
        (
            flow("action: meetings.list, filter: [{key: emial, value: '~{event.payload.email}~'}]"),
            7,
            88,
            "emial: isn't an input",
            "email",
        ),
        (
            flow("action: meetings.list, filter: {start: '~{Nov+1d}~'}"),
            7,
            75,
            "start: unknown function ~{Nov}~",
            "Now",
        ),
    ],
)
def test_an_unknown_name_is_found_with_its_place_and_the_nearest(content, line, column, message, near):
    [found] = [problem for problem in problems(content) if problem.severity == "error"]
    assert found.message.startswith(message)
    assert (found.line, found.column, found.near) == (line, column, near)


def test_an_action_may_be_named_by_an_alias_in_any_case():
    rows = (
        "filter: {'events[]': invitee.created, scope: organization, url: 'https://a.example', "
        "organization: '~{GetOrganizationUrl}~'}"
    )
    assert words(flow(f"action: Create Webhook Subscription, {rows}")) == []
    assert words(flow(f"action: create webhook subscription, {rows}")) == []


def test_an_unknown_filter_of_a_trigger_is_found():
    trigger = BOOKED.replace(
        "]}", "], filters: {event_typ: Intro call, first_time: maybe, host: '~{GetUserUrl}~'}}"
    )
    assert words(flow(trigger=trigger)) == [
        "event_typ: isn't a filter. Did you mean 'event_type'?",
        "first_time: must be true or false.",
        "host: the filters of a trigger are plain values, without ~{…}~.",
    ]


def test_an_unknown_time_zone_is_found():
    trigger = BOOKED.replace("triggered", "polling, cron: 0 8 * * *, time_zone: Europe/Berln")
    assert words(flow(trigger=trigger)) == ["unknown time zone 'Europe/Berln'. Did you mean 'Europe/Berlin'?"]


def test_an_unknown_credential_is_found_if_the_known_ones_are_passed():
    assert words(flow("action: users.me"), credentials=["work", "libary"]) == [
        (
            "unknown credential 'library'. Did you mean 'libary'? Choose one of libary, work, or add it to "
            "the vault."
        )
    ]


# --- values


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("action: meetings.list, filter: {answers: maybe}", "answers: must be true or false."),
        ("action: meetings.list, filter: {status: gone}", "status: must be one of active,"),
        ("action: meetings.list, filter: {start: tomorrow}", "start: must be a time such as"),
        ("action: meetings.list, filter: {email: [a@b.example]}", "email: must be text."),
        (
            "action: links.create, filter: {event_type: x, duration: long}",
            "duration: must be a whole number.",
        ),
        ("action: links.create, filter: {event_type: x, 'guests[]': nobody}", "guests[0]: must be an email"),
        ("action: links.create", "event_type: is missing (links.create)."),
        ("action: links.create, filter: {event_type: ''}", "event_type: is missing."),
        ("action: users.me, limit: 5", "users.me doesn't return a list, so it has no limit."),
        ("action: users.me, all_pages: true", "users.me doesn't return a list, so it has no all_pages."),
        (
            "action: meetings.list, filter: {text: '~{Now(x)}~'}",
            "text: ~{Now}~ doesn't accept anything in paren",
        ),
        (
            "action: meetings.list, filter: {user: '~{GetUserUrl+1d}~'}",
            "user: ~{GetUserUrl}~ doesn't take an offset",
        ),
        (
            "action: meetings.list, filter: {text: '~{GetSigningKey}~'}",
            "text: can't contain a secret such as",
        ),
        ("action: meetings.list, filter: {text: '~{Now'}", "text: ~{Now has a ~{ without }~"),
        ("action: meetings.list, filter: {text: '~{No w}~'}", "text: ~{No w}~ has an invalid function"),
        (
            "action: meetings.list, filter: [{key: email, value: a@b.example}, {key: email, value: b}]",
            "email: accepts only one value",
        ),
        (
            "action: invitees.create, filter: {invitee.emial: x}",
            "invitee.emial: is not a field of invitee",
        ),
    ],
)
def test_a_wrong_value_is_found(step, message):
    found = words(flow(step))
    assert any(text.startswith(message) for text in found), found


@pytest.mark.parametrize(
    "rows",
    [
        "{start: '~{Now}~', end: '~{EndOfWeek(Europe/Berlin, Sunday)+1w}~'}",
        "{email: '', answers: false}",
        "{event_type: Intro call}",
        "{user: '~{GetUserUrl}~'}",
        "{text: '~~{not a function}~'}",
        "{answers: 'false'}",
        "{email: '~{event.payload.email}~', start: '~{event.created_at}~'}",
        "{text: '~{event.payload.name}~ ~{flow.name}~ ~{run.id}~'}",
    ],
)
def test_a_value_that_a_connection_accepts_is_no_problem(rows):
    assert words(flow(f"action: meetings.list, filter: {rows}")) == []


# --- references


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("~{event.payload.Email}~", "event.payload has no 'Email'. Did you mean 'email'?"),
        ("~{event.payload.email.x}~", "event.payload.email is text, so it has no 'x'."),
        ("~{event.payload.email[0]}~", "event.payload.email is text, so it has no [0]."),
        ("~{event.payload.tracking[].x}~", "event.payload.tracking is a mapping, so it has no items."),
        (
            "~{event.payload.questions_and_answers.answer}~",
            "is a list, so it has no 'answer'. Write event.payload.questions_and_answers[0].answer for",
        ),
        ("~{event.paylod.email}~", "event has no 'paylod'. Did you mean 'payload'?"),
        ("~{evnt.payload}~", "nothing before it is named 'evnt'. Did you mean 'event'?"),
        ("~{last.records}~", "nothing before it is named 'last'."),
        ("~{s1.records}~", "nothing before it is named 's1'."),
        ("~{item.x}~", "nothing before it is named 'item'."),
        ("~{s0}~", "~{s0}~ needs a path. It has records, extra."),
        ("~{s0.record.uri}~", "s0 has no 'record'. Did you mean 'records'?"),
        ("~{s0.records[0].urii}~", "s0.records[0] has no 'urii'. Did you mean 'uri'?"),
        ("~{s0.records[].urii}~", "s0.records[] has no 'urii'. Did you mean 'uri'?"),
        ("~{flow.nam}~", "flow has no 'nam'. Did you mean 'name'?"),
        ("~{Now}~ ~{event.id}~", "~{Now}~ is a function, which can't stand beside a reference."),
        ("~{event..id}~", "has an invalid reference"),
    ],
)
def test_a_reference_to_nothing_is_found(text, message):
    found = words(flow("action: meetings.list", f"action: meetings.list, filter: {{text: '{text}'}}"))
    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "~{event.payload.scheduled_event.event_memberships[0].user_name}~",
        "~{event.payload.scheduled_event.location.data.settings.anything[3]}~",
        '~{s0.records[0].answers["How many?"]}~',
        "~{s0.records[].hosts[].name}~ ",
        "~{s0.extra.total_count}~",
        '~{flows["any other flow"].url}~',
        "~{run.started_at}~",
    ],
)
def test_a_reference_to_something_is_no_problem(text):
    assert words(flow("action: meetings.list", f"action: meetings.list, filter: {{text: '{text}'}}")) == []


def test_references_inside_of_lists_and_mappings_are_checked():
    rows = "{event_type: x, start_time: '~{event.created_at}~', invitee: {name: '~{event.payload.nme}~'}}"
    [found, *_] = words(flow(f"action: invitees.create, filter: {rows}"))
    assert found.startswith("invitee: ~{event.payload.nme}~ leads to nothing")
    rows = rows.replace("{name: '~{event.payload.nme}~'}", "{name: '~{event.payload.name}~', emial: x}")
    assert any(
        text.startswith("invitee.emial: is not a field")
        for text in words(flow(f"action: invitees.create, filter: {rows}"))
    )


def test_a_step_that_returns_nothing_has_no_values():
    deletion = "action: webhook_subscriptions.delete, filter: {webhook_uuid: x}"
    assert calendly.actions()["webhook_subscriptions.delete"].returns == "none"
    found = words(flow(deletion, "action: meetings.list, filter: {text: '~{s0.record.uri}~'}"))
    assert found[-1].startswith("text: ~{s0.record.uri}~ leads to nothing: s0 has no 'record'.")


def test_a_flow_without_events_has_no_event():
    step = "action: meetings.list, filter: {text: '~{event.id}~'}"
    manual = "trigger: {type: manual}\nsteps:\n"
    assert "nothing before it is named 'event'" in words(flow(step, trigger=manual))[0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "{answers: '~{event.payload.name}~'}",
            "answers: must be true or false, but ~{event.payload.name}~ is text.",
        ),
        (
            "{email: '~{event.payload.tracking}~'}",
            "email: must be text, but ~{event.payload.tracking}~ is a mapping.",
        ),
        (
            "{email: '~{event.payload.rescheduled}~'}",
            "email: must be text, but ~{event.payload.rescheduled}~ is true or false.",
        ),
        ("{emial: '~{event.payload.email}~'}", "emial: isn't an input. Did you mean 'email'?"),
    ],
)
def test_a_reference_of_another_type_is_found(rows, message):
    assert words(flow(f"action: meetings.list, filter: {rows}")) == [message]


def test_events_of_several_kinds_have_the_values_of_each():
    trigger = BOOKED.replace("invitee.created", "invitee.created, contact.created")
    step = (
        "action: meetings.list, filter: {text: '~{event.payload.email}~ ~{event.payload.contact.job_title}~'}"
    )
    assert words(flow(step, trigger=trigger)) == []


# --- lists and conditions

LIST = "~{event.payload.questions_and_answers}~"


@pytest.mark.parametrize(
    ("for_each", "message"),
    [
        ("~{event.payload.email}~", "~{event.payload.email}~ is text, not a list."),
        ("~{event.payload.questions_and_answers[0]}~", "is a mapping, not a list."),
        ("~{event.payload.nothing}~", "event.payload has no 'nothing'."),
        ("a, b", "a, b isn't one reference."),
        ("~{event.id}~ ~{event.id}~", "isn't one reference."),
        ("~{Now}~", "~{Now}~ is a function, which only works in a filter."),
    ],
)
def test_for_each_needs_a_list(for_each, message):
    [found] = words(flow(f"action: users.me, for_each: '{for_each}'"))
    assert message in found


def test_the_item_of_a_list_has_the_shape_of_its_items():
    step = f"action: meetings.list, for_each: '{LIST}', filter: {{text: '~{{item.TEXT}}~'}}"
    assert words(flow(step.replace("TEXT", "answer"))) == []
    assert "item has no 'answr'. Did you mean 'answer'?" in words(flow(step.replace("TEXT", "answr")))[0]


def test_a_step_for_each_item_has_items():
    links = f"action: links.create, for_each: '{LIST}', filter: {{event_type: Intro call}}"
    later = "action: meetings.list, filter: {text: '~{s0.PATH}~'}"
    assert words(flow(links, later.replace("PATH", "items[0].record.url"))) == []
    assert words(flow(links, later.replace("PATH", "items[].record.url") + "")) != []
    assert "s0 has no 'record'" in words(flow(links, later.replace("PATH", "record.url")))[0]
    assert words(flow(links, later.replace("PATH", "items[0].item.answer"))) == []
    assert (
        "items[0].item has no 'answr'" in words(flow(links, later.replace("PATH", "items[0].item.answr")))[0]
    )


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("{value: '~{event.payload.statis}~', is: active}", "Did you mean 'status'?"),
        ("{value: 1, in: ['~{event.nothing}~']}", "event has no 'nothing'."),
        ("{value: '~{Now}~', less_than: '2026-11-24'}", "is a function, which only works in a filter."),
    ],
)
def test_a_wrong_condition_is_found(condition, message):
    assert message in words(flow(f"action: users.me, when: [{condition}]"))[0]


# --- steps


def test_ids_are_unique_and_not_reserved():
    content = (
        flow("action: users.me", "action: users.me")
        .replace("id: s1", "id: s0")
        .replace("id: last", "id: event")
    )
    assert words(content) == [
        "the id 's0' is used twice, first in line 7.",
        "'event' is the name of something else in references. Choose another id.",
    ]


def test_an_undo_sees_its_own_step_and_item():
    undo = "undo: {action: links.revoke, filter: {link: '~{s2.record.url}~ ~{item.uri}~ ~{s1.records}~'}}"
    create = "action: links.create, for_each: '~{s0.records}~', filter: {event_type: x}"
    found = words(flow("action: webhook_subscriptions.list", "action: users.me", f"{create}, {undo}"))
    assert not any("s2" in text or "item" in text for text in found), found
    assert any("s1 has no 'records'" in text for text in found)


def test_an_undo_that_never_runs_and_one_that_undoes_nothing_are_warnings():
    undo = "undo: {action: links.list}"
    assert warnings(flow(f"action: users.me, {undo}")) == [
        "no step after this one has `then: compensate`, so this undo never runs.",
        "links.list only reads, so it undoes nothing.",
    ]
    assert warnings(flow("action: users.me, on_error: {then: compensate}")) == [
        "no step before this one has an undo, so nothing is undone."
    ]


def test_retries_of_what_nothing_can_settle_are_a_warning():
    actions = calendly.actions().values()
    doubtful = next(
        each.id for each in actions if each.effect != "read" and not each.safe_to_repeat and not each.look_up
    )
    [found] = warnings(flow(f"action: {doubtful}, on_error: {{retry: {{times: 3}}}}"))
    assert found.startswith(f"{doubtful} isn't safe to repeat, and nothing shows whether it happened.")
    assert warnings(flow("action: links.create, on_error: {retry: {times: 3}}")) == []


def test_an_unused_connection_is_a_warning():
    content = flow().replace("connections:\n", "connections:\n  spare: {connector: shelf}\n")
    assert warnings(content) == ["nothing uses the connection 'spare'."]


# --- what a credential can't do

REPORT = CheckReport("ok", "fine", scopes={"scheduled_events:read": "refused"})


def test_what_a_credential_cannot_do_is_found():
    report = replace(REPORT, actions={"links.create": Verdict("cannot", "It lacks the scope shares:write.")})
    step = "action: links.create, filter: {event_type: x}"
    assert words(flow(step), reports={"work": report}) == [
        "the credential 'work' lacks the scope scheduled_events:read, which invitee.created needs.",
        "the credential 'work' can't run links.create: It lacks the scope shares:write.",
    ]
    assert words(flow(step), reports={"other": report}) == []


# --- all together


def test_everything_is_found_at_once_in_the_order_of_the_file():
    content = flow(
        "action: meeting.list",
        "action: meetings.list, filtr: {}",
        "action: meetings.list, filter: {emial: x, start: tomorrow}, when: [{value: '~{x.y}~', is: 1}]",
    ).replace("credential: work", "credental: work")
    found = problems(content)
    assert [(each.line, each.path) for each in found] == [
        (3, "connections.calendly.credental"),
        (7, "steps[0].action"),
        (8, "steps[1].filtr"),
        (9, "steps[2].filter.emial"),
        (9, "steps[2].filter.start"),
        (9, "steps[2].when[0].value"),
    ]


def test_a_flow_with_errors_is_not_loaded_and_one_with_warnings_is():
    with pytest.raises(InvalidFlow) as caught:
        check.load(flow("action: meeting.list"), CONNECTORS)
    assert "Did you mean 'meetings.list'?" in str(caught.value)
    content = flow().replace("connections:\n", "connections:\n  spare: {connector: shelf}\n")
    assert check.load(content, CONNECTORS).name == "test"


def test_a_flow_without_a_file_can_be_checked():
    made = file.parse(flow("action: meeting.list"))
    [found] = check.check(made, Positions(), CONNECTORS)
    assert (found.line, found.column, found.path) == (1, 1, "steps[0].action")


def test_a_check_uses_no_network_and_no_credential(monkeypatch):
    monkeypatch.setattr(type(calendly), "connect", lambda *_, **__: pytest.fail("connected"))
    assert problems(flow("action: users.me")) == []


def test_nothing_in_a_broken_file_makes_a_check_fail():
    whole = flow(
        "action: meetings.list, filter: {email: '~{event.payload.email}~'}, for_each: '~{event.payload}~'"
    )
    for start in range(0, len(whole), 3):
        for length in (1, 7):
            problems(whole[:start] + whole[start + length :])
