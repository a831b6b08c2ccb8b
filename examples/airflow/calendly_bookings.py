"""Wait for bookings and cancellations without occupying a worker, and handle each once."""

import pendulum
from airflow.sdk import DAG, task
from calendly_connector.hosts.airflow.sensors import CalendlyEventSensor

with DAG(
    "calendly_bookings",
    schedule="@continuous",
    start_date=pendulum.datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
):
    booked = CalendlyEventSensor(
        task_id="booked",
        events=["invitee.created", "invitee.canceled", "invitee.rescheduled"],
        deferrable=True,
        poke_interval=60,
        timeout=24 * 3600,
    )

    @task
    def welcome(event):
        print(event["kind"], event["id"])

    welcome.expand(event=booked.output)
