"""The operators: checks when a DAG is parsed, runs against the sandbox, and their XComs."""

import json
from datetime import UTC, datetime

import pytest
from airflow.sdk import DAG, ObjectStoragePath
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.sdk.io import attach
from calendly_connector.hosts.airflow.operators import CalendlyActionOperator, CalendlySyncOperator
from fsspec.implementations.memory import MemoryFileSystem

WHOLE = {"organization": "~{GetOrganizationUrl}~"}
BOOKING = {"event_type": "{{ params.event_type }}", "start_time": "2026-11-17T15:00:00Z"}
PERSON = {"email": "{{ params.email }}", "timezone": "Europe/Berlin"}


def action(name, **arguments):
    return CalendlyActionOperator(task_id="task", action=name, **arguments)


# When the DAG is parsed


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("users.mee", {}, "Unknown action 'users.mee'. Did you mean users.me"),
        ("users.get", {}, "uuid: is missing"),
        ("scheduled_events.list", {"action_params": {"satus": "active"}}, "did you mean 'status'"),
        ("scheduled_events.list", {"filter": {"status": "actve"}}, "must be one of active, canceled"),
        ("scheduled_events.list", {"filter": {"user": "~{GetUsr}~"}}, "GetUsr"),
        ("scheduled_events.list", {"filter": {"count": "{{ n }}", "foo": 1}}, "foo: is not an input"),
        ("scheduled_events.list", {"filter": {"satus": "{{ x }}"}}, "did you mean 'status'"),
        ("scheduled_events.list", {"action_params": {"satus": "{{ x }}"}}, "did you mean 'status'"),
        ("invitees.create", {"action_params": BOOKING | {"invitee": {"nmae": 1}}}, "did you mean 'name'"),
        (
            "invitees.create",
            {"action_params": BOOKING | {"invitee": {"name": "{{ x }}"}}},
            "email: is missing",
        ),
        ("invitees.get", {"action_params": {"event": "{{ x }}"}}, "uuid: is missing"),
        ("scheduled_events.list", {"action_params": {"count": datetime.now(UTC)}}, "must be a JSON value"),
        ("users.get", {"action_params": {"{{ x }}": "a", "uuid": "a"}}, "{{ x }}: is not an input"),
        (
            "users.me",
            {"action_params": ["uuid"]},
            "action_params must be an object of names and values",
        ),
        ("users.me", {"filter": "uuid"}, "filter must be an object of names and values, not str"),
        ("users.me", {"limit": 3}, "limit"),
        ("users.me", {"all_pages": True}, "doesn't return a list"),
        (
            "invitee_no_shows.delete",
            {"action_params": {"uuid": "0" * 16}, "output_path": "/x"},
            "returns no records",
        ),
        (
            "webhook_subscriptions.create",
            {"action_params": {"signing_key": "{{ var.value.key }}"}},
            "signing_key: is a secret, and Airflow stores",
        ),
        (
            "webhook_subscriptions.create",
            {"filter": {"signing_key[]": "made up"}},
            "signing_key: is a secret, and Airflow stores",
        ),
    ],
)
def test_an_invalid_call_fails_without_retries(name, arguments, message):
    with pytest.raises(AirflowFailException) as caught:
        action(name, **arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("users.get", {"action_params": {"uuid": "{{ params.who }}"}}),
        ("scheduled_events.list", {"filter": {"count": "{{ n }}", "status": "{% if x %}active{% endif %}"}}),
        ("scheduled_events.list", {"filter": [("min_start_time", "~{Now+7d}~"), ("status", "active")]}),
        ("users.get", {"action_params": {"uuid": "http://127.0.0.1:8700/users/a"}}),
        ("users.get", {"action_params": "{{ params.inputs }}"}),
        ("users.get", {"action_params": lambda _context, _jinja_env: {}}),
        ("scheduled_events.list", {"filter": "{{ params.filter }}"}),
        ("invitees.get", {"action_params": {"uuid": "{{ params.invitee }}"}}),
        ("invitees.create", {"action_params": BOOKING | {"invitee": "{{ params.invitee }}"}}),
        ("invitees.create", {"action_params": BOOKING | {"invitee": PERSON | {"name": "{{ params.name }}"}}}),
        ("users", {}),
    ],
)
def test_values_known_only_at_run_time_are_not_checked(name, arguments):
    action(name, **arguments)


def test_results_of_earlier_tasks_are_not_checked():
    with DAG("dag", schedule=None):
        first = action("users.me")
        second = CalendlyActionOperator(
            task_id="second", action="users.get", action_params={"uuid": first.output["uri"]}
        )
        third = CalendlyActionOperator(task_id="third", action="users.get", action_params=second.output)
    assert second.upstream_task_ids == {"task"}
    assert third.upstream_task_ids == {"second"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs one destination"),
        ({"to": "a.db", "to_conn_id": "b"}, "needs one destination"),
        ({"to": "postgresql://me:secret@db.example/copy"}, "contains a password"),
        ({"to": "folder", "form": "xml"}, "Invalid form 'xml'"),
        ({"to_conn_id": "warehouse", "form": "csv"}, "`to` to a folder"),
        ({"to": "a.db", "options": {"thread": 3}}, "Unknown sync options: thread. Options: streams"),
        ({"to": "a.db", "options": {"threads": 0}}, "threads must be between"),
        ({"to": "a.db", "options": {"streams": ["users", "nothing"]}}, "nothing"),
    ],
)
def test_an_invalid_sync_is_rejected(arguments, message):
    with pytest.raises(AirflowFailException) as caught:
        CalendlySyncOperator(task_id="task", **arguments)
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


