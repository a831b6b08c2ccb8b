"""Wait for bookings in each mode and welcome each invitee in a mapped task; the sensor can die in between."""

import logging
import os
import signal

import pendulum
from airflow.sdk import DAG, task
from calendly_connector.hosts.airflow.sensors import CalendlyEventSensor

WAYS = {"refused": {}, "poke": {}, "reschedule": {"mode": "reschedule"}, "deferrable": {"deferrable": True}}
LIMIT = {"limit": int(os.environ["BOOKED_LIMIT"])} if "BOOKED_LIMIT" in os.environ else {}


class KillableSensor(CalendlyEventSensor):
    """With `dies` in the run's conf, dies after storing the cursor and before returning the events."""

    def _return_events(self, context, payload):
        events = super()._return_events(context, payload)
        if context["dag_run"].conf.get("dies"):
            os.kill(os.getpid(), signal.SIGKILL)
        return events


@task
def welcome(event):
    logging.getLogger("welcome").info("WELCOME %s.", event["payload"]["uri"])


for way, arguments in WAYS.items():
    with DAG(f"booked_{way}", schedule=None, start_date=pendulum.datetime(2026, 1, 1), max_active_runs=1):
        booked = KillableSensor(
            task_id="booked",
            events=["invitee.created"],
            since="{{ dag_run.conf.get('since', '') }}",
            poke_interval=1,
            timeout=120,
            **LIMIT,
            **arguments,
        )
        welcome.expand(event=booked.output)
