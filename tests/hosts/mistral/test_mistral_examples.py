"""The workbooks in examples/mistral, run."""

import time
from collections import Counter
from importlib.resources import files

import pytest

EXAMPLES = files("calendly_connector.examples.mistral")


@pytest.fixture(scope="module", autouse=True)
def _defined(mistral):
    for name in ("guests.yaml", "bookings.yaml"):
        answer = mistral.define("workbooks", EXAMPLES.joinpath(name).read_text())
        assert answer.is_success, answer.text


@pytest.fixture(autouse=True)
def _no_faults(world):
    yield
    world.control("DELETE", "/faults")


def test_guests_of_the_coming_meetings(mistral, world):
    booked = world.book(name="Imani Oduya", email="imani@client.example")
    execution = mistral.run("calendly_guests.coming", days=60)
    assert execution.state == "SUCCESS"
    assert {"name": "Imani Oduya", "email": "imani@client.example"} in execution.output["guests"]
    assert booked["invitee"]["email"] == "imani@client.example"


def test_guests_stop_at_a_credential_that_does_not_sign_in(mistral, world):
    world.control("DELETE", "/requests")
    execution = mistral.run("calendly_guests.coming", credential="revoked")
    assert execution.state == "ERROR"
    assert "Create a new token in Calendly" in execution.state_info
    assert {request["path"] for request in world.requests()["requests"]} == {"/users/me"}


def test_a_meeting_that_fails_for_a_while_is_asked_for_again_and_no_other(mistral, world):
    meeting = world.book(name="Imani Oduya", email="imani@client.example")["event"]["uri"].rpartition("/")[2]
    world.control("DELETE", "/requests")
    world.fault("status", status=503, path=f"/scheduled_events/{meeting}/invitees", times=6)
    execution = mistral.run("calendly_guests.coming", days=60, pause=0)
    assert execution.state == "SUCCESS"
    asked = Counter(
        request["path"]
        for request in world.requests()["requests"]
        if request["path"].endswith("/invitees") and request["status"] == 200
    )
    assert asked[f"/scheduled_events/{meeting}/invitees"] == 1
    assert set(asked.values()) == {1}


def next_second():
    """Wait until runs that begin now are later for Mistral than those before: it keeps whole seconds."""
    before = int(time.time())
    while int(time.time()) == before:
        time.sleep(0.05)


def look(mistral, **given):
    next_second()
    execution = mistral.run("calendly_bookings.look", **given)
    assert execution.state == "SUCCESS", execution.state_info
    return execution.output["taken"]


def test_each_look_goes_on_where_the_last_good_one_ended(mistral, world):
    def seen(who="noor.new@client.example"):  # a meeting of another may come within reach meanwhile
        return [told for told in look(mistral) if told.endswith(who)]

    look(mistral)
    booked = world.book(name="Noor van Dijk", email="noor.new@client.example")
    assert seen() == ["invitee.created noor.new@client.example"]
    assert seen() == []
    world.cancel(invitee=booked["invitee"]["uri"])
    next_second()
    assert mistral.run("calendly_bookings.look", credential="revoked").state == "ERROR"
    assert seen() == ["invitee.canceled noor.new@client.example"]
    assert seen() == []
