"""Checks every declaration, from actions/ to the manifest, because the code relies on them."""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import jsonschema_rs
import pytest
import yaml
from calendly_connector.catalog import expressions, field_paths, json_schema, paths
from calendly_connector.catalog.look_ups import look_up_rule
from calendly_connector.catalog.manifest import Manifest, catalog, find, manifest
from calendly_connector.catalog.models import Action, CredentialForm, Function, TriggerSpec
from calendly_connector.catalog.pick_lists import PickList, has_names, pick_list
from calendly_connector.catalog.probes import probes
from calendly_connector.catalog.scopes import covers
from calendly_connector.contract import fields
from jsonschema import Draft202012Validator
from locations import REFERENCE
from pydantic import TypeAdapter

SCHEMA_KEYS = ["$schema", "title", "description", "input", "output", "examples"]
REQUEST_LINE = re.compile(r"(GET|POST|PATCH|PUT|DELETE) ((?:/[a-z][a-z_]*|/\{[a-z][a-z_]*\})+)")


def read_yaml(package: str, name: str) -> Any:
    return yaml.safe_load(files(f"calendly_connector{package}").joinpath(name).read_text())


def read_json(name: str) -> Any:
    return json.loads(files("calendly_connector.schemas").joinpath(name).read_text())


def names_in(package: str, ending: str, folder: str = "") -> list[str]:
    place = files(f"calendly_connector.{package}")
    place = place.joinpath(folder) if folder else place
    return sorted(entry.name.removesuffix(ending) for entry in place.iterdir() if entry.name.endswith(ending))


RESOURCES = names_in("actions", ".yaml")
ENTRIES = {
    f"{resource}.{verb}": entry
    for resource in RESOURCES
    for verb, entry in read_yaml(".actions", f"{resource}.yaml").items()
}
SHAPES = names_in("schemas", ".json", "shapes")
EVENTS = names_in("schemas", ".json", "events")
CARD = read_yaml(".catalog", "manifest.yaml")
CALENDLY_EVENTS = [event for event, entry in CARD["triggers"].items() if "sources" not in entry]
CREDENTIALS = names_in("credentials", ".yaml")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
OPENAPI = yaml.load((REFERENCE / "calendly-api.2026-11.yaml").read_bytes(), LOADER)  # noqa: S506 - is safe
PAYLOADS = {
    file.stem: json.loads(file.read_bytes()) for file in sorted((REFERENCE / "payloads").glob("*.json"))
}

OPERATION_ENTRIES = {name: entry for name, entry in ENTRIES.items() if "request" in entry}
RECIPE_ENTRIES = {name: entry for name, entry in ENTRIES.items() if "recipe" in entry}
each_action = pytest.mark.parametrize("name", ENTRIES)
each_operation = pytest.mark.parametrize("name", OPERATION_ENTRIES)
each_recipe = pytest.mark.parametrize("name", RECIPE_ENTRIES)
each_shape = pytest.mark.parametrize("shape", SHAPES)


def same_line(request: str) -> str:
    """Return a request line without the names of its ids, which differ between sources."""
    return re.sub(r"\{\w+\}", "{}", request)


OPERATIONS = {
    same_line(f"{method.upper()} {path}"): operation
    for path, methods in OPENAPI["paths"].items()
    for method, operation in methods.items()
    if isinstance(operation, Mapping)
}
SCOPES = {scope for operation in OPERATIONS.values() for scope in operation.get("x-required-scopes", ())}


