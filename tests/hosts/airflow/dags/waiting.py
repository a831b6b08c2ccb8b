"""Wait for bookings like the example, but poll every second."""

import pendulum
from airflow.sdk import DAG
from calendly_connector.hosts.airflow.sensors import CalendlyEventSensor

with DAG("waiting", schedule=None, start_date=pendulum.datetime(2026, 1, 1), max_active_runs=1):
    CalendlyEventSensor(
        task_id="booked", events=["invitee.created"], deferrable=True, poke_interval=1, timeout=120
    )
