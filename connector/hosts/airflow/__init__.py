"""Apache Airflow 3: a provider with connection form, hook, operators, sensor and trigger.

    from calendly_connector.hosts.airflow.operators import CalendlyActionOperator

    CalendlyActionOperator(task_id="me", action="users.me", calendly_conn_id="calendly_default")

No action is named here: what there is to do is read from the declarations.
"""
