"""What is wrong with Calendly or a chat pauses or ends a run, loses no event, and blocks no other."""

import json

import pytest
from calendly_connector.agent import templates
from calendly_connector.agent.flows.problems import InvalidFlow
from flow_agent import CREDENTIAL

pytest_plugins = ["flow_fixtures"]

FILTERED = ("events: [invitee.created]", "events: [invitee.created]\n  filters: {event_type: Intro call}")
POISON = "Rejected by the chat"


def texts(chat):
    return [message["blocks"][0]["text"]["text"] for message in chat.messages]


def book(calendly, name, day):
    calendly.book(name=name, start_time=f"2026-11-{day}T09:00:00Z", wait=True)


@pytest.mark.parametrize("changes", [(), (FILTERED,)], ids=["in a step", "in the trigger"])
def test_a_revoked_token_pauses_and_no_event_is_lost(agent, calendly, chat, vault, changes):
    agent.template("booking-to-chat", *changes)
    vault.put("calendly", {**CREDENTIAL, "token": "revoked"})
    book(calendly, "Noor van Dijk", 24)
    book(calendly, "Sam Poe", 25)
    assert [run["state"] for run in agent.runs()] == ["paused", "paused"]
    deployed = agent.engine.flows.get("booking-to-chat")
    assert (deployed.state, deployed.paused_by) == ("paused", "agent")
    assert "token" in deployed.reason
    assert "the credential 'calendly'" in deployed.fix
    assert agent.engine.health()["paused_flows"] == ["booking-to-chat"]
    agent.engine.recheck()
    assert agent.engine.flows.get("booking-to-chat").state == "paused"
    book(calendly, "Lena Marsh", 26)
    assert [run["state"] for run in agent.runs()] == ["paused"] * 3
    assert texts(chat) == []
    vault.put("calendly", CREDENTIAL)
    agent.engine.recheck()
    agent.done()
    names = sorted(text.partition(" (")[0] for text in texts(chat))
    assert names == ["Lena Marsh", "Noor van Dijk", "Sam Poe"]


def test_a_poisoned_booking_is_a_dead_letter_and_blocks_no_other(agent, calendly, chat):
    agent.template("booking-to-chat")
    chat.answer = lambda message: 400 if POISON in json.dumps(message) else 200
    book(calendly, "Noor van Dijk", 24)
    book(calendly, POISON, 25)
    book(calendly, "Sam Poe", 26)
    agent.runs()
    assert sorted(run["state"] for run in agent.engine.list_runs()) == ["done", "done", "failed"]
    (letter,) = agent.engine.dead_letters()
    assert letter["note"]["step"] == "booked"
    assert "400" in letter["note"]["message"]
    chat.answer = 200
    agent.engine.replay(letter["id"])
    agent.done()
    assert agent.engine.dead_letters() == []
    assert len([text for text in texts(chat) if text.startswith(POISON)]) == 2  # the first was rejected


def test_a_chat_that_is_down_leaves_the_decision_to_a_person(agent, calendly, chat):
    agent.template("booking-to-chat")
    chat.answer = 503
    book(calendly, "Noor van Dijk", 24)
    (run,) = agent.runs()
    assert run["state"] == "needs_person"
    assert [letter["id"] for letter in agent.engine.dead_letters()] == [run["id"]]
    chat.answer = 200
    agent.engine.decide(run["id"], happened=False)
    agent.done()
    assert len(texts(chat)) == 2


def test_a_forged_or_changed_post_is_no_run(agent, calendly, chat, caplog):
    agent.template("booking-to-chat")
    agent.engine.pause("booking-to-chat")
    book(calendly, "Noor van Dijk", 24)
    (path, headers, body), before = agent.door.posts[0], agent.runs()
    assert agent.door.edge.receive(path, headers, body.replace(b"Noor", b"Evil"))[0] == 401
    assert agent.door.edge.receive(path.partition("?")[0], headers, body)[0] == 401
    assert agent.runs() == before
    assert "A post to the flow booking-to-chat was rejected. The signature doesn't match" in caplog.text
    assert "Noor" not in caplog.text
    assert texts(chat) == []


def test_a_flow_with_an_error_is_not_deployed(agent, chat):
    wrong = templates.read("booking-to-chat").replace("payload.email", "payload.emial")
    with pytest.raises(InvalidFlow, match="Did you mean 'email'"):
        agent.deploy(wrong)
    assert agent.engine.flows.all() == []
    assert texts(chat) == []
