"""The standard suite of recipes: rules that every action of several calls must follow."""

import re

import pytest
import yaml
from calendly_connector.catalog.manifest import catalog
from calendly_connector.errors import CalendlyError, InvalidParams, NoAnswer, PermissionDenied
from jsonschema import Draft202012Validator
from locations import CASSETTES

from record import NOW, recorder

RECIPES = [action for action in catalog().values() if action.recipe]
RECORDED_HEADERS = {"accept", "content-type"}
each_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.id)
each_read = pytest.mark.parametrize(
    "recipe",
    [recipe for recipe in RECIPES if recipe.effect == "read" and recipe.steps],
    ids=lambda recipe: recipe.id,
)
each_required_input = pytest.mark.parametrize(
    ("recipe", "name"),
    [(recipe, name) for recipe in RECIPES for name in recipe.input.get("required", ())],
    ids=lambda value: getattr(value, "id", value),
)


def example(recipe):
    return dict(recipe.examples[0]["input"])


def assert_fits(recipe, result):
    """Check that a result has the right kind, and validate its records with another library."""
    assert result.action == recipe.id
    assert (result.record is None) == (recipe.returns != "one")
    records = [result.record] if recipe.returns == "one" else result.records
    validator = Draft202012Validator(recipe.output)
    assert [error.message for record in records for error in validator.iter_errors(record)] == []
    assert result.warnings == ()


def patterns(recipe):
    """Return the request lines that the declared steps may send, as patterns."""
    for step in {*recipe.steps, "users.me"}:
        path = re.sub(r"\{\w+\}", "[^/]+", catalog()[step].path)
        yield re.compile(f"{catalog()[step].method} {path}")


@pytest.fixture
def suitable_sandbox(request, recipe):
    """Return a sandbox that the recipe may change, or the shared one for reads."""
    return request.getfixturevalue("sandbox" if recipe.effect == "read" else "fresh_sandbox")


@each_recipe
def test_the_example_runs_and_every_record_passes_the_schema(recipe, suitable_sandbox, connect):
    connection = connect(suitable_sandbox)
    assert_fits(recipe, connection.run(recipe.id, example(recipe), all_pages=True))


@each_recipe
def test_every_name_of_a_recipe_runs_it(recipe, sandbox, connect):
    for alias in recipe.aliases:
        assert connect(sandbox).preview(alias, example(recipe))["action"] == recipe.id


@each_recipe
def test_a_recipe_only_calls_its_steps_and_counts_its_requests(recipe, fresh_sandbox, connect):
    result = connect(fresh_sandbox).run(recipe.id, example(recipe), all_pages=True)
    sent = [f"{one['method']} {one['path']}" for one in fresh_sandbox.requests()["requests"]]
    allowed = list(patterns(recipe))
    assert [line for line in sent if not any(pattern.fullmatch(line) for pattern in allowed)] == []
    assert result.calls in {len(sent), len(sent) - 1}  # functions may have read the user


@each_recipe
def test_the_preview_needs_no_network(recipe, unvisited, connect):
    shown = connect(unvisited).preview(recipe.id, example(recipe))
    assert (shown["action"], shown["steps"]) == (recipe.id, list(recipe.steps))
    assert shown["inputs"].items() >= example(recipe).items()


@each_recipe
def test_the_recording_replays_without_a_network(recipe, connect):
    with recorder("none").use_cassette(str(CASSETTES / f"{recipe.id}.yaml")) as cassette:
        connection = connect("http://127.0.0.1", token="another-token", clock=NOW.timestamp)
        result = connection.run(recipe.id, example(recipe))
    assert_fits(recipe, result)
    assert cassette.all_played


@each_recipe
def test_the_recording_contains_no_secrets_no_people_and_only_allowed_headers(recipe):
    text = (CASSETTES / f"{recipe.id}.yaml").read_text(encoding="utf-8")
    for exchange in yaml.safe_load(text)["interactions"]:
        assert re.match(r"http://127\.0\.0\.1/|https://api\.calendly\.com/", exchange["request"]["uri"])
        assert {name.lower() for name in exchange["request"]["headers"]} <= RECORDED_HEADERS
    assert not re.search(r"authorization|bearer|sandbox-|eyJ", text, re.IGNORECASE)
    mails = re.findall(r"[\w.+-]+(?:@|%40)[\w.-]+", text)
    assert all(re.split("@|%40", mail)[1] == "recorded.example" for mail in mails)


@each_recipe
def test_an_unknown_input_is_rejected_before_the_network(recipe, unvisited, connect):
    with pytest.raises(InvalidParams) as caught:
        connect(unvisited).run(recipe.id, {**example(recipe), "no_such_input": "x"})
    assert [problem.path for problem in caught.value.problems] == ["no_such_input"]


@each_required_input
def test_a_missing_required_input_is_rejected_before_the_network(recipe, name, unvisited, connect):
    inputs = example(recipe)
    del inputs[name]
    with pytest.raises(InvalidParams) as caught:
        connect(unvisited).run(recipe.id, inputs)
    assert name in {problem.path for problem in caught.value.problems}


@each_recipe
def test_a_missing_scope_is_named_in_the_error(recipe, sandbox, connect):
    if not recipe.scopes:  # it only computes
        assert connect(sandbox, token="sandbox-no-scopes").run(recipe.id, example(recipe)).record
        return
    with pytest.raises(PermissionDenied) as caught:
        connect(sandbox, token="sandbox-no-scopes").run(recipe.id, example(recipe))
    assert caught.value.reason == "scope"
    assert caught.value.required_scopes


@each_recipe
@pytest.mark.parametrize("status", [401, 403, 500])
def test_an_error_of_the_first_call_ends_the_recipe(recipe, status, faulty_sandbox, connect):
    faulty_sandbox.fault("status", status=status, times=1000)
    with pytest.raises(CalendlyError) as caught:
        connect(faulty_sandbox).run(recipe.id, example(recipe), all_pages=True)
    assert caught.value.status == status
    assert caught.value.fix


@each_read
def test_any_reply_to_a_read_may_be_lost_once(recipe, faulty_sandbox, connect):
    def run():
        result = connect(faulty_sandbox).run(recipe.id, example(recipe), all_pages=True)
        return result.record, result.records, result.complete

    whole = run()
    calls = len(faulty_sandbox.requests()["requests"])
    for earlier in range(calls):
        faulty_sandbox.fault("reset", after=earlier)
        assert run() == whole
        faulty_sandbox.control("DELETE", "/faults")


@each_read
def test_replies_that_stay_lost_end_a_read_with_an_error_that_may_be_retried(recipe, faulty_sandbox, connect):
    connect(faulty_sandbox).run(recipe.id, example(recipe), all_pages=True)
    calls = len(faulty_sandbox.requests()["requests"])
    for earlier in range(calls):
        faulty_sandbox.fault("reset", after=earlier, times=1000)
        with pytest.raises(NoAnswer) as caught:
            connect(faulty_sandbox).run(recipe.id, example(recipe), all_pages=True)
        assert caught.value.retryable
        assert not caught.value.may_have_happened
        faulty_sandbox.control("DELETE", "/faults")
