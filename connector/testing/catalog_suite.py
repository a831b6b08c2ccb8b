"""The suite for what a connector declares. It needs nothing but the connector: no server, no credential."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, get_args

import pytest

from ..contract import ActionInfo, Connector, Effect, Field, OutputField, Returns
from ..errors import UsageError
from . import form_check, icon_check
from .offline import no_network
from .schemas import Schema, at, field_types, item

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")


class _Form(NamedTuple):
    """A form of inputs: whose it is, its fields, and the schema of the values."""

    name: str
    fields: tuple[Field, ...]
    schema: Schema


class CatalogSuite:
    """Override `connector`."""

    @pytest.fixture
    def connector(self) -> Connector:
        """Return the connector under test."""
        raise NotImplementedError("override the fixture `connector` to return your connector")

    # Identity

    def test_the_manifest_says_who_the_connector_is(self, connector: Connector) -> None:
        manifest = connector.manifest
        assert _NAME.fullmatch(manifest.id), f"the id {manifest.id!r} isn't one of small letters"
        _described("the manifest", manifest, "name", "summary", "version")
        _linked("the manifest", manifest, "docs")

    def test_the_icon_is_a_square_svg_that_loads_and_runs_nothing(self, connector: Connector) -> None:
        _none(icon_check.svg_problems(connector.manifest.icon.svg))

    def test_the_icon_is_a_png_of_256_pixels(self, connector: Connector) -> None:
        _none(icon_check.png_problems(connector.manifest.icon.png))

    def test_reading_the_catalog_needs_no_network(
        self, connector: Connector, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        no_network(monkeypatch)
        assert connector.actions(), "the connector has no actions"
        for form in _forms(connector):
            assert form.fields is not None
        for _, fields, _ in _outputs(connector):
            assert fields is not None

    # Credentials and functions

    def test_credential_kinds_are_described(self, connector: Connector) -> None:
        assert connector.manifest.credentials, "the manifest has no kinds of credentials"
        for name, kind in connector.manifest.credentials.items():
            assert kind.id == name, f"the credential kind {name!r} has the id {kind.id!r}"
            _described(f"the credential kind {name!r}", kind, "title", "description")
            _linked(f"the credential kind {name!r}", kind, "page", "docs")
            assert not kind.fields or any(field.required for field in kind.fields), (
                f"{name}: no field is required"
            )
            assert "kind" not in {field.path for field in kind.fields}, f"{name}: `kind` isn't a field"

    def test_only_kinds_that_need_it_have_a_sign_in(self, connector: Connector) -> None:
        for name, kind in connector.manifest.credentials.items():
            if kind.needs_sign_in:
                assert connector.oauth(name), name
            else:
                with pytest.raises(UsageError):
                    connector.oauth(name)

    def test_functions_are_written_as_their_examples_show(self, connector: Connector) -> None:
        for name, function in connector.manifest.functions.items():
            assert function.name == name, f"the function {name!r} has the name {function.name!r}"
            _described(f"the function {name!r}", function, "description", "example_value")
            form = rf"~\{{{re.escape(name)}(\([^(){{}}]*\))?(?P<offset>[+-]\w+)?\}}~"
            written = re.fullmatch(form, function.example)
            assert written, f"{name}: its example {function.example!r} isn't written ~{{{name}}}~"
            assert function.takes_offset or not written["offset"], f"{name}: its example has an offset"

    # Actions and triggers

    def test_actions_and_triggers_are_described(self, connector: Connector) -> None:
        for name, action in connector.actions().items():
            assert action.id == name, f"the action {name!r} has the id {action.id!r}"
            _described(f"the action {name!r}", action, "title", "description")
            _linked(f"the action {name!r}", action, "docs")
            assert action.returns in get_args(Returns), f"{name}: returns {action.returns!r}"
            assert action.effect in get_args(Effect), f"{name}: has the effect {action.effect!r}"
            assert bool(action.request) != bool(action.steps), f"{name}: needs either a request or steps"
        for name, trigger in connector.manifest.triggers.items():
            assert trigger.id == name, f"the trigger {name!r} has the id {trigger.id!r}"
            _described(f"the trigger {name!r}", trigger, "title", "description", "polling_gaps")

    def test_an_id_names_one_action_or_trigger(self, connector: Connector) -> None:
        actions, triggers = connector.actions(), connector.manifest.triggers
        _none(f"{name!r} is both an action and a trigger" for name in actions.keys() & triggers.keys())
        _none(
            f"{name}: its alias {alias!r} is the id of another"
            for name, action in actions.items()
            for alias in action.aliases
            if alias in actions or alias in triggers
        )

    def test_steps_are_actions(self, connector: Connector) -> None:
        _none(
            f"{name}: its step {step!r} isn't an action"
            for name, action in connector.actions().items()
            for step in action.steps
            if step not in connector.actions()
        )

    def test_hints_agree_with_effects(self, connector: Connector) -> None:
        for name, action in connector.actions().items():
            reads, destroys = action.effect == "read", action.effect == "destroy"
            hints = action.hints
            assert hints.get("readOnlyHint") == reads, f"{name}: readOnlyHint doesn't fit {action.effect!r}"
            assert hints.get("destructiveHint") == destroys, (
                f"{name}: destructiveHint doesn't fit {action.effect!r}"
            )
            assert action.safe_to_repeat or not reads, f"{name}: it only reads, so it is safe to repeat"

    def test_look_ups_are_reads_and_compare_inputs_of_the_write(self, connector: Connector) -> None:
        _none(
            f"{name}: its look-up {problem}"
            for name, action in connector.actions().items()
            for problem in _look_up_problems(action, connector.actions())
        )

    def test_groups_have_every_action_and_trigger_once(self, connector: Connector) -> None:
        groups = connector.manifest.groups
        for group in groups:
            _described(f"the group {group.id!r}", group, "title", "description")
        _none(f"{times} groups have the id {name!r}" for name, times in _repeated(one.id for one in groups))
        for what, known, grouped in (
            ("action", connector.actions(), list(_flat(group.actions for group in groups))),
            ("trigger", connector.manifest.triggers, list(_flat(group.triggers for group in groups))),
        ):
            _none(f"the {what} {name!r} is in no group" for name in sorted(known.keys() - set(grouped)))
            _none(
                f"a group has {name!r}, which isn't a known {what}" for name in grouped if name not in known
            )
            _none(f"the {what} {name!r} is in {times} groups" for name, times in _repeated(grouped))

    # Forms

    def test_forms_can_be_drawn(self, connector: Connector) -> None:
        kinds = connector.manifest.credentials.items()
        forms = [(form.name, form.fields) for form in _forms(connector)]
        forms += [(f"credential {name}", kind.fields) for name, kind in kinds]
        _none(_flat(form_check.drawing_problems(*form) for form in forms))
        _none(_flat(form_check.dependency_problems(*form) for form in forms))

    def test_forms_have_a_field_for_every_input(self, connector: Connector) -> None:
        _none(_flat(form_check.missing_inputs(*form, form.schema) for form in _forms(connector)))

    def test_no_secret_is_in_a_form_of_inputs(self, connector: Connector) -> None:
        _none(_flat(form_check.secret_fields(*form, form.schema) for form in _forms(connector)))

    def test_fields_agree_with_their_schemas(self, connector: Connector) -> None:
        _none(_flat(form_check.schema_problems(*form, form.schema) for form in _forms(connector)))

    # Outputs and examples

    def test_outputs_are_values_of_the_record(self, connector: Connector) -> None:
        _none(
            f"{name}: {problem}"
            for name, fields, schema in _outputs(connector)
            for problem in _output_problems(fields, schema)
        )

    def test_columns_are_values_of_the_record(self, connector: Connector) -> None:
        _none(
            f"{name}: the column {column.path!r} isn't in the schema of the output"
            for name, action in connector.actions().items()
            for column in action.columns
            if not _has_values(column.path, action.output)
        )

    def test_output_examples_come_from_the_example(self, connector: Connector) -> None:
        for name, action in connector.actions().items():
            examples = [example["output"] for example in action.examples]
            for field in action.outputs:
                values = [value for one in examples for value in _values(field.path.split("."), one)]
                if field.example is not None:
                    assert field.example in values, (
                        f"{name}: {field.path} has no {field.example!r} in the example"
                    )

    def test_examples_fit_their_schemas(self, connector: Connector) -> None:
        for name, action in connector.actions().items():
            assert action.examples, f"{name}: it has no example"
            for example in action.examples:
                _none(
                    f"{name}: the input of the example {text}"
                    for text in misfits(example["input"], action.input)
                )
                if action.returns != "none":
                    _none(
                        f"{name}: the output of the example {text}"
                        for text in misfits(example["output"], action.output)
                    )
        for name, trigger in connector.manifest.triggers.items():
            assert trigger.examples, f"{name}: it has no example"

    def test_declarations_are_json(self, connector: Connector) -> None:
        for name, action in connector.actions().items():
            for values in (action.input, action.output, list(action.examples)):
                assert json.loads(json.dumps(values)) == values, f"{name}: not JSON"


def misfits(value: Any, schema: Schema) -> Iterator[str]:
    """Yield where a value doesn't fit a schema."""
    import jsonschema

    validator = jsonschema.Draft202012Validator(schema)
    for error in validator.iter_errors(value):
        yield f"doesn't fit its schema at {error.json_path}: {error.message}"


