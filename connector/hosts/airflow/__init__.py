"""Apache Airflow 3 provider: connection form, hook, operators, sensor and trigger.

    from calendly_connector.hosts.airflow.operators import CalendlyActionOperator

    CalendlyActionOperator(task_id="me", action="users.me", calendly_conn_id="calendly_default")

No action is named in this package; the operators read the catalog.
"""
