"""Every booking reaches the next task, even if Airflow rejects events or a worker dies."""

import json
import re
from datetime import UTC, datetime

import pytest
from standalone import TaskOfRun


def welcomed(output):
    return re.findall(r"WELCOME (\S+)\.", output)


def test_events_that_airflow_rejects_come_again_within_its_limit(installation, world):
    run = ["dags", "test", "booked_refused", "--conf", json.dumps({"since": datetime.now(UTC).isoformat()})]
    few = {"AIRFLOW__CORE__MAX_MAP_LENGTH": "2"}
    booked = {world.book()["invitee"]["uri"] for _ in range(3)}
    output = installation.run(*run, code=1, **few, BOOKED_LIMIT="5")
    assert welcomed(output) == []
    assert "unmappable_return_value_length" in output
    first = welcomed(installation.run(*run, **few))
    second = welcomed(installation.run(*run, **few))
    assert (len(first), len(second)) == (2, 1)
    assert {*first, *second} == booked


@pytest.mark.parametrize("mode", ["poke", "reschedule", "deferrable"])
def test_events_of_a_worker_that_died_after_storing_the_cursor_come_again(standalone, world, mode):
    since = datetime.now(UTC).isoformat()
    booked = [] if mode == "deferrable" else [world.book()["invitee"]["uri"]]
    conf = {"dies": True, "since": since}
    dying = TaskOfRun(standalone, f"booked_{mode}", "booked", params=conf, dated=False)
    if mode == "deferrable":
        dying.waits()
        booked = [world.book()["invitee"]["uri"]]
    assert dying.ended() == "failed"
    assert dying.xcom("cursor")
    after = TaskOfRun(standalone, f"booked_{mode}", "booked", dated=False)
    assert after.ended() == "success", after.errors()
    assert [event["payload"]["uri"] for event in after.xcom()] == booked
    assert "XCom not found" not in standalone.log()
