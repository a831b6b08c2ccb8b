"""Airflow as it runs: the form and the Test button in a browser, its REST API, scheduler and triggerer."""

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


def ask(standalone, connection, **fields):
    return standalone.post(
        "/api/v2/connections/test", {"connection_id": connection, "conn_type": "calendly", **fields}
    )


def test_the_rest_api_tests_a_stored_connection(standalone):
    told = ask(standalone, "calendly_default", password="***")
    assert told["status"]
    assert told["message"].startswith("Signed in as ")


def test_the_rest_api_tests_one_that_is_not_stored(standalone, world):
    told = ask(standalone, "new", host=world.url, password="nobody")
    assert not told["status"]
    assert "Create a new token in Calendly" in told["message"]


def test_a_worker_tests_a_connection(standalone, world):
    given = {"connection_id": "calendly_default", "conn_type": "calendly"}
    queued = standalone.post(
        "/api/v2/connections/enqueue-test", {**given, "host": world.url, "password": TOKEN}
    )
    headers = {"Airflow-Connection-Test-Token": queued["token"]}

    def ended():
        told = standalone.get("/api/v2/connections/enqueue-test", **headers)
        return told["state"] in ("success", "failed") and told

    told = standalone.wait_for(ended, ENDS_WITHIN_S)
    assert told["state"] == "success", told
    assert told["result_message"].startswith("Signed in as ")


def test_the_rest_api_shows_no_secret(standalone):
    told = json.dumps(standalone.get("/api/v2/connections/calendly_default"))
    assert TOKEN not in told
    assert KEY not in told
    assert "secret_signing_key" in told


def test_the_form_is_ours(standalone):
    [form] = [
        kind for kind in standalone.get("/ui/connections/hook_meta") if kind["connection_type"] == "calendly"
    ]
    assert form["standard_fields"]["password"]["title"] == "Personal access token"
    assert form["standard_fields"]["login"]["hidden"]
    assert form["extra_fields"]["secret_signing_key"]["schema"]["format"] == "password"
    assert form["extra_fields"]["name"]["schema"]["title"] == "Stored credential"
    assert form["extra_fields"]["plan"]["schema"]["enum"] == ["trial", "enterprise"]


# Scheduler, workers and triggerer


def test_the_example_with_mapped_tasks_runs(standalone):
    names = TaskOfRun(standalone, "calendly_week", "names")
    assert names.ended() == "success"
    assert names.xcom()


def test_a_booking_wakes_a_task_that_waits_in_the_triggerer_and_comes_once(standalone, world):
    told = []
    for _ in range(3):
        task = TaskOfRun(standalone, "waiting", "booked")
        task.waits()
        booked = world.book()["invitee"]["uri"]
        assert task.ended() == "success", task.errors()
        assert [event["payload"]["uri"] for event in task.xcom()] == [booked]
        told += [event["id"] for event in task.xcom()]
    assert len(set(told)) == 3


def test_a_misspelt_input_is_an_import_error_with_our_sentence(standalone):
    def errors():
        return standalone.get("/api/v2/importErrors")["import_errors"]

    [error] = standalone.wait_for(errors, ENDS_WITHIN_S)
    assert error["filename"] == "misspelt.py"
    assert "satus: is not an input of this action (did you mean 'status'?)" in error["stack_trace"]


# A person at the browser


@pytest.mark.usefixtures("chromium")
def test_a_person_fills_in_the_form_and_presses_test(standalone, world, tmp_path):
    scheme, host, port = world.url.split(":")
    done = subprocess.run(
        [sys.executable, PERSON, tmp_path, f"{standalone.url}/connections", f"{scheme}:{host}", port],
        input=f"{TOKEN}\n{KEY}\n",
        env={**os.environ, "PYTHONPATH": str(PERSON.parents[2])},
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Test Connection Success" in done.stdout
    assert "Signed in as " in done.stdout
    assert "Create a new token in Calendly" in done.stdout
    told = standalone.get("/api/v2/connections/filled_in")
    assert (told["host"], told["password"]) == (f"{scheme}:{host}", "***")
    assert json.loads(told["extra"])["secret_signing_key"] == "***"


# What is left behind


def test_no_token_is_left_in_the_database_or_the_logs(standalone, installation):
    assert TaskOfRun(standalone, "calendly_week", "names").ended() == "success"
    contents = installation.written()
    assert any(b"calendly_default" in content for path, content in contents.items() if path.suffix == ".db")
    assert any(b"calendly_week" in content for path, content in contents.items() if path.suffix == ".log")
    for secret in (TOKEN.encode(), KEY.encode()):
        assert not [path for path, content in contents.items() if secret in content]
