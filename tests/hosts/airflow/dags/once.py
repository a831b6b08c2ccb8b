"""Create a scheduling link, with and without retries."""

import pendulum
from airflow.sdk import DAG
from calendly_connector.hosts.airflow.operators import CalendlyActionOperator

for retries in (2, 0):
    with DAG(f"once_{retries}", schedule=None, start_date=pendulum.datetime(2026, 1, 1)):
        CalendlyActionOperator(
            task_id="link",
            action="scheduling_links.create",
            action_params={"owner": "intro"},
            retries=retries,
            retry_delay=0,
        )
