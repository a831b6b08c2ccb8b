"""No request makes the REST API fail. They change and delete what there is, so they have their own agent."""

import pytest
import schemathesis
from calendly_connector.agent import api
from engine_waiting import UNDER_WAY, wait_for
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

pytest_plugins = ["agent_workspace"]

FLOW = """\
name: by-hand
connections: {calendly: {connector: calendly, credential: calendly}}
trigger: {type: manual}
steps:
  - {id: me, connection: calendly, action: users.me}
"""


@pytest.fixture(scope="module")
def application(workspace):
    return api.application(workspace)


@pytest.fixture(scope="module")
def run(application):
    """Return the id of a run that ended."""
    with TestClient(application) as client:
        assert client.post("/flows", json={"text": FLOW}).status_code == 200
        run_id = client.post("/flows/by-hand/runs", json={}).json()["id"]
        wait_for(lambda: client.get(f"/runs/{run_id}").json()["state"] not in UNDER_WAY)
    return run_id


# The engine's threads use random numbers while Hypothesis draws.
_RANDOM = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")


def _known(case, run, picked):
    """Put things that exist into a case, so that it gets past the first check."""
    names = {
        "app": "calendly",
        "flow": "by-hand",
        "run": run,
        "credential": "calendly",
        "key": "nothing",
        "event": "invitee.created",
    }
    names["action"] = picked
    case.path_parameters = {
        name: names.get(name, value) for name, value in (case.path_parameters or {}).items()
    }
    if isinstance(case.body, dict):
        more = {name: names[name] for name in ("app", "credential", "action") if name in case.body}
        if "of" in case.body:
            more |= {"of": picked}
        case.body = {**case.body, **more}
    return case


def _attack(application, run, examples):
    """Send requests that fit the API's own description, and some that don't. No reply is a 5xx."""
    description = schemathesis.openapi.from_asgi("/openapi.json", application)
    client = TestClient(application, raise_server_exceptions=False)
    sent = 0
    actions = ["users.me", "scheduled_events.list", "scheduling_links.create", "invitee.created"]
    with client:
        for found in description.get_all_operations():
            operation = found.ok()

            @seed(1)
            @settings(
                max_examples=examples,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(), exists=st.booleans(), picked=st.sampled_from(actions))
            def check(case, exists, picked):
                nonlocal sent
                sent += 1
                asked = _known(case, run, picked) if exists else case
                asked.headers = {"content-type": "application/json"}
                reply = asked.call(session=client)
                assert reply.status_code < 500, (asked.as_curl_command(), reply.text)

            check()
    return sent


@_RANDOM
def test_no_request_makes_it_fail(application, run):
    assert _attack(application, run, 8) > 100


@pytest.mark.long
@_RANDOM
def test_none_of_many_requests_makes_it_fail(application, run):
    assert _attack(application, run, 100) > 2000
