"""DAGs for Apache Airflow: docs/hosts/airflow.md."""
