"""Scaffolding: what `tools/new_action.py` writes for each operation of the reference file."""

import dataclasses
import json
import shutil
from importlib.resources import files

import pytest
import yaml
from calendly_connector.catalog.manifest import catalog
from calendly_connector.catalog.models import Action
from calendly_connector.sandbox.api.body_schema import read_body
from calendly_connector.sandbox.api.calls import ApiCall, FullList, PagedList
from calendly_connector.sandbox.api.parameters import PUBLIC_ORIGIN, read_query
from calendly_connector.sandbox.errors import ApiError
from click.testing import CliRunner
from jsonschema import Draft202012Validator

import drift
import new_action
import openapi
import scaffold_route
import scaffold_schema
from openapi import REFERENCE
from scaffold import Known, NewAction

SPEC = openapi.load(str(REFERENCE))
LENIENCIES = [drift.Leniency(**entry) for entry in openapi.parse(drift.LENIENCIES.read_bytes())]
each_action = pytest.mark.parametrize("name", catalog())


def without(name):
    """Return what is known without an action, as if it were to be added."""
    return Known({other: action for other, action in catalog().items() if other != name})


def target(name):
    return NewAction(name, new_action.find_operation(name, SPEC, catalog()[name].request), SPEC)


def scaffolded(name):
    """Return the action that the scaffold of an operation declares."""
    [(verb, entry)] = yaml.safe_load(scaffold_schema.entry(target(name))).items()
    assert verb == name.partition(".")[2]
    typed = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    existing = catalog()[name]
    action = Action(**{"id": name, "effect": existing.effect, "idempotent": existing.idempotent, **typed})
    action.__dict__["_file"] = scaffold_schema.schema(target(name), without(name))
    return action


def served(name):
    """Return the route that the scaffold of an operation adds to a new module of the sandbox."""
    known = without(name)
    route = scaffold_route.route(target(name), scaffold_schema.schema(target(name), known), known)
    source = scaffold_route.inserted("", route, "Scaffold")
    package = "calendly_connector.sandbox.operations"
    names = {"__name__": f"{package}.scaffolded", "__package__": package}
    exec(compile(source, name, "exec"), names)  # noqa: S102 - our own source
    [row] = names["ROUTES"]
    return row


@each_action
def test_the_entry_matches_the_declared_one(name):
    ours, declared = scaffolded(name), catalog()[name]
    for key in ("returns", "scopes", "bare", "query"):
        assert getattr(ours, key) == getattr(declared, key)
    assert openapi.unnamed(ours.request) == openapi.unnamed(declared.request)
    assert ours.docs.startswith("https://developer.calendly.com/api-docs/calendly-api/")


@each_action
def test_the_schema_matches_the_openapi_file(name):
    operation = target(name).operation
    spec = {**SPEC, "paths": {operation.path: {operation.method.lower(): operation.entry}}}
    differences, _ = drift.compare(spec, [scaffolded(name)], LENIENCIES)
    assert list(map(str, differences)) == []


@each_action
def test_the_example_fits_the_schema_and_every_input_is_described(name):
    action = scaffolded(name)
    [example] = action.examples
    for schema, value in ((action.sent, example["input"]), (action.output, example["output"])):
        Draft202012Validator.check_schema(schema)
        assert [error.message for error in Draft202012Validator(schema).iter_errors(value)] == []
    assert all(rule["description"].endswith(".") for rule in action.inputs.values())
    assert action.title == action.description.removesuffix(".")


@each_action
def test_the_route_accepts_the_example_and_returns_the_documented_shape(name, sandbox):
    action, route = scaffolded(name), served(name)
    [example] = action.examples
    assert (route.request, route.action, route.scopes) == (action.request, action.id, action.scopes)
    inputs = example["input"]
    ids = {key: inputs[key] for key in action.path_ids}
    rest = {key: value for key, value in inputs.items() if key not in ids}
    origins = frozenset({PUBLIC_ORIGIN})
    pairs = [
        (key, item)
        for key, value in rest.items()
        if key in action.query or action.method == "GET"
        for item in (value if isinstance(value, list) else [value])
    ]
    query, wrong = read_query(route.parameters, pairs, origins)
    body, also_wrong = read_body(route.body, rest, origins) if route.body else ({}, [])
    assert [*wrong, *also_wrong] == []
    call = ApiCall(sandbox.world, None, 0, ids, query, body, origins)
    answer = route.run(call)
    record = getattr(answer, "record", getattr(answer, "body", None))
    if isinstance(answer, PagedList | FullList):
        assert action.returns == "many"
    elif action.returns == "one":
        assert [error.message for error in Draft202012Validator(action.output).iter_errors(record)] == []
    if ids:
        with pytest.raises(ApiError, match="404"):
            route.run(dataclasses.replace(call, ids=dict.fromkeys(ids, "unknown")))


