"""Apps, their catalogs, and calls that a person tries."""

from types import SimpleNamespace

import pytest
from calendly_connector.agent.connectors import installed
from calendly_connector.agent.workspace import apps, calls, credential_report, form_values
from calendly_connector.agent.workspace.schema_rows import schema_rows
from calendly_connector.contract import CheckReport, Column, Field, Option, RateLimit, Result, Verdict
from calendly_connector.errors import UnknownAction, UsageError
from small_workspace import Broken, small_workspace


@pytest.fixture(scope="module")
def workspace():
    return small_workspace([0.0], broken=Broken(), **installed())


def test_every_app_is_listed_with_its_package_and_a_broken_one_with_its_problem(workspace):
    found = {app.id: app for app in apps.apps(workspace)}
    assert found["calendly"].package.startswith("calendly-connector ")
    assert found["calendly"].icon.startswith("data:image/png;base64,")
    assert "stored" not in {kind.id for kind in found["calendly"].kinds}
    assert found["broken"].problem
    assert found["desk"].docs == ""  # its address is a script
    assert apps.catalog(workspace, "broken") == []
    assert apps.triggers(workspace, "broken") == []
    with pytest.raises(UnknownAction):
        apps.action(workspace, "broken", "x")
    with pytest.raises(UsageError):
        apps.app(workspace, "nosuch")


def test_the_catalog_has_every_action_once_with_the_columns_of_the_guide(workspace):
    catalog = apps.catalog(workspace, "calendly")
    assert sorted(entry.id for entry in catalog) == sorted(workspace.connectors["calendly"].actions())
    me = next(entry for entry in catalog if entry.id == "users.me")
    assert (me.endpoint, me.kind, me.schema, me.path) == ("users/me", "GET", "users", "/users/me")
    assert me.docs.startswith("https://")
    assert {entry.kind for entry in catalog} == {"GET", "POST", "PATCH", "DELETE", "Recipe"}


def test_every_schema_of_the_catalog_becomes_a_table():
    for connector in installed().values():
        for action in connector.actions().values():
            paths = [row.path for row in schema_rows(action.input)]
            assert {field.path for field in action.fields} <= set(paths), action.id
            for schema in (action.input, action.output):
                rows = schema_rows(schema)
                assert len({row.path for row in rows}) == len(rows)


def test_a_schema_that_refers_to_itself_ends():
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    rows = schema_rows({"$ref": "#/$defs/node", "$defs": {"node": node}})
    assert [row.path for row in rows[:2]] == ["next", "next.next"]
    assert schema_rows({"$ref": "#/$defs/loop", "$defs": {"loop": {"$ref": "#/$defs/loop"}}}) == []


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "//evil.example", "", None, "https://[", "data:x"]
)
def test_only_web_addresses_become_links(address):
    assert apps.web_address(address) == ""


def test_records_are_a_table_of_texts():
    action = SimpleNamespace(
        returns="many", columns=(Column("name"), Column("hosts.email", "Hosts"), Column("data"))
    )
    records = [
        {"name": "<b>", "hosts": [{"email": "a"}, {"email": "b"}], "data": {"x": 1}},
        {"name": "y" * 500},
    ]
    found = calls.tried(action, Result("x", records=records, complete=False, calls=1))
    assert found.columns == ("Name", "Hosts", "Data")
    assert found.rows[0] == ("<b>", "a, b", '{"x": 1}')
    assert len(found.rows[1][0]) < 250
    assert found.summary == "2 records, with 1 request. There are more."


def test_a_report_is_grouped_counted_and_has_reasons():
    report = CheckReport(
        "ok",
        "Signed in.",
        user={"name": "Ada", "email": "ada@acme.example"},
        scopes={"a:read": "granted", "b:read": "refused"},
        actions={
            "x": Verdict("can"),
            "y": Verdict("cannot", "lacks b:read"),
            "z": Verdict("cannot", "lacks b:read"),
        },
        rate_limit=RateLimit(60, 58, 30),
        clock_skew_s=-90.0,
    )
    can, cannot = credential_report.abilities(report)
    assert (can.heading, cannot.heading) == ("Can do: 1 action", "Cannot do: 2 actions")
    assert cannot.reasons == (("lacks b:read", ("y", "z")),)
    facts = dict(credential_report.facts(report))
    assert facts["Signed in as"] == "Ada (ada@acme.example)"
    assert facts["Rate limit"] == "58 of 60 requests left; the count restarts in 30 s"
    assert facts["Clock"] == "90 s behind the application's"
    assert credential_report.scopes(report) == [("granted", ["a:read"]), ("missing", ["b:read"])]


def test_a_form_finds_what_is_missing_and_malformed():
    fields = (
        Field("token", "Token", required=True),
        Field("size", "Size", choices=(Option("Any", ""), Option("Small", "s"))),
        Field("user", "User", pattern="^a"),
        Field("sort", "Sort", required=True, default="up"),
    )
    found = form_values.missing_or_malformed(fields, {"size": "xl", "user": "~{GetUserUrl}~"})
    assert [(one.path, one.message) for one in found] == [
        ("token", "This field is required."),
        ("size", "Choose one of Small."),
    ]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ({"a": "", "b": [], "c": {"d": None}}, None),
        ({"a": False, "b": 0, "c": ["", "x"]}, {"a": False, "b": 0, "c": ["x"]}),
    ],
)
def test_empty_parts_are_left_out_and_false_is_a_value(typed, kept):
    assert form_values.compact(typed) == kept


def test_lines_are_items():
    assert form_values.from_lines(" a, b \n\nc") == ["a, b", "c"]
    assert form_values.as_lines(["a", "b"]) == "a\nb"
