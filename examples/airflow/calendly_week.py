"""List the invitees of the next seven days: one task lists the meetings, one per meeting its invitees."""

import pendulum
from airflow.sdk import DAG, task
from calendly_connector.hosts.airflow.operators import CalendlyActionOperator

with DAG("calendly_week", schedule="@daily", start_date=pendulum.datetime(2026, 1, 1), catchup=False):
    meetings = CalendlyActionOperator(
        task_id="meetings",
        action="scheduled_events.list",
        filter={"status": "active", "min_start_time": "~{Now}~", "max_start_time": "~{Now+7d}~"},
        limit=10,
    )

    invitees = CalendlyActionOperator.partial(task_id="invitees", action="invitees.list").expand(
        action_params=meetings.output.map(lambda meeting: {"uuid": meeting["uri"]})
    )

    @task
    def names(per_meeting):
        return sorted(invitee["name"] for invitees_of_one in per_meeting for invitee in invitees_of_one)

    names(invitees.output)
