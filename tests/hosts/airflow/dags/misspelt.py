"""A DAG with an unknown input."""

import pendulum
from airflow.sdk import DAG
from calendly_connector.hosts.airflow.operators import CalendlyActionOperator

with DAG("misspelt", schedule=None, start_date=pendulum.datetime(2026, 1, 1)):
    CalendlyActionOperator(task_id="task", action="scheduled_events.list", filter={"satus": "active"})
