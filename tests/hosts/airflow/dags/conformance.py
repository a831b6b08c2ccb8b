"""Run the call, or wait for the events, in a run's parameters; each as a mapped task of one."""

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, task
from calendly_connector.hosts.airflow.operators import CalendlyActionOperator
from calendly_connector.hosts.airflow.sensors import CalendlyEventSensor

COMMON = {"start_date": pendulum.datetime(2026, 1, 1), "params": {"arguments": {}}}


@task
def arguments(params=None):
    return [params["arguments"]]


with DAG("conformance_call", schedule=None, **COMMON):
    CalendlyActionOperator.partial(task_id="call", retries=1, retry_delay=timedelta(0)).expand_kwargs(
        arguments()
    )

with DAG("conformance_events", schedule=None, max_active_runs=1, **COMMON):
    CalendlyEventSensor.partial(
        task_id="events", deferrable=True, poke_interval=1, timeout=600
    ).expand_kwargs(arguments())
