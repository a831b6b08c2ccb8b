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


def test_guests_of_upcoming_meetings_are_listed(mistral, world):
    booked = world.book(name="Imani Oduya", email="imani@client.example")
    execution = mistral.run("calendly_guests.coming", days=60)
    assert execution.state == "SUCCESS"
    assert {"name": "Imani Oduya", "email": "imani@client.example"} in execution.output["guests"]
    assert booked["invitee"]["email"] == "imani@client.example"


def test_guests_stop_if_the_credential_is_rejected(mistral, world):
    world.control("DELETE", "/requests")
    execution = mistral.run("calendly_guests.coming", credential="revoked")
    assert execution.state == "ERROR"
    assert "Create a new token in Calendly" in execution.state_info
    assert {request["path"] for request in world.requests()["requests"]} == {"/users/me"}


def test_only_the_meeting_that_fails_is_retried(mistral, world):
    meeting = world.book(name="Imani Oduya", email="imani@client.example")["event"]["uri"].rpartition("/")[2]
    world.control("DELETE", "/requests")
    world.fault("status", status=503, path=f"/scheduled_events/{meeting}/invitees", times=6)
    execution = mistral.run("calendly_guests.coming", days=60, pause=0)
    assert execution.state == "SUCCESS"
    requests = Counter(
        request["path"]
        for request in world.requests()["requests"]
        if request["path"].endswith("/invitees") and request["status"] == 200
    )
    assert requests[f"/scheduled_events/{meeting}/invitees"] == 1
    assert set(requests.values()) == {1}


def next_second():
    """Wait for the next second: Mistral stores times in whole seconds, and later runs must sort later."""
    before = int(time.time())
    while int(time.time()) == before:
        time.sleep(0.05)


def poll(mistral, **inputs):
    next_second()
    execution = mistral.run("calendly_bookings.poll", **inputs)
    assert execution.state == "SUCCESS", execution.state_info
    return execution.output["handled"]


def test_each_poll_resumes_from_the_last_successful_one(mistral, world):
    def seen(who="noor.new@client.example"):  # other invitees' meetings may appear meanwhile
        return [line for line in poll(mistral) if line.endswith(who)]

    poll(mistral)
    booked = world.book(name="Noor van Dijk", email="noor.new@client.example")
    assert seen() == ["invitee.created noor.new@client.example"]
    assert seen() == []
    world.cancel(invitee=booked["invitee"]["uri"])
    next_second()
    assert mistral.run("calendly_bookings.poll", credential="revoked").state == "ERROR"
    assert seen() == ["invitee.canceled noor.new@client.example"]
    assert seen() == []
