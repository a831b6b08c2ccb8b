"""A running Airflow: form and Test button in a browser, REST API, scheduler and triggerer."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from installation import KEY, TOKEN
from standalone import TaskOfRun

ENDS_WITHIN_S = 120
PERSON = Path(__file__).with_name("person.py")


# The REST API


def check_connection(standalone, connection, **fields):
    return standalone.post(
        "/api/v2/connections/test", {"connection_id": connection, "conn_type": "calendly", **fields}
    )


def test_the_rest_api_tests_a_stored_connection(standalone):
    reply = check_connection(standalone, "calendly_default", password="***")
    assert reply["status"]
    assert reply["message"].startswith("Signed in as ")


def test_the_rest_api_tests_an_unsaved_connection(standalone, world):
    reply = check_connection(standalone, "new", host=world.url, password="nobody")
    assert not reply["status"]
    assert "Create a new token in Calendly" in reply["message"]


def test_a_worker_tests_a_connection(standalone, world):
    connection = {"connection_id": "calendly_default", "conn_type": "calendly"}
    queued = standalone.post(
        "/api/v2/connections/enqueue-test", {**connection, "host": world.url, "password": TOKEN}
    )
    headers = {"Airflow-Connection-Test-Token": queued["token"]}

    def ended():
        reply = standalone.get("/api/v2/connections/enqueue-test", **headers)
        return reply["state"] in ("success", "failed") and reply

    reply = standalone.wait_for(ended, ENDS_WITHIN_S)
    assert reply["state"] == "success", reply
    assert reply["result_message"].startswith("Signed in as ")


def test_the_rest_api_shows_no_secret(standalone):
    reply = json.dumps(standalone.get("/api/v2/connections/calendly_default"))
    assert TOKEN not in reply
    assert KEY not in reply
    assert "secret_signing_key" in reply


def test_the_ui_shows_our_connection_form(standalone):
    [form] = [
        kind for kind in standalone.get("/ui/connections/hook_meta") if kind["connection_type"] == "calendly"
    ]
    assert form["standard_fields"]["password"]["title"] == "Personal access token"
    assert form["standard_fields"]["login"]["hidden"]
    assert form["extra_fields"]["secret_signing_key"]["schema"]["format"] == "password"
    assert form["extra_fields"]["name"]["schema"]["title"] == "Stored credential"
    assert form["standard_fields"]["password"]["placeholder"] == "eyJ…"
    plan = form["extra_fields"]["plan"]
    assert plan["value"] is None
    assert plan["schema"] == {
        "title": "Plan",
        "type": ["string", "null"],
        "enum": [None, "trial", "enterprise"],
        "values_display": {"null": "Any other plan", "trial": "Trial", "enterprise": "Enterprise"},
        "section": "Advanced",
    }


# Scheduler, workers and triggerer


def test_the_example_with_mapped_tasks_runs(standalone):
    names = TaskOfRun(standalone, "calendly_week", "names")
    assert names.ended() == "success"
    assert names.xcom()


def test_a_deferred_task_returns_each_booking_once(standalone, world):
    ids = []
    for _ in range(3):
        task = TaskOfRun(standalone, "waiting", "booked")
        task.waits()
        booked = world.book()["invitee"]["uri"]
        assert task.ended() == "success", task.errors()
        assert [event["payload"]["uri"] for event in task.xcom()] == [booked]
        ids += [event["id"] for event in task.xcom()]
    assert len(set(ids)) == 3


def test_a_misspelt_input_is_an_import_error_with_our_message(standalone):
    def errors():
        return standalone.get("/api/v2/importErrors")["import_errors"]

    [error] = standalone.wait_for(errors, ENDS_WITHIN_S)
    assert error["filename"] == "misspelt.py"
    assert "satus: is not an input of this action (did you mean 'status'?)" in error["stack_trace"]


# In a browser


@pytest.mark.usefixtures("chromium")
def test_a_connection_is_created_and_tested_in_the_browser(standalone, world, tmp_path):
    scheme, host, port = world.url.split(":")
    done = subprocess.run(
        [sys.executable, PERSON, tmp_path, f"{standalone.url}/connections", f"{scheme}:{host}", port],
        input=f"{TOKEN}\n{KEY}\n",
        env={**os.environ, "PYTHONPATH": str(PERSON.parents[2] / "support")},
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Test Connection Success" in done.stdout
    assert "Signed in as " in done.stdout
    assert "Create a new token in Calendly" in done.stdout
    reply = standalone.get("/api/v2/connections/filled_in")
    assert (reply["host"], reply["password"]) == (f"{scheme}:{host}", "***")
    assert json.loads(reply["extra"])["secret_signing_key"] == "***"


# Secrets


def test_no_secret_is_in_the_database_or_the_logs(standalone, installation):
    assert TaskOfRun(standalone, "calendly_week", "names").ended() == "success"
    contents = installation.written()
    assert any(b"calendly_default" in content for path, content in contents.items() if path.suffix == ".db")
    assert any(b"calendly_week" in content for path, content in contents.items() if path.suffix == ".log")
    for secret in (TOKEN.encode(), KEY.encode()):
        assert not [path for path, content in contents.items() if secret in content]
