"""The templates that post to a chat, end to end: from what happens at Calendly to a message."""

import pytest
from calendly_connector.sandbox.world import fixtures

pytest_plugins = ["flow_fixtures"]

NOOR = {"name": "Noor van Dijk", "email": "noor@client.example"}
ANSWERS = ["Pricing for 40 seats", "Core\nReports"]
SOON = "2026-11-25T09:00:00Z"  # 10:00 in the host's time zone
LATER = "2026-11-26T10:30:00Z"
BOOKED = """\
Noor van Dijk (noor@client.example) booked Intro call
with Ada Okafor, 2026-11-25 10:00 (Europe/Berlin)

What would you like to discuss?: Pricing for 40 seats
Which products do you use?: Core, Reports"""
MOVED = """\
Noor van Dijk (noor@client.example) moved Intro call
with Ada Okafor to 2026-11-26 11:30 (Europe/Berlin)

What would you like to discuss?: Pricing for 40 seats
Which products do you use?: Core, Reports"""
CANCELED = """\
{} canceled Intro call of Noor van Dijk (noor@client.example)
with Ada Okafor, 2026-11-25 10:00 (Europe/Berlin)

Fully booked"""
HOSTILE = "~{GetOrganizationUrl}~ ~{event.id}~ <!channel> {{7*7}} <https://evil.example|Free>"


def text_of(message):
    """Return the text that people read, which the chat must take as plain text."""
    (block,) = message["blocks"]
    assert (block["type"], block["text"]["type"]) == ("section", "plain_text")
    return block["text"]["text"]


def texts(chat):
    return [text_of(message) for message in chat.messages]


def book(calendly, **changes):
    """Book as an invitee. Return the URI of the invitee when the agent has answered the webhook."""
    booking = {**NOOR, "answers": ANSWERS, "start_time": SOON, **changes}
    return calendly.book(**booking, wait=True)["invitee"]["uri"]


# booking-to-chat


def test_a_booking_is_one_message_with_name_meeting_and_answers(agent, calendly, chat):
    agent.template("booking-to-chat")
    book(calendly)
    agent.done()
    assert texts(chat) == [BOOKED]
    assert chat.messages[0]["text"] == "New booking: Intro call"
    (post,) = agent.door.posts
    assert "Calendly-Webhook-Signature" in post[1]


def test_a_booking_through_the_connector_is_a_message_too(agent, calendly, chat, connect):
    agent.template("booking-to-chat")
    connection = connect(calendly, clock=agent.clock)
    slot = connection.run("slots.list", {"event_types": ["Intro call"]}, limit=1).records[0]
    connection.run(
        "bookings.create",
        {
            "event_type": "Intro call",
            "start_time": slot["start_time"],
            "invitee": NOOR,
            "location": {"kind": "zoom_conference"},
            "answers": {"What would you like to discuss?": "Pricing"},
        },
    )
    calendly.settle()
    agent.done()
    (text,) = texts(chat)
    assert "Noor van Dijk (noor@client.example) booked Intro call" in text
    assert "What would you like to discuss?: Pricing" in text


@pytest.mark.parametrize("fault", ["duplicate", "lose_answer"])
def test_a_webhook_that_comes_twice_is_one_message(agent, calendly, chat, fault):
    agent.template("booking-to-chat")
    calendly.delivery_faults(**{fault: 1.0})
    book(calendly)
    calendly.delivery_faults()
    calendly.advance(60)  # Calendly tries again if it had no answer
    calendly.settle()
    assert len(agent.door.posts) == 2
    agent.done()
    assert texts(chat) == [BOOKED]


def test_a_moved_meeting_is_a_message_that_says_so(agent, calendly, chat):
    agent.template("booking-to-chat")
    invitee = book(calendly)
    agent.done()
    calendly.reschedule(invitee=invitee, start_time=LATER, wait=True)
    agent.done()
    assert texts(chat) == [BOOKED, MOVED]
    assert [message["text"] for message in chat.messages] == ["New booking: Intro call", "Moved: Intro call"]