# At the run


def test_the_xcom_of_a_single_record_is_the_record(sandbox, give_connection, context):
    give_connection(sandbox)
    assert action("users.me").execute(context)["name"]
    assert context["ti"].pushed == {}


def test_the_xcoms_of_a_list_are_its_records_and_a_summary(sandbox, give_connection, context):
    give_connection(sandbox)
    records = action("scheduled_events.list", filter={"count": 7}).execute(context)
    summary = context["ti"].pushed["summary"]
    assert len(records) == summary["records"] == 7
    assert not summary["complete"]
    assert summary["next_page_token"]
    json.dumps(records)


def test_functions_work_in_filter_and_not_in_action_params(sandbox, give_connection, context):
    give_connection(sandbox)
    assert action("scheduled_events.list", filter={"user": "~{GetUserUrl}~"}, limit=1).execute(context)
    with pytest.raises(AirflowFailException):
        action("scheduled_events.list", action_params={"user": "~{GetUserUrl}~"}).execute(context)


@pytest.mark.parametrize("name", ["action_params", "filter"])
def test_inputs_rendered_as_text_are_rejected_with_what_to_do(sandbox, give_connection, context, name):
    give_connection(sandbox)
    task = action("users.me", **{name: "{{ params.inputs }}"})
    setattr(task, name, "{'uuid': 'a'}")
    with pytest.raises(AirflowFailException, match="render_template_as_native_obj"):
        task.execute(context)


def test_a_result_too_large_for_an_xcom_is_rejected_with_what_to_do(sandbox, give_connection, context):
    give_connection(sandbox)
    with pytest.raises(AirflowFailException, match="Set output_path="):
        action("scheduled_events.list", most_xcom_bytes=1000).execute(context)
    assert context["ti"].pushed == {}


@pytest.mark.parametrize(
    "where", ["{folder}/new/meetings.jsonl", "file://{folder}/meetings.jsonl", "memory://bucket/m"]
)
def test_output_path_writes_json_lines_to_object_storage(sandbox, give_connection, context, tmp_path, where):
    attach("memory", fs=MemoryFileSystem())
    give_connection(sandbox)
    path = where.format(folder=tmp_path)
    summary = action("scheduled_events.list", filter=WHOLE, all_pages=True, output_path=path).execute(context)
    lines = ObjectStoragePath(path).read_text().splitlines()
    assert len(lines) == summary["records"] > 100
    assert summary["path"] == path
    assert summary["complete"]
    assert all(json.loads(line)["uri"] for line in lines)
    assert [entry.name for entry in ObjectStoragePath(path).parent.iterdir()] == [path.rpartition("/")[2]]


@pytest.mark.parametrize(
    ("name", "arguments", "count"),
    [
        ("users.me", {}, 1),
        ("scheduled_events.list", {"filter": {"count": 3}}, 3),
        ("scheduled_events.list", {"filter": WHOLE, "limit": 101}, 101),
        ("scheduled_events.list", {"filter": {"invitee_email": "nobody@void.example"}}, 0),
    ],
)
def test_a_file_has_as_many_lines_as_there_are_records(
    sandbox, give_connection, context, tmp_path, name, arguments, count
):
    give_connection(sandbox)
    path = tmp_path / "lines"
    assert action(name, output_path=str(path), **arguments).execute(context)["records"] == count
    assert len(path.read_text().splitlines()) == count


def test_a_list_that_breaks_off_leaves_the_old_file(faulty_sandbox, give_connection, context, tmp_path):
    give_connection(faulty_sandbox)
    path = tmp_path / "lines"
    path.write_text("before")
    faulty_sandbox.fault("status", path="/scheduled_events", after=1, times=1, status=403)
    with pytest.raises(AirflowFailException, match="403"):
        action("scheduled_events.list", filter=WHOLE, all_pages=True, output_path=str(path)).execute(context)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_second_sync_changes_nothing(sandbox, give_connection, context, tmp_path):
    give_connection(sandbox)
    copy = CalendlySyncOperator(
        task_id="copy", to=str(tmp_path / "copy"), form="jsonl", options={"streams": ["event_types"]}
    )
    first = copy.execute(context)["streams"]["event_types"]
    again = copy.execute(context)["streams"]["event_types"]
    assert first["new"] == first["read"] > 0
    assert (again["new"], again["changed"]) == (0, 0)


def test_to_conn_id_syncs_to_that_database(sandbox, give_connection, context, tmp_path, monkeypatch):
    give_connection(sandbox)
    file = tmp_path / "copy.db"
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"sqlite:///{file}")
    copy = CalendlySyncOperator(task_id="copy", to_conn_id="warehouse", options={"streams": ["event_types"]})
    assert copy.execute(context)["streams"]["event_types"]["new"] > 0
    assert file.stat().st_size > 0


def test_to_conn_id_must_be_a_database_connection(sandbox, give_connection, context):
    give_connection(sandbox)
    with pytest.raises(AirflowFailException, match="calendly_default is not a database connection"):
        CalendlySyncOperator(task_id="copy", to_conn_id="calendly_default").execute(context)


def test_a_missing_connection_is_airflows_own_error(context):
    with pytest.raises(AirflowException, match="calendly_default"):
        action("users.me").execute(context)