def _forms(connector: Connector) -> Iterator[_Form]:
    for name, action in connector.actions().items():
        yield _Form(name, action.fields, action.input)
    for name, trigger in connector.manifest.triggers.items():
        yield _Form(name, trigger.fields, trigger.filters)


def _outputs(connector: Connector) -> Iterator[tuple[str, tuple[OutputField, ...], Schema]]:
    for name, action in connector.actions().items():
        if action.returns != "none":
            yield name, action.outputs, action.output
    for name, trigger in connector.manifest.triggers.items():
        yield name, trigger.outputs, trigger.payload


def _look_up_problems(action: ActionInfo, actions: Mapping[str, ActionInfo]) -> Iterator[str]:
    look_up = action.look_up
    if look_up is None:
        return
    if action.effect == "read":
        yield "has no use, because it only reads"
    if look_up.action not in actions:
        yield f"runs {look_up.action!r}, which isn't an action"
    elif actions[look_up.action].effect != "read":
        yield f"runs {look_up.action!r}, which doesn't only read"
    paths = {field.path for field in form_check.walk(action.fields)}
    for path in look_up.by:
        if path not in paths:
            yield f"compares {path!r}, which isn't an input"
    if look_up.expects not in {"record", "change", "absence"}:
        yield f"expects {look_up.expects!r}"
    if not look_up.description:
        yield "has no description"


