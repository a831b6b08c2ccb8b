"""Airflow's commands with our connections and DAGs; test_airflow_page.py has those of the docs."""

import json
from concurrent.futures import ThreadPoolExecutor, wait


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