def fits(kind: Any, entry: Mapping[str, Any]) -> Any:
    """Check an entry of a file strictly, because the code doesn't."""
    unknown = entry.keys() - {field.name for field in dataclasses.fields(kind)}
    assert not unknown, f"unknown keys: {unknown}"
    adapter = TypeAdapter(kind)
    adapter.rebuild(_types_namespace=vars(fields))  # models.py imports these for type checkers only
    return adapter.validate_json(json.dumps(entry), strict=True)


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each property that a schema declares, at any depth, except in conditions."""
    for name, rule in schema.get("properties", {}).items():
        yield f"{path}.{name}", rule
        yield from properties(rule, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from properties(schema["items"], f"{path}[]")


def references(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own.union(*map(references, node.values()))


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for item in node.values():
            yield from texts(item)
    elif isinstance(node, list):
        for item in node:
            yield from texts(item)


def validation_errors(schema: Any, value: Any) -> list[str]:
    """Validate with both libraries that the connector uses, including formats."""
    checker = jsonschema.FormatChecker()
    errors = [
        error.message for error in Draft202012Validator(schema, format_checker=checker).iter_errors(value)
    ]
    rust = jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True)
    return errors + [error.message for error in rust.iter_errors(value)]


# --- actions


def test_the_catalog_matches_the_files():
    assert list(catalog()) == list(ENTRIES)


@each_action
def test_each_entry_has_the_form_that_the_code_relies_on(name):
    derived = {"effect": "read", "idempotent": True, "scopes": [], "docs": ""}
    entry = ENTRIES[name]
    look_up = {"look_up": dataclasses.asdict(look_up_rule(**entry["look_up"]))} if "look_up" in entry else {}
    fits(Action, {"id": name, **derived, **entry, **look_up})


@each_action
def test_no_entry_repeats_its_schema(name):
    assert "id" not in ENTRIES[name]


@each_action
def test_a_list_declares_columns_that_its_records_have(name):
    action = catalog()[name]
    assert bool(action.columns) == (action.returns == "many")
    for column in action.columns:
        assert paths.rules(action.output, column.path), column
        assert not column.names or column.names in read_json("pick_lists.json")
    headings = [column.heading for column in action.columns]
    assert len(set(headings)) == len(headings)
    assert all(heading.isprintable() and "," not in heading for heading in headings)


@each_operation
def test_request_line(name):
    assert REQUEST_LINE.fullmatch(ENTRIES[name]["request"])


def test_no_two_actions_send_the_same_request():
    lines = [same_line(entry["request"]) for entry in OPERATION_ENTRIES.values()]
    assert sorted(lines) == sorted(set(lines))


@each_operation
def test_scopes_exist_at_calendly(name):
    assert ENTRIES[name]["scopes"]
    assert set(ENTRIES[name]["scopes"]) <= SCOPES


@each_operation
def test_docs_are_on_calendlys_developer_site(name):
    docs = urlsplit(ENTRIES[name]["docs"])
    assert (docs.scheme, docs.netloc) == ("https", "developer.calendly.com")
    assert docs.path.startswith("/api-docs/calendly-api/")


@each_operation
def test_effect_follows_from_the_method(name):
    action = catalog()[name]
    expected = {"GET": "read", "DELETE": "destroy"}.get(action.method, "write")
    assert action.effect == ENTRIES[name].get("effect", expected)
    assert action.effect == "read" or action.method != "GET"


@each_operation
def test_path_ids_are_exactly_the_required_inputs_that_name_a_resource_in_the_path(name):
    action = catalog()[name]
    for path_id in action.path_ids:
        assert path_id in action.sent["required"]
        field = action.inputs[path_id]
        reader = catalog().get(f"{field['x-resource']}.get")
        form = reader.path if reader else f"/{field['x-resource']}/{{uuid}}"
        before, _, _ = action.path.partition(f"{{{path_id}}}")
        assert same_line(f"{before}{{{path_id}}}") == same_line(form)
        assert field["pattern"] == "^[A-Za-z0-9_-]+$"


@each_action
def test_resource_inputs_are_marked_and_described_as_such(name):
    action = catalog()[name]
    for key, rule in action.inputs.items():
        field = rule.get("items", rule)
        assert ("x-resource" in field) is ("URI" in rule["description"])
        if "x-resource" in field:
            assert key in action.path_ids or field["format"] == "uri"


@each_action
def test_defaults_are_inputs_and_their_functions_exist(name):
    action = catalog()[name]
    assert action.defaults.keys() <= action.inputs.keys()
    called = [call for value in action.defaults.values() for call in expressions.calls(value)]
    assert {call.name for call in called} <= CARD["functions"].keys()


@each_action
def test_aliases_find_their_action(name):
    action = catalog()[name]
    for alias in action.aliases:
        assert alias not in catalog()
        assert alias in find(alias, frozenset(action.path_ids)).aliases
        assert find(alias, frozenset(action.path_ids)).path_ids == action.path_ids


@each_operation
def test_each_action_is_a_documented_operation_with_the_same_scopes(name):
    operation = OPERATIONS[same_line(ENTRIES[name]["request"])]
    assert ENTRIES[name]["scopes"] == operation["x-required-scopes"]


@each_operation
def test_inputs_match_calendlys_documentation(name):
    action = catalog()[name]
    operation = OPERATIONS[same_line(action.request)]
    documented = {entry["name"] for entry in operation.get("parameters", ()) if entry["in"] == "query"}
    if "requestBody" in operation:
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        documented |= OPENAPI["components"]["schemas"][reference.rpartition("/")[2]]["properties"].keys()
    assert action.inputs.keys() - set(action.path_ids) == documented


@each_operation
def test_lists_are_paged_if_calendly_pages_them(name):
    action = catalog()[name]
    paged = OPERATIONS[same_line(action.request)].get("x-paginated", False)
    assert ({"count", "page_token"} <= action.inputs.keys()) is paged


# --- lost replies


@pytest.mark.parametrize("name", [name for name, action in catalog().items() if action.effect != "read"])
def test_a_write_is_safe_to_repeat_or_can_be_looked_up_or_says_why_not(name):
    action = catalog()[name]
    if action.no_look_up:
        assert action.no_look_up.endswith(".")
    assert bool(action.no_look_up) != bool(action.safe_to_repeat or action.look_up)


def test_only_writes_are_looked_up():
    reads = [action for action in catalog().values() if action.effect == "read"]
    assert not [action.id for action in reads if action.look_up or action.no_look_up]


LOOK_UPS = {name: action.look_up for name, action in catalog().items() if action.look_up}
each_look_up = pytest.mark.parametrize("name", LOOK_UPS)


@each_look_up
def test_a_look_up_only_reads_and_compares_what_exists(name):
    rule, action, read = LOOK_UPS[name], catalog()[name], catalog()[LOOK_UPS[name].action]
    assert read.effect == "read"
    assert rule.by
    assert all(paths.rules(action.sent, path.replace("[]", "")) for path in rule.by)
    assert rule.inputs.keys() <= read.inputs.keys()
    found = [*rule.match, *filter(None, [rule.has, rule.time]), *rule.result.values()]
    assert all(paths.rules(read.output, path) for path in found)
    assert rule.description
    assert not rule.description.endswith(".")


@each_look_up
def test_a_look_up_can_tell_a_record_from_others(name):
    rule = LOOK_UPS[name]
    ways = {
        "record": bool(rule.function or rule.match),
        "change": bool(rule.has) != bool(rule.match),
        "absence": not (rule.match or rule.has or rule.time or rule.function),
    }
    assert ways[rule.expects]


@each_look_up
def test_what_a_look_up_finds_has_the_form_of_the_writes_reply(name):
    rule, action, read = LOOK_UPS[name], catalog()[name], catalog()[LOOK_UPS[name].action]
    if rule.function or rule.expects == "absence":
        return  # the tests of settling run them
    required = set(json_schema.resolve(action.output, action.output).get("required", ()))
    fields = rule.result or paths.properties(read.output)
    assert required <= {path.partition(".")[0] for path in fields}


# --- recipes


@each_recipe
def test_a_recipe_names_a_function_and_the_operations_that_it_calls(name):
    entry = ENTRIES[name]
    module, _, function = entry["recipe"].partition(":")
    assert callable(getattr(import_module(f"calendly_connector.recipes.{module}"), function))
    assert set(entry["steps"]) <= OPERATION_ENTRIES.keys()
    assert {"effect", "idempotent"} <= entry.keys()
    assert not {"request", "scopes", "docs", "query", "window", "time_order", "probe"} & entry.keys()


@each_recipe
def test_a_recipe_changes_nothing_that_its_steps_do_not(name):
    effects = [catalog()[step].effect for step in ENTRIES[name]["steps"]]
    strength = ["read", "write", "destroy"].index
    assert strength(ENTRIES[name]["effect"]) >= max(map(strength, effects))


@each_recipe
def test_a_recipe_needs_the_scopes_of_its_steps(name):
    scopes = [scope for step in ENTRIES[name]["steps"] for scope in catalog()[step].scopes]
    assert all(covers(catalog()[name].scopes, scope) for scope in scopes)


# --- schemas


def test_there_is_one_schema_for_each_action():
    assert names_in("schemas", ".json") == sorted([*ENTRIES, "pick_lists"])


@each_action
def test_schema_file_has_its_keys_in_order(name):
    assert list(read_json(f"{name}.json")) == SCHEMA_KEYS


@each_action
def test_each_schema_file_has_a_dialect_a_title_and_a_description(name):
    schema = read_json(f"{name}.json")
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert 0 < len(schema["title"]) < 60
    assert not schema["title"].endswith(".")
    assert schema["description"].endswith(".")


@each_action
def test_input_and_output_are_valid_schemas(name):
    for schema in (catalog()[name].sent, catalog()[name].input, catalog()[name].output):
        Draft202012Validator.check_schema(schema)
        jsonschema_rs.Draft202012Validator(dict(schema))


@each_action
def test_input_schemas_reject_unknown_inputs(name):
    schema = read_json(f"{name}.json")["input"]
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert set(schema.get("required", ())) <= schema["properties"].keys()


@each_action
def test_every_input_is_described(name):
    bare = [
        path for path, rule in properties(read_json(f"{name}.json")["input"]) if not rule.get("description")
    ]
    assert bare == []


@each_action
def test_secret_inputs_are_marked_so_that_hosts_hide_them(name):
    for key, rule in catalog()[name].inputs.items():
        secret = any(word in key for word in ("key", "secret", "password", "token"))
        secret = secret and key not in {"page_token", "client_key"}
        assert rule.get("writeOnly", False) is secret


@each_action
def test_examples_are_valid_in_both_libraries(name):
    action = catalog()[name]
    assert action.examples
    for example in action.examples:
        assert list(example) == ["input", "output"]
        assert validation_errors(action.sent, example["input"]) == []
        assert validation_errors(action.output, example["output"]) == []


@each_action
def test_examples_contain_no_real_people(name):
    hosts = {"api.calendly.com", "calendly.com"}
    for text in texts(list(catalog()[name].examples)):
        if text.startswith("<"):  # HTML
            assert "@" not in text
        elif "://" in text:
            host = urlsplit(text).hostname or ""
            assert host in hosts or host.endswith(".example")
        elif "@" in text:
            assert text.endswith(".example")


@each_shape
def test_shape_is_described_and_valid(shape):
    schema = read_json(f"shapes/{shape}.json")
    assert list(schema)[:4] == ["$schema", "title", "description", "type"]
    Draft202012Validator.check_schema(schema)
    bare = [path for path, rule in properties(schema) if not rule.get("description")]
    assert bare == []
    assert set(schema.get("required", ())) <= schema.get("properties", {}).keys()


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if not shape.startswith("new_")])
def test_reply_shapes_accept_new_fields(shape):
    assert '"additionalProperties": false' not in json.dumps(read_json(f"shapes/{shape}.json"))


def test_every_shape_is_used_and_every_reference_resolves():
    used: set[str] = set()
    unresolved = {
        reference.removeprefix("shapes/")
        for name in [*ENTRIES, *(f"events/{event}" for event in EVENTS)]
        for reference in references(read_json(f"{name}.json"))
    }
    while unresolved:
        used |= unresolved
        unresolved = (
            set().union(*(references(read_json(f"shapes/{reference}")) for reference in unresolved)) - used
        )
    assert used == {f"{shape}.json" for shape in SHAPES}


BY_LINE = {same_line(entry["request"]): name for name, entry in OPERATION_ENTRIES.items()}
CATALOG_PAYLOADS = [name for name, payload in PAYLOADS.items() if same_line(payload["request"]) in BY_LINE]


@pytest.mark.parametrize("payload", CATALOG_PAYLOADS)
def test_a_reference_payload_fits_the_output_of_its_action(payload):
    request, body = PAYLOADS[payload]["request"], PAYLOADS[payload]["body"]
    action = catalog()[BY_LINE[same_line(request)]]
    assert bool(body) == (action.returns != "none")
    for record in body.get("collection", [body.get("resource", body)] if body else []):
        assert validation_errors(action.output, record) == []


# --- manifest and credentials


def test_manifest_has_its_keys():
    identity = ["id", "name", "summary", "docs", "origin", "auth_origin"]
    assert list(CARD) == [*identity, "credentials", "functions", "triggers", "groups"]
    assert CARD["origin"] == "https://api.calendly.com"
    assert CARD["auth_origin"] == "https://auth.calendly.com"
    assert CARD["summary"].endswith(".")


@pytest.mark.parametrize("name", CARD["functions"])
def test_function(name):
    function = fits(Function, {"name": name, **CARD["functions"][name]})
    [call] = expressions.parse(function.example)
    assert call.name == name
    assert function.description.endswith(".")
    assert (function.type == "date-time") is function.takes_offset
    assert bool(function.period) is (function.source == "calendar")
    user = catalog()["users.me"].output["$defs"]["user"]["properties"]
    known = {"user": user, "calendar": user, "credential": field_names(), "clock": {""}}
    assert function.field in known[function.source]


def test_every_action_and_every_trigger_is_in_exactly_one_group():
    # A new resource needs a line in the groups of connector/catalog/manifest.yaml.
    resources = [resource for group in CARD["groups"].values() for resource in group["resources"]]
    assert sorted(resources) == RESOURCES
    groups = manifest().groups
    assert sorted(action for group in groups for action in group.actions) == sorted(catalog())
    triggers = sorted(trigger for group in groups for trigger in group.triggers)
    assert triggers == sorted(manifest().triggers)


def test_groups_can_be_shown_as_a_menu():
    groups = manifest().groups
    assert [group.id for group in groups] == list(CARD["groups"])
    assert len({group.title for group in groups}) == len(groups)
    for group in groups:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", group.id)
        assert not group.title.endswith(".")
        assert group.description.endswith(".")
        assert group.actions


def test_the_actions_of_a_group_are_in_the_order_of_its_resources():
    meetings = manifest().groups[0]
    assert list(dict.fromkeys(action.partition(".")[0] for action in meetings.actions)) == [
        "meetings",
        "slots",
        "bookings",
        "scheduled_events",
        "invitees",
    ]
    assert meetings.triggers == ("invitee.created", "invitee.canceled", "invitee.rescheduled")


def field_names() -> set[str]:
    return {name for kind in CREDENTIALS for name in read_yaml(".credentials", f"{kind}.yaml")["fields"]}


@pytest.mark.parametrize("scope", probes())
def test_a_probe_is_one_harmless_call_that_needs_only_its_scope(scope):
    probe = probes()[scope]
    action = catalog()[probe.action]
    assert action.scopes == (scope,)
    assert action.effect == "read"
    assert action.path_ids == ()
    called = [call for value in probe.filter.values() for call in expressions.calls(value)]
    assert all(CARD["functions"][call.name]["source"] == "user" for call in called)
    values = expressions.evaluate(
        dict(probe.filter), lambda call: manifest().functions[call.name].example_value
    )
    assert validation_errors(action.sent, values) == []


def test_every_read_scope_of_the_catalog_has_a_probe():
    needed = {scope for action in catalog().values() for scope in action.scopes if scope.endswith(":read")}
    assert probes().keys() == needed


def test_each_scope_has_at_most_one_declared_probe():
    declared = [action.scopes for action in catalog().values() if action.probe]
    assert len(declared) == len(set(declared))


def test_every_kind_of_credential_has_its_form():
    assert sorted(CARD["credentials"]) == CREDENTIALS
    assert list(Manifest().credentials) == CARD["credentials"]


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_credential_form(kind):
    card = read_yaml(".credentials", f"{kind}.yaml")
    lists = {name: with_paths(card.get(name, {})) for name in ("fields", "added_by_sign_in")}
    form = fits(CredentialForm, {"id": kind, **card, **lists})
    assert manifest().credentials[kind] == form
    assert form.title
    assert form.description.strip().endswith(".")
    assert urlsplit(form.page).netloc in {"calendly.com", "developer.calendly.com"}
    assert urlsplit(form.docs).netloc == "developer.calendly.com"


def with_paths(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"path": name, **entry} for name, entry in fields.items()]


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_credential_fields(kind):
    for field in manifest().credentials[kind].all_fields:
        assert field.title[0].isupper()
        assert field.description.strip().endswith(".")
        assert all(re.fullmatch(r"calendly_\w+", variable, re.IGNORECASE) for variable in field.environment)
        assert bool(field.pattern) == bool(field.expected)
        assert re.search(field.pattern, field.placeholder)


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_the_fields_of_a_form_are_drawn_in_order(kind):
    fields = manifest().credentials[kind].fields
    groups = [field.group for field in fields]
    assert groups == sorted(groups, key=("main", "advanced").index)
    assert all(field.group == "main" for field in fields if field.required)
    assert not any(field.name == "kind" for field in fields)


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_an_optional_list_of_choices_has_an_empty_one(kind):
    for field in manifest().credentials[kind].fields:
        values = [choice.value for choice in field.choices]
        assert len(values) == len(set(values))
        assert all(choice.label for choice in field.choices)
        assert ("" in values) == (bool(values) and not field.required)


def test_no_variable_is_shared_by_two_fields_of_one_form():
    for form in manifest().credentials.values():
        variables = [variable for field in form.all_fields for variable in field.environment]
        assert sorted(variables) == sorted(set(variables))


# --- pick lists and triggers


PICK_LISTS = read_json("pick_lists.json")
FROM_CALENDLY = [name for name, entry in PICK_LISTS.items() if "local" not in entry]


@pytest.mark.parametrize("name", FROM_CALENDLY)
def test_a_pick_list_reads_fields_that_its_records_have(name):
    source = fits(PickList, PICK_LISTS[name])
    action = catalog()[source.action]
    assert action.effect == "read"
    assert (action.returns == "one") is bool(source.each or source.fallback)
    assert source.filter.keys() <= action.inputs.keys()
    assert {source.search, source.email} - {""} <= action.inputs.keys()
    inside = f"{source.each}." if source.each else ""
    for path in (source.value, source.fallback, *source.text, *source.skip):
        assert not path or paths.rules(action.output, f"{inside}{path}"), path
    for given in (*source.needs, *source.by):
        assert given in action.inputs or paths.rules(action.output, f"{inside}{given}"), given
    named = catalog()[source.read] if source.read else action
    for path in filter(None, (source.label, *source.also)):
        assert paths.rules(named.output, path)
        assert any(paths.values(named.examples[0]["output"], path))
    for expression in (*source.words.values(), source.filter):
        assert {call.name for call in expressions.calls(expression)} <= manifest().functions.keys()


FORMS = {action.id: action.sent for action in catalog().values()}
FORMS |= {trigger.id: trigger.filters for trigger in manifest().triggers.values()}


def with_keyword(node: Any, keyword: str) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from with_keyword(item, keyword)
    elif isinstance(node, dict):
        if keyword in node:
            yield node
        for item in node.values():
            yield from with_keyword(item, keyword)


@pytest.mark.parametrize("name", FORMS)
def test_fields_depend_on_fields_that_exist(name):
    for node in with_keyword(FORMS[name], "x-depends-on"):
        source, depended_on = pick_list(node), node["x-depends-on"]
        assert source
        assert all(field_paths.find(FORMS[name], path) for path in depended_on)
        if source.needs:  # the last one may be the key of a free-form object
            assert len(source.needs) - len(depended_on) in {0, 1}
        else:
            assert len(depended_on) <= len(source.by)
    for node in with_keyword(FORMS[name], "x-pick-list"):
        assert node["x-options"] == PICK_LISTS[node["x-pick-list"]]


def test_every_pick_list_is_used():
    used = [rule["x-options"] for schema in FORMS.values() for rule in with_keyword(schema, "x-options")]
    assert [name for name, entry in PICK_LISTS.items() if entry not in used] == []


@each_action
def test_every_pattern_has_an_error_message(name):
    def bare(node: Any) -> Iterator[Any]:
        if isinstance(node, list):
            for item in node:
                yield from bare(item)
        elif isinstance(node, dict):
            pattern = isinstance(node.get("pattern"), str) and "description" in node
            if pattern and not {"x-expected", "x-resource"} & node.keys():
                yield node
            for item in node.values():
                yield from bare(item)

    assert list(bare(read_json(f"{name}.json")["input"])) == []


def test_the_events_match_calendlys():
    known = OPENAPI["components"]["schemas"]["WebhookEventType"]["enum"]
    assert len(known) == 14
    assert sorted(CALENDLY_EVENTS) == sorted(known)
    assert sorted(CARD["triggers"]) == EVENTS
    assert sorted(read_json("shapes/webhook_event_type.json")["enum"]) == sorted(known)


@pytest.mark.parametrize("event", EVENTS)
def test_each_event_is_fully_declared(event):
    trigger = fits(TriggerSpec, {"id": event, **CARD["triggers"][event]})
    assert set(trigger.subscriptions) <= {"organization", "user", "group"}
    assert set(trigger.scopes) <= SCOPES
    file = read_json(f"events/{event}.json")
    assert list(file) == ["$schema", "title", "description", "payload", "examples"]
    Draft202012Validator.check_schema(trigger.payload)
    assert trigger.description.endswith(".")
    assert trigger.examples
    for message in trigger.examples:
        assert message["event"] == event
        assert validation_errors(trigger.payload, message["payload"]) == []


@pytest.mark.parametrize("file", sorted((REFERENCE / "payloads" / "webhooks").glob("*.*.json")), ids=str)
def test_reference_messages_match_the_schema_of_their_event(file):
    message = json.loads(file.read_bytes())
    assert validation_errors(manifest().triggers[message["event"]].payload, message["payload"]) == []


@pytest.mark.parametrize("event", EVENTS)
def test_filters_of_an_event_can_be_shown_and_chosen(event):
    trigger = manifest().triggers[event]
    Draft202012Validator.check_schema(trigger.filters)
    assert trigger.filters["additionalProperties"] is False
    assert trigger.polling_gaps.endswith(".")
    for rule in trigger.filters["properties"].values():
        assert rule["description"].endswith(".")
        assert has_names(rule) is ("x-resource" in rule)


def test_every_file_of_filters_is_used():
    used = {trigger.filter_schema for trigger in manifest().triggers.values()}
    assert sorted(used) == names_in("schemas", ".json", "filters")


def test_a_joined_event_has_the_same_requirements_as_its_parts():
    for entry in CARD["triggers"].values():
        for one in entry.get("sources", []):
            part = CARD["triggers"][one]
            assert "sources" not in part
            assert part["subscriptions"] == entry["subscriptions"]
            assert part["scopes"] == entry["scopes"]


@pytest.mark.parametrize("event", CALENDLY_EVENTS)
@pytest.mark.parametrize("scope", ["organization", "user", "group"])
def test_only_subscriptions_with_missing_scopes_are_rejected(event, scope):
    action = catalog()["webhook_subscriptions.create"]
    values = {**action.examples[0]["input"], "events": [event], "scope": scope}
    values |= {"user": f"{CARD['origin']}/users/U", "group": f"{CARD['origin']}/groups/G"}
    assert (validation_errors(action.sent, values) == []) is (
        scope in CARD["triggers"][event]["subscriptions"]
    )
