"""The conformance kit, run with a running Airflow: REST API, scheduler, workers, triggerer and commands."""

import pytest
from airflow.sdk.exceptions import AirflowFailException
from calendly_connector.hosts.airflow.operators import CalendlyActionOperator
from calendly_connector.testing import (
    CheckOutcome,
    Failure,
    FormField,
    FormSuite,
    RunOutcome,
    TriggerSuite,
)
from standalone import TaskOfRun

DAG_FILE = """
from airflow.sdk import DAG
from calendly_connector.hosts.airflow.operators import CalendlyActionOperator

with DAG("call", schedule=None):
    CalendlyActionOperator(task_id="call", action={action!r}, action_params={inputs!r})
"""
NAMES = {
    "password": "token",
    "secret_signing_key": "signing_key",
}  # our names, by Airflow's field


class AirflowHost:
    """Runs the DAGs in dags/conformance.py, with the events of one connection and kind at a time."""

    def __init__(self, subject, installation, standalone, folder):
        self.subject, self.folder = subject, folder
        self.installation, self.standalone = installation, standalone
        self.waiting = None

    def catalog(self):
        actions = self.subject.connector.actions()
        return {
            name: {field for field in action.inputs if self._accepts(name, field)}
            for name, action in actions.items()
        }

    def form(self, _kind):
        kinds = self.standalone.get("/ui/connections/hook_meta")
        [form] = [kind for kind in kinds if kind["connection_type"] == "calendly"]
        # Of the standard fields Airflow hides only the password, and it marks none as required.
        fields = {
            place: FormField(field["title"], secret=place == "password", required=None)
            for place, field in form["standard_fields"].items()
            if field and not field["hidden"]
        }
        for place, field in form["extra_fields"].items():
            rule = field["schema"]
            secret, required = rule.get("format") == "password", "null" not in rule["type"]
            fields[place] = FormField(rule["title"], secret, required)
        return {NAMES.get(place, place): field for place, field in fields.items()}

    def store(self, name, credential):
        scheme, host, port = self.subject.environment["CALENDLY_API_URL"].split(":")
        connection = {
            "connection_id": name,
            "conn_type": "calendly",
            "host": f"{scheme}:{host}",
            "port": int(port),
            "password": credential["token"],
        }
        create = {"action": "create", "action_on_existence": "overwrite", "entities": [connection]}
        reply = self.standalone.patch("/api/v2/connections", {"actions": [create]})
        assert reply["create"]["success"] == [name], reply

    def check(self, name):
        arguments = {"connection_id": name, "conn_type": "calendly", "password": "***"}
        reply = self.standalone.post("/api/v2/connections/test", arguments)
        return CheckOutcome(reply["status"], reply["message"])

    def run(self, name, action, inputs, *, all_pages=False):
        arguments = {"action": action, "action_params": inputs, "all_pages": all_pages}
        task = self._start("conformance_call", "call", name, arguments)
        if task.ended() == "failed":
            return RunOutcome(failure=Failure(task.errors(), task.details()["try_number"] > 1))
        result = task.xcom()
        if isinstance(result, dict):
            return RunOutcome(record=result)
        return RunOutcome(records=result, complete=task.xcom("summary")["complete"])

    def load(self, action, inputs):
        file = self.folder / "call.py"
        file.write_text(DAG_FILE.format(action=action, inputs=dict(inputs)))
        return "".join(self.installation.import_errors(self.folder))

    def events(self, name, event):
        """Return the events that the waiting run found, and leave the next run waiting in the triggerer."""
        ids = []
        if self.waiting:
            assert self.waiting.ended() == "success", self.waiting.errors()
            ids = [one["id"] for one in self.waiting.xcom()]
        self.waiting = self._start("conformance_events", "events", name, {"events": [event]})
        self.waiting.waits()
        return ids

    def written(self):
        return self.installation.written().values()

    def _start(self, dag, task, name, arguments):
        params = {"arguments": {"calendly_conn_id": name, **arguments}}
        return TaskOfRun(self.standalone, dag, task, params=params, index=0)

    def _accepts(self, action, field):
        """Whether a DAG may set this input, here to a template."""
        try:
            CalendlyActionOperator(task_id="task", action=action, action_params={field: "{{ x }}"})
        except AirflowFailException as error:
            return f" {field}: " not in str(error)
        return True


class TestAirflow(FormSuite, TriggerSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def host(cls, subject, installation, standalone, tmp_path_factory):
        return AirflowHost(subject, installation, standalone, tmp_path_factory.mktemp("loaded"))

    def test_invalid_inputs_of_a_mapped_task_fail_at_run_time_without_retries(self, ready, subject):
        call = subject.invalid_calls[0]
        failure = ready.run("conformance", call.action, call.inputs).failure
        assert "did you mean 'uuid'" in failure.text
        assert not failure.retryable