@pytest.fixture
def root(tmp_path):
    """Return a copy of the folders that an action is written to."""
    for package, folder in (
        ("actions", "actions"),
        ("schemas", "schemas"),
        ("sandbox.operations", "sandbox/operations"),
    ):
        shutil.copytree(str(files(f"calendly_connector.{package}")), tmp_path / folder)
    return tmp_path


def removed(name, root):
    """Take an action's declarations out of the copy."""
    resource, _, verb = name.partition(".")
    (root / "schemas" / f"{name}.json").unlink()
    path = root / "actions" / f"{resource}.yaml"
    entries = yaml.safe_load(path.read_text())
    del entries[verb]
    path.write_text(f"# Kept.\n\n{yaml.safe_dump(entries)}")


def test_an_action_is_added_to_the_files_of_its_resource(root):
    removed("shares.list", root)
    written = list(new_action.write(target("shares.list"), without("shares.list"), root))
    assert [str(path.relative_to(root)) for path in written] == [
        "actions/shares.yaml",
        "schemas/shares.list.json",
        "sandbox/operations/shares.py",
    ]
    assert list(yaml.safe_load(written[0].read_text())) == ["create", "delete", "update", "list"]
    assert written[0].read_text().startswith("# Kept.\n")
    assert json.loads(written[1].read_text())["title"] == "List shares"
    module = written[2].read_text()
    compile(module, "shares.py", "exec")
    assert module.index("def list_shares(_call") < module.index("ROUTES = (") < module.index('"shares.list"')


def test_the_first_action_of_a_resource_creates_its_files(root):
    spec = {**SPEC, "paths": {"/moods": SPEC["paths"]["/groups"]}}
    moods = NewAction("moods.list", new_action.find_operation("moods.list", spec), spec)
    entries, _, module = new_action.write(moods, Known(catalog()), root)
    assert entries.read_text().startswith("# Moods.\n\nlist:\n  request: GET /moods\n")
    assert module.name == "moods.py"
    compile(module.read_text(), "moods.py", "exec")


def test_an_existing_action_is_never_overwritten(root):
    before = (root / "actions" / "shares.yaml").read_text()
    with pytest.raises(ValueError, match="exists already"):
        list(new_action.write(target("shares.list"), Known(catalog()), root))
    with pytest.raises(ValueError, match="exists already"):  # declared nowhere, but its schema is there
        list(new_action.write(target("shares.list"), without("shares.list"), root))
    assert (root / "actions" / "shares.yaml").read_text() == before


def test_a_module_without_a_table_at_its_end_is_not_changed():
    with pytest.raises(ValueError, match="ROUTES"):
        scaffold_route.inserted('"""Forms."""\n\nFORM = 1\n', scaffold_route.RouteSource("", "", ""), "Forms")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("shares.list", "GET /shares"),
        ("groups.get", "GET /groups/{}"),
        ("contact_lists.create", "POST /contact_lists"),
        ("shares.update", "PATCH /shares/{}"),
        ("webhook_subscriptions.delete", "DELETE /webhook_subscriptions/{}"),
        ("organization_invitations.list", "GET /organizations/{}/invitations"),
        ("invitees.get", "GET /scheduled_events/{}/invitees/{}"),
    ],
)
def test_an_id_names_its_operation(name, line):
    assert new_action.find_operation(name, SPEC).line == line


@pytest.mark.parametrize(
    ("name", "request_line", "message"),
    [
        ("shares.lists", "", "Did you mean shares.list"),
        ("moods.list", "", "pass --request"),
        ("moods.list", "GET /moods", "no operation 'GET /moods'"),
    ],
)
def test_an_unknown_operation_is_an_error_that_says_what_to_do(name, request_line, message):
    with pytest.raises(ValueError, match=message):
        new_action.find_operation(name, SPEC, request_line)


def test_an_id_that_fits_two_operations_asks_for_the_request_line():
    spec = {"paths": {path: {"get": {}} for path in ("/users/{uuid}/moods", "/groups/{uuid}/moods")}}
    with pytest.raises(ValueError, match="--request"):
        new_action.find_operation("moods.list", spec)
    assert (
        new_action.find_operation("moods.list", spec, "GET /users/{id}/moods").path == "/users/{uuid}/moods"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["shares.list"], "exists already"),
        (["moods.list"], "No path"),
        (["moods.list", "--openapi", "missing.yaml"], "can't be read"),
    ],
)
def test_the_command_rejects_what_it_cannot_scaffold(arguments, message):
    result = CliRunner().invoke(new_action.main, arguments, catch_exceptions=False)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_json_is_laid_out_like_the_schemas():
    assert new_action.pretty({"a": [1, 2], "b": {}}) == '{"a": [1, 2], "b": {}}'
    wide = {"name": {"description": "x" * 80}, "other": [1]}
    assert new_action.pretty(wide).splitlines() == [
        "{",
        f'  "name": {{"description": "{"x" * 80}"}},',
        '  "other": [1]',
        "}",
    ]