def _output_problems(fields: tuple[OutputField, ...], schema: Schema) -> Iterator[str]:
    if not fields:
        yield "it has no outputs"
    for path, times in _repeated(field.path for field in fields):
        yield f"{times} outputs have the path {path!r}"
    for field in fields:
        if not field.title.strip():
            yield f"the output {field.path} has no title"
        rule = at(field.path, schema, schema)
        if rule is None:
            yield f"the output {field.path!r} isn't in the schema"
            continue
        types = field_types(item(rule, schema) or rule, schema)
        if types and field.type not in types:
            yield f"the output {field.path} has the type {field.type}, not {' or '.join(sorted(types))}"


def _has_values(path: str, schema: Schema) -> bool:
    """Return whether a schema has values at a path in which a list stands for each of its items."""
    rule: Schema | None = schema
    for part in path.split("."):
        rule = at(part, (rule and item(rule, schema)) or rule or {}, schema)
        if rule is None:
            return False
    return True


def _values(parts: list[str], value: Any) -> Iterator[Any]:
    if not parts:
        yield value
        return
    name, *rest = parts
    found = value.get(name.removesuffix("[]")) if isinstance(value, dict) else None
    for one in found or () if name.endswith("[]") else [found]:
        yield from _values(rest, one)


def _described(what: str, described: object, *names: str) -> None:
    for name in names:
        assert str(getattr(described, name)).strip(), f"{what} has no {name}"


def _linked(what: str, linked: object, *names: str) -> None:
    for name in names:
        address = getattr(linked, name)
        assert address.startswith("https://"), f"{what}: {name} is {address!r}, not an https address"


def _flat(groups: Iterable[Iterable[str]]) -> Iterator[str]:
    for group in groups:
        yield from group


def _repeated(names: Iterable[str]) -> list[tuple[str, int]]:
    return [(name, times) for name, times in Counter(names).items() if times > 1]


def _none(problems: Iterable[str]) -> None:
    """Fail with all problems, a line for each."""
    found = list(problems)
    assert not found, "\n".join(found)
