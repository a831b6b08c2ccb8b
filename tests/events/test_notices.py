"""Notices: the text for an event, by a template, safe whatever a stranger typed."""

import copy
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from calendly_connector.catalog.manifest import manifest
from calendly_connector.errors import UsageError
from calendly_connector.events import slack
from calendly_connector.events.notices import DEFAULTS, FIELDS, OTHER, Template, fields
from calendly_connector.events.webhooks.event import make_event
from hypothesis import given
from hypothesis import strategies as st

BERLIN = ZoneInfo("Europe/Berlin")


def sample(kind, **changes):
    """Return the declared example of an event, with changes to its payload."""
    example = copy.deepcopy(manifest().triggers[kind].examples[0])
    return make_event(kind, example["created_at"], {**example["payload"], **changes})


def text(kind, template=None, zone=BERLIN, **changes):
    chosen = Template(template or DEFAULTS.get(kind, OTHER))
    return chosen.render(sample(kind, **changes), zone, slack.escape)


def at(start, end):
    return {"name": "Intro call", "start_time": start, "end_time": end}


# Default templates


def test_a_booking_says_who_what_when_where_and_the_answers():
    assert text("invitee.created").splitlines() == [
        "*Noor van Dijk* booked *Intro call*",
        "Tue 24 Nov 2026, 14:00\N{EN DASH}14:30 (Europe/Berlin)",
        "Host: Ada Okafor",
        "Email: noor@client.example",
        "Guests: guest@client.example",
        "Location: https://zoom.example/j/91234567890?pwd=x",
        "What would you like to discuss? Pricing for 40 seats",
        "Which products do you use? Core, Reports",
    ]


def test_a_cancellation_says_who_and_why():
    assert text("invitee.canceled").splitlines() == [
        "*Intro call* with *Noor van Dijk* was canceled by Noor van Dijk",
        "Tue 24 Nov 2026, 14:00\N{EN DASH}14:30 (Europe/Berlin)",
        "Reason: No longer needed",
    ]


def test_a_line_without_a_value_is_left_out():
    canceled = text("invitee.canceled", cancellation={"canceled_by": "Ada", "reason": None})
    assert "Reason" not in canceled
    assert "canceled by Ada" in canceled


def test_a_reschedule_has_both_times():
    lines = text("invitee.rescheduled").splitlines()
    assert lines[0] == "*Noor van Dijk* moved *Intro call*"
    assert lines[1].startswith("To: Thu 26 Nov 2026, 10:00")
    assert lines[2].startswith("From: Fri 20 Nov 2026, 10:00")


@pytest.mark.parametrize("kind", manifest().triggers)
def test_every_event_has_a_text(kind):
    found = text(kind)
    assert found
    assert "None" not in found
    assert "{" not in found


# Times


@pytest.mark.parametrize(
    ("start", "end", "zone", "shown"),
    [
        ("2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", BERLIN, "Sun 29 Mar 2026, 01:30\N{EN DASH}03:30"),
        ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", BERLIN, "Sun 25 Oct 2026, 02:30\N{EN DASH}02:30"),
        (
            "2026-12-31T22:30:00Z",
            "2026-12-31T23:30:00Z",
            BERLIN,
            "Thu 31 Dec 2026, 23:30\N{EN DASH}Fri 01 Jan 2027, 00:30",
        ),
        (
            "2026-11-24T13:00:00.000000Z",
            "2026-11-24T13:30:00Z",
            UTC,
            "Tue 24 Nov 2026, 13:00\N{EN DASH}13:30",
        ),
    ],
)
def test_times_are_local(start, end, zone, shown):
    found = text("invitee.created", "{when}", zone, scheduled_event=at(start, end))
    assert found == f"{shown} ({zone})"


@pytest.mark.parametrize("start", [None, "", "tomorrow", 5, "9999-12-31T23:59:59Z", {}])
def test_an_odd_time_is_left_out(start):
    meeting = at(start, "9999-12-31T23:59:59Z")
    assert text("invitee.created", "{name}\n{when}", scheduled_event=meeting) == "Noor van Dijk"


