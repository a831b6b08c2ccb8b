"""Export last month's meetings to a file and sync the account, every night."""

import pendulum
from airflow.sdk import DAG
from calendly_connector.hosts.airflow.operators import CalendlyActionOperator, CalendlySyncOperator

FOLDER = (
    "{{ var.value.get('calendly_folder', '/tmp/calendly') }}"  # or s3://my_aws_connection@bucket/calendly
)

with DAG("calendly_export", schedule="@daily", start_date=pendulum.datetime(2026, 1, 1), catchup=False):
    CalendlyActionOperator(
        task_id="meetings",
        action="scheduled_events.list",
        filter={"min_start_time": "~{Now-30d}~", "max_start_time": "~{Now}~"},
        all_pages=True,
        output_path=FOLDER + "/meetings-{{ dag_run.run_after | ds_nodash }}.jsonl",
    )

    CalendlySyncOperator(
        task_id="sync",
        to=FOLDER + "/sync",
        form="jsonl",
        options={"streams": ["event_types", "organization_memberships"]},
    )
