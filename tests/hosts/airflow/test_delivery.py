"""Every booking reaches the next task, whatever Airflow refuses and wherever a worker dies."""

import json
import re
from datetime import UTC, datetime

import pytest
from standalone import TaskOfRun


def welcomed(told):
    return re.findall(r"WELCOME (\S+)\.", told)


def test_what_airflow_refuses_comes_again_and_no_more_than_it_takes(installation, world):
    run = ["dags", "test", "booked_refused", "--conf", json.dumps({"since": datetime.now(UTC).isoformat()})]
    few = {"AIRFLOW__CORE__MAX_MAP_LENGTH": "2"}
    booked = {world.book()["invitee"]["uri"] for _ in range(3)}
    told = installation.run(*run, code=1, **few, BOOKED_LIMIT="5")
    assert welcomed(told) == []
    assert "unmappable_return_value_length" in told
    first = welcomed(installation.run(*run, **few))
    second = welcomed(installation.run(*run, **few))
    assert (len(first), len(second)) == (2, 1)
    assert {*first, *second} == booked


@pytest.mark.parametrize("way", ["poke", "reschedule", "deferrable"])
def test_what_died_with_its_worker_between_the_cursor_and_the_events_comes_again(standalone, world, way):
    since = datetime.now(UTC).isoformat()
    booked = [] if way == "deferrable" else [world.book()["invitee"]["uri"]]
    conf = {"dies": True, "since": since}
    dying = TaskOfRun(standalone, f"booked_{way}", "booked", params=conf, dated=False)
    if way == "deferrable":
        dying.waits()
        booked = [world.book()["invitee"]["uri"]]
    assert dying.ended() == "failed"
    assert dying.xcom("cursor")
    after = TaskOfRun(standalone, f"booked_{way}", "booked", dated=False)
    assert after.ended() == "success", after.errors()
    assert [event["payload"]["uri"] for event in after.xcom()] == booked
    assert "XCom not found" not in standalone.log()
