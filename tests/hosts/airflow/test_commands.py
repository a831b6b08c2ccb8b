"""Airflow's commands with our connections and DAGs."""

import json
from concurrent.futures import ThreadPoolExecutor, wait

import pytest


def test_a_good_connection_passes_its_test(installation):
    assert "Connection success!" in installation.run("connections", "test", "calendly_default")


def test_a_bad_connection_fails_its_test_with_what_to_do(installation):
    output = " ".join(installation.run("connections", "test", "calendly_bad", code=1).split())
    assert "accept the token (401). Create a new token in Calendly" in output


@pytest.mark.parametrize("dag", ["calendly_week", "calendly_export"])
def test_an_example_runs(installation, dag):
    assert "state=success" in installation.run("dags", "test", dag)


def test_the_export_example_writes_a_file_and_syncs(installation):
    installation.run("dags", "test", "calendly_export")
    [file] = installation.folder.glob("meetings-*.jsonl")
    assert all(json.loads(line)["start_time"] for line in file.read_text().splitlines())
    assert (installation.folder / "sync" / "event_types.jsonl").read_text()


def test_the_bookings_example_receives_a_booking(installation, world):
    with ThreadPoolExecutor(1) as background:
        run = background.submit(installation.run, "dags", "test", "calendly_bookings")
        while not run.done():
            world.book()
            wait([run], timeout=1)
    assert "state=success" in run.result()
    assert "invitee.created" in run.result()
