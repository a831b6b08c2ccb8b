"""The operators: refused when a DAG is parsed, run against the sandbox, results handed on."""

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
    ("name", "arguments", "told"),
    [
        ("users.mee", {}, "no action 'users.mee'. Did you mean users.me"),
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
        ("users.me", {"action_params": ["uuid"]}, "action_params holds names and values, and is list"),
        ("users.me", {"filter": "uuid"}, "filter holds names and values, and is str"),
        ("users.me", {"limit": 3}, "limit"),
        ("users.me", {"all_pages": True}, "gives no list"),
        (
            "invitee_no_shows.delete",
            {"action_params": {"uuid": "0" * 16}, "output_path": "/x"},
            "gives no records",
        ),
        (
            "webhook_subscriptions.create",
            {"action_params": {"signing_key": "{{ var.value.key }}"}},
            "signing_key: is a secret, and Airflow keeps",
        ),
        (
            "webhook_subscriptions.create",
            {"filter": {"signing_key[]": "made up"}},
            "signing_key: is a secret, and Airflow keeps",
        ),
    ],
)
def test_a_wrong_call_is_refused_and_never_tried_again(name, arguments, told):
    with pytest.raises(AirflowFailException) as caught:
        action(name, **arguments)
    assert told in str(caught.value)


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
def test_what_is_known_at_the_run_alone_is_left_out_of_the_check(name, arguments):
    action(name, **arguments)


def test_what_an_earlier_task_gives_is_left_out_of_the_check():
    with DAG("dag", schedule=None):
        first = action("users.me")
        second = CalendlyActionOperator(
            task_id="second", action="users.get", action_params={"uuid": first.output["uri"]}
        )
        third = CalendlyActionOperator(task_id="third", action="users.get", action_params=second.output)
    assert second.upstream_task_ids == {"task"}
    assert third.upstream_task_ids == {"second"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "one destination"),
        ({"to": "a.db", "to_conn_id": "b"}, "one destination"),
        ({"to": "postgresql://me:secret@db.example/copy"}, "holds a password"),
        ({"to": "folder", "form": "xml"}, "No copy has the form 'xml'"),
        ({"to_conn_id": "warehouse", "form": "csv"}, "a folder in to"),
        ({"to": "a.db", "options": {"thread": 3}}, "no option thread. It has streams"),
        ({"to": "a.db", "options": {"threads": 0}}, "threads must be between"),
        ({"to": "a.db", "options": {"streams": ["users", "nothing"]}}, "nothing"),
    ],
)
def test_a_wrong_copy_is_refused(arguments, told):
    with pytest.raises(AirflowFailException) as caught:
        CalendlySyncOperator(task_id="task", **arguments)
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)


# At the run


def test_one_record_goes_by_xcom(sandbox, give_connection, context):
    give_connection(sandbox)
    assert action("users.me").execute(context)["name"]
    assert context["ti"].pushed == {}


def test_a_list_goes_by_xcom_and_says_whether_it_is_whole(sandbox, give_connection, context):
    give_connection(sandbox)
    records = action("scheduled_events.list", filter={"count": 7}).execute(context)
    summary = context["ti"].pushed["summary"]
    assert len(records) == summary["records"] == 7
    assert not summary["complete"]
    assert summary["next_page_token"]
    json.dumps(records)


def test_functions_are_for_filters_and_plain_values_are_taken_as_they_are(sandbox, give_connection, context):
    give_connection(sandbox)
    assert action("scheduled_events.list", filter={"user": "~{GetUserUrl}~"}, limit=1).execute(context)
    with pytest.raises(AirflowFailException):
        action("scheduled_events.list", action_params={"user": "~{GetUserUrl}~"}).execute(context)


@pytest.mark.parametrize("name", ["action_params", "filter"])
def test_inputs_that_a_template_made_no_object_are_refused_with_what_to_do(
    sandbox, give_connection, context, name
):
    give_connection(sandbox)
    task = action("users.me", **{name: "{{ params.inputs }}"})
    setattr(task, name, "{'uuid': 'a'}")
    with pytest.raises(AirflowFailException, match="render_template_as_native_obj"):
        task.execute(context)


def test_a_result_too_large_for_an_xcom_is_refused_with_what_to_do(sandbox, give_connection, context):
    give_connection(sandbox)
    with pytest.raises(AirflowFailException, match="Give output_path="):
        action("scheduled_events.list", most_xcom_bytes=1000).execute(context)
    assert context["ti"].pushed == {}


@pytest.mark.parametrize(
    "where", ["{folder}/new/meetings.jsonl", "file://{folder}/meetings.jsonl", "memory://bucket/m"]
)
def test_records_go_to_object_storage_as_json_lines(sandbox, give_connection, context, tmp_path, where):
    attach("memory", fs=MemoryFileSystem())
    give_connection(sandbox)
    path = where.format(folder=tmp_path)
    told = action("scheduled_events.list", filter=WHOLE, all_pages=True, output_path=path).execute(context)
    lines = ObjectStoragePath(path).read_text().splitlines()
    assert len(lines) == told["records"] > 100
    assert told["path"] == path
    assert told["complete"]
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


def test_a_list_that_breaks_off_leaves_the_file_of_before(troubled, give_connection, context, tmp_path):
    give_connection(troubled)
    path = tmp_path / "lines"
    path.write_text("before")
    troubled.fault("status", path="/scheduled_events", after=1, times=1, status=403)
    with pytest.raises(AirflowFailException, match="403"):
        action("scheduled_events.list", filter=WHOLE, all_pages=True, output_path=str(path)).execute(context)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_copy_is_made_and_brought_up_to_date(sandbox, give_connection, context, tmp_path):
    give_connection(sandbox)
    copy = CalendlySyncOperator(
        task_id="copy", to=str(tmp_path / "copy"), form="jsonl", options={"streams": ["event_types"]}
    )
    first = copy.execute(context)["streams"]["event_types"]
    again = copy.execute(context)["streams"]["event_types"]
    assert first["new"] == first["read"] > 0
    assert (again["new"], again["changed"]) == (0, 0)


def test_a_copy_goes_where_a_connection_says(sandbox, give_connection, context, tmp_path, monkeypatch):
    give_connection(sandbox)
    file = tmp_path / "copy.db"
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"sqlite:///{file}")
    copy = CalendlySyncOperator(task_id="copy", to_conn_id="warehouse", options={"streams": ["event_types"]})
    assert copy.execute(context)["streams"]["event_types"]["new"] > 0
    assert file.stat().st_size > 0


def test_a_copy_goes_into_databases_alone(sandbox, give_connection, context):
    give_connection(sandbox)
    with pytest.raises(AirflowFailException, match="calendly_default is no connection to a database"):
        CalendlySyncOperator(task_id="copy", to_conn_id="calendly_default").execute(context)


def test_a_missing_connection_is_airflows_own_error(context):
    with pytest.raises(AirflowException, match="calendly_default"):
        action("users.me").execute(context)