def test_the_answers_are_those_of_this_booking(agent, calendly, chat):
    agent.template("booking-to-chat")
    first = book(calendly, answers=["Canceled in a minute", "Core"])
    agent.done()
    calendly.cancel(invitee=first, wait=True)
    book(calendly)  # the same person, at the same time
    agent.done()
    assert texts(chat)[1:] == [BOOKED]


def test_a_booking_with_a_colleague_is_in_their_local_time(agent, calendly, chat):
    agent.template("booking-to-chat")
    book(calendly, event_type=fixtures.SALES_DEMO, host=fixtures.ADMIN)
    agent.done()
    assert "with Ben Iwu, 2026-11-25 " in texts(chat)[0]


def test_what_an_invitee_writes_arrives_as_plain_text(agent, calendly, chat):
    agent.template("booking-to-chat")
    agent.template("cancellation-to-chat")
    invitee = book(calendly, name=HOSTILE, answers=[HOSTILE, "Core"])
    agent.done()
    calendly.cancel(invitee=invitee, reason=HOSTILE, canceled_by="invitee", wait=True)
    agent.done()
    booked, canceled = texts(chat)
    assert booked.startswith(f"{HOSTILE} (noor@client.example) booked Intro call\n")
    assert f"What would you like to discuss?: {HOSTILE}\n" in booked
    assert canceled.startswith(f"{HOSTILE} canceled Intro call of {HOSTILE} (")
    assert canceled.endswith(f"\n{HOSTILE}")
    for message in chat.messages:
        assert "evil" not in message["text"]  # the chat reads this one as markup


# cancellation-to-chat


@pytest.mark.parametrize(("canceler", "name"), [("host", "Ada Okafor"), ("invitee", "Noor van Dijk")])
def test_a_cancellation_is_one_message_with_who_and_why(agent, calendly, chat, canceler, name):
    agent.template("cancellation-to-chat")
    calendly.delivery_faults(duplicate=1.0)
    invitee = book(calendly)
    calendly.cancel(invitee=invitee, reason="Fully booked", canceled_by=canceler, wait=True)
    calendly.settle()
    agent.done()
    assert texts(chat) == [CANCELED.format(name)]


def test_a_moved_meeting_is_no_cancellation(agent, calendly, chat):
    agent.template("cancellation-to-chat")
    invitee = book(calendly)
    calendly.reschedule(invitee=invitee, start_time=LATER, wait=True)
    (run,) = agent.done()
    assert run["event"]["kind"] == "invitee.canceled"
    assert texts(chat) == []


# no-show-follow-up


def test_a_no_show_is_a_message_with_a_new_link_for_one_booking(agent, calendly, chat, connect):
    agent.template("no-show-follow-up")
    invitee = book(calendly)
    connection = connect(calendly, clock=agent.clock)
    connection.run("bookings.no_show", {"what": invitee})
    calendly.settle()
    agent.done()
    (text,) = texts(chat)
    told, _, link = text.rpartition(": ")
    assert told.startswith("Noor van Dijk (noor@client.example) didn't come to Intro call.")
    page, _, filled_in = link.partition("?")
    assert "name=Noor" in filled_in
    assert "email=noor%40client.example" in filled_in
    calendly.book(**NOOR, link=page, start_time=LATER)
    with pytest.raises(ValueError, match="link"):
        calendly.book(**NOOR, link=page)


def test_a_no_show_that_is_taken_back_and_marked_again_is_two_messages(agent, calendly, chat):
    agent.template("no-show-follow-up")
    invitee = book(calendly)
    for path in ("/no_shows", "/no_shows/take_back", "/no_shows"):
        calendly.control("POST", path, {"invitee": invitee, "wait": True})
    agent.done()
    assert len(texts(chat)) == 2