# Hostile values


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<!channel> A & B", "&lt;!channel&gt; A &amp; B"),
        ("<@U123|Ada>", "&lt;@\N{ZERO WIDTH SPACE}U123|Ada&gt;"),
        ("@channel @here", "@\N{ZERO WIDTH SPACE}channel @\N{ZERO WIDTH SPACE}here"),
        ("bo@guest.example", "bo@guest.example"),
        ("<https://evil.example|click>", "&lt;https://evil.example|click&gt;"),
        ("a\nReason: forged\r\x00\x1b[31m", "a Reason: forged [31m"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}gpj", "gpj"),
        ("{email} {{", "{email} {{"),
        ("%s %(email)s", "%s %(email)s"),
        ("李 Zoë 🙂", "李 Zoë 🙂"),
    ],
)
def test_what_a_guest_typed_is_only_text(name, shown):
    assert text("invitee.created", "{name}", name=name) == shown
    answers = [{"question": "Why?", "answer": name}]
    assert text("invitee.created", "{answers}", questions_and_answers=answers).startswith("Why? ")


def test_a_long_value_is_shortened():
    answers = [{"question": "q" * 9_000, "answer": "a" * 90_000}] * 500
    assert (
        len(text("invitee.created", "{name}{answers}", name="&" * 9_000, questions_and_answers=answers))
        < 12_000
    )


@pytest.mark.parametrize(
    "value", [None, 5, [], {}, "x", [None], [5], [{"answer": 5}], [{"question": None}], True]
)
def test_a_payload_of_another_shape_raises_nothing(value):
    names = (
        "questions_and_answers",
        "scheduled_event",
        "tracking",
        "name",
        "email",
        "old",
        "new",
        "contact",
        "event",
    )
    for kind in manifest().triggers:
        for changes in [{name: value} for name in names] + [dict.fromkeys(names, value)]:
            event = make_event(kind, "2026-11-18T08:00:00Z", {"uri": "https://x.example/a", **changes})
            Template("\n".join(f"{{{field}}}" for field in FIELDS)).render(event, UTC, slack.escape)


# Templates


def test_the_fields_are_those_that_are_declared():
    assert fields(sample("invitee.created"), UTC).keys() == FIELDS.keys()
    assert Template("".join(f"{{{field}}}" for field in FIELDS))


def test_a_template_keeps_its_own_markup():
    template = "<!here> {{{name}}} & co\n\nNew:"
    assert text("invitee.created", template) == "<!here> {Noor van Dijk} & co\n\nNew:"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{nmae}", "Unknown field '{nmae}' in the template. Did you mean {name}? Fields: kind, name,"),
        ("{name.__class__}", "Unknown field '{name.__class__}'"),
        ("{name[0]}", "Unknown field '{name[0]}'"),
        ("{0}", "Unknown field '{0}'"),
        ("{}", "Unknown field '{}'"),
        ("{name!r}", "Unknown field '{name!r}'"),
        ("{name:>99999999}", "Unknown field '{name:>99999999}'"),
        ("{name:{email}}", "Unknown field"),
        ("{name", "a brace isn't closed"),
        ("name}", "a brace isn't closed or opened"),
        ("{{name}", "a brace isn't closed or opened"),
        ("", "The template is empty"),
        (" \n ", "The template is empty"),
    ],
)
def test_an_invalid_template_is_rejected(template, message):
    with pytest.raises(UsageError) as caught:
        Template(template)
    assert message in str(caught.value)


@given(st.text())
def test_any_template_is_either_rejected_or_rendered(template):
    try:
        checked = Template(template)
    except UsageError:
        return
    assert isinstance(checked.render(sample("invitee.created"), UTC, slack.escape), str)


@given(st.text())
def test_no_value_can_notify_anybody(name):
    shown = text("invitee.created", "{name}", name=name)
    assert "<" not in shown
    assert ">" not in shown
    assert not slack._MENTION.search(shown)
