"""The conformance kit, run by Airflow as it runs: REST API, scheduler, workers, triggerer and commands."""

import pytest
from airflow.sdk.exceptions import AirflowFailException
from calendly_connector.hosts.airflow.operators import CalendlyActionOperator
from calendly_connector.testing import (
    Checked,
    Failure,
    FormField,
    FormSuite,
    Ran,
    TriggerSuite,
)
from standalone import TaskOfRun

DAG_FILE = """
from airflow.sdk import DAG
from calendly_connector.hosts.airflow.operators import CalendlyActionOperator

with DAG("call", schedule=None):
    CalendlyActionOperator(task_id="call", action={action!r}, action_params={inputs!r})
"""
NAMES = {"password": "token", "secret_signing_key": "signing_key"}  # what Airflow's form has in their place


class AirflowHost:
    """Runs the DAGs of dags/conformance.py; the events of one connection and kind at a time."""

    def __init__(self, subject, installation, standalone, folder):
        self.subject, self.folder = subject, folder
        self.installation, self.standalone = installation, standalone
        self.waiting = None

    def catalog(self):
        actions = self.subject.connector.actions()
        return {
            name: {given for given in action.inputs if self._takes(name, given)}
            for name, action in actions.items()
        }

    def form(self, _kind):
        kinds = self.standalone.get("/ui/connections/hook_meta")
        [form] = [kind for kind in kinds if kind["connection_type"] == "calendly"]
        shown = {place for place, field in form["standard_fields"].items() if field and not field["hidden"]}
        # Of the standard ones Airflow hides the password alone, and never says what is needed.
        fields = {place: FormField(place == "password", required=None) for place in shown}
        for place, field in form["extra_fields"].items():
            rule = field["schema"]
            fields[place] = FormField(rule.get("format") == "password", "null" not in rule["type"])
        return {NAMES.get(place, place): field for place, field in fields.items()}

    def store(self, name, credential):
        scheme, host, port = self.subject.environment["CALENDLY_API_URL"].split(":")
        given = {
            "connection_id": name,
            "conn_type": "calendly",
            "host": f"{scheme}:{host}",
            "port": int(port),
            "password": credential["token"],
        }
        create = {"action": "create", "action_on_existence": "overwrite", "entities": [given]}
        told = self.standalone.patch("/api/v2/connections", {"actions": [create]})
        assert told["create"]["success"] == [name], told

    def check(self, name):
        asked = {"connection_id": name, "conn_type": "calendly", "password": "***"}
        told = self.standalone.post("/api/v2/connections/test", asked)
        return Checked(told["status"], told["message"])

    def run(self, name, action, inputs, *, all_pages=False):
        asked = {"action": action, "action_params": inputs, "all_pages": all_pages}
        task = self._start("conformance_call", "call", name, asked)
        if task.ended() == "failed":
            return Ran(failure=Failure(task.errors(), task.look()["try_number"] > 1))
        given = task.xcom()
        if isinstance(given, dict):
            return Ran(record=given)
        return Ran(records=given, complete=task.xcom("summary")["complete"])

    def load(self, action, inputs):
        file = self.folder / "call.py"
        file.write_text(DAG_FILE.format(action=action, inputs=dict(inputs)))
        return "".join(self.installation.import_errors(self.folder))

    def events(self, name, event):
        """Give what the run that waited found, and leave the next one waiting in the triggerer."""
        told = []
        if self.waiting:
            assert self.waiting.ended() == "success", self.waiting.errors()
            told = [one["id"] for one in self.waiting.xcom()]
        self.waiting = self._start("conformance_events", "events", name, {"events": [event]})
        self.waiting.waits()
        return told

    def written(self):
        return self.installation.written().values()

    def _start(self, dag, task, name, asked):
        params = {"asked": {"calendly_conn_id": name, **asked}}
        return TaskOfRun(self.standalone, dag, task, params=params, index=0)

    def _takes(self, action, given):
        """Say whether a DAG may have a template there: whether nothing is told against it."""
        try:
            CalendlyActionOperator(task_id="task", action=action, action_params={given: "{{ x }}"})
        except AirflowFailException as error:
            return f" {given}: " not in str(error)
        return True


class TestAirflow(FormSuite, TriggerSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def host(cls, subject, installation, standalone, tmp_path_factory):
        return AirflowHost(subject, installation, standalone, tmp_path_factory.mktemp("loaded"))

    def test_what_a_mapped_task_is_given_wrongly_is_refused_at_the_run_and_never_tried_again(
        self, ready, subject
    ):
        misuse = subject.misuses[0]
        failure = ready.run("conformance", misuse.call.action, misuse.call.inputs).failure
        assert "did you mean 'uuid'" in failure.words
        assert not failure.retryable
