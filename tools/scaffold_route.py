"""The sandbox's route for a new action: a minimal one that works, for the author to extend. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from openapi import body, follow, parameters
from scaffold import PUBLIC, Known, NewAction
from scaffold_schema import example, inlined

_HONEST: Final = {
    "many": "the list is always empty",
    "one": "the reply is the example, and nothing is stored",
    "none": "nothing changes",
}
_IN_QUERY: Final = {"boolean": "boolean", "date-time": "moment", "email": "email"}
_IN_BODY: Final = {"boolean": "boolean", "date-time": "MOMENT", "email": "EMAIL", "date": "day"}
_PLAIN: Final = ({"type": "string"}, {"type": "integer"}, {"type": "boolean"})
_QUERY, _BODY, _CALLS = "..api.parameters", "..api.body_schema", "..api.calls"


class RouteSource(NamedTuple):
    """Python source of a route: its imports, its functions and its row of the table."""

    imports: str
    functions: str
    row: str


class _RouteWriter:
    """Writes expressions, and collects what they import."""

    def __init__(self, target: NewAction, schema: Mapping[str, Any], known: Known) -> None:
        self.target = target
        self.schema = schema
        self.known = known
        self.imports: dict[str, set[str]] = {}

    def use(self, module: str, name: str) -> str:
        self.imports.setdefault(module, set()).add(name)
        return name

    def answer(self, example_of: str) -> tuple[str, Iterator[str]]:
        """Return the type that the route returns, and its statements."""
        target = self.target
        if target.returns == "many":
            kind = "PagedList" if target.paginated else "FullList"
            rows = f"{self.use('..world.listings', 'InMemoryListing')}([])" if target.paginated else "[]"
            beside = self._beside()
            return self.use(_CALLS, kind), self._statements(f"return {kind}({rows}{beside})")
        if target.returns == "none":
            empty = target.status != 204  # noqa: PLR2004 - HTTP
            kind = self.use(_CALLS, "RawBody" if empty else "NoContent")
            value = f"RawBody({{}}, status={target.status})" if empty else "NoContent()"
            return kind, self._statements(f"return {value}")
        kind = self.use(_CALLS, "RawBody" if target.bare else "SingleRecord")
        value = f"{example_of}(call.world.uris.origin)"
        if echoed := self._echoed():
            names = ", ".join(f'"{name}"' for name in echoed)
            value += f" | {{name: call.body[name] for name in ({names},) if name in call.body}}"
        status = "" if target.status == 200 else f", status={target.status}"  # noqa: PLR2004 - HTTP
        return kind, self._statements(f"return {kind}({value}{status})")

    def _statements(self, last: str) -> Iterator[str]:
        if self.target.path_ids:
            self.use("..", "errors")
            known = self.schema["examples"][0]["input"][self.target.path_ids[-1]]
            yield f'if call.ids["{self.target.path_ids[-1]}"] != "{known}":'
            yield "    raise errors.not_found()"
        yield last

    def _beside(self) -> str:
        """Return what the reply says beside the records, as an argument."""
        properties = self.target.envelope["properties"]
        beside = {
            name: example(inlined(rule, self.target.spec, shapes=False), {}, name)
            for name, rule in properties.items()
            if name not in {"collection", "pagination"}
        }
        if "pagination" in properties and not self.target.paginated:
            self.use("..api.paging", "NO_OTHER_PAGE")
            return ', {"pagination": {"count": 0, **NO_OTHER_PAGE}}'
        return f", {literal(beside)}" if beside else ""

    def _echoed(self) -> list[str]:
        """Return the inputs that the reply repeats as they were sent."""
        record = self.schema["examples"][0]["output"]
        inputs = self.schema["input"]["properties"]
        sent = follow(body(self.target.operation, self.target.spec), self.target.spec).get("properties", {})
        plain = (name for name in sent if {k: v for k, v in inputs[name].items() if k == "type"} in _PLAIN)
        return [name for name in plain if name in record and "format" not in inputs[name]]

    def parameter(self, name: str, *, required: bool) -> str:
        rule = self.schema["input"]["properties"][name]
        several = f", max_count={rule.get('maxItems', 100)}" if rule.get("type") == "array" else ""
        needed = ", required=True" if required else ""
        reader = self._reader(name, rule.get("items", rule))
        return f'{self.use(_QUERY, "Parameter")}("{name}", {reader}{needed}{several})'

    def _reader(self, name: str, rule: Mapping[str, Any]) -> str:
        if name == "sort" and "enum" in rule:
            fields = ", ".join(dict.fromkeys(literal(value.partition(":")[0]) for value in rule["enum"]))
            return f"{self.use(_QUERY, 'sort')}({fields})"
        if "enum" in rule:
            return f"{self.use(_QUERY, 'choice')}({', '.join(map(literal, rule['enum']))})"
        if isinstance(rule.get("x-resource"), str):
            return f'{self.use(_QUERY, "uri")}("{self.known.collection(rule["x-resource"])}")'
        if rule.get("type") == "integer":
            return f"{self.use(_QUERY, 'integer')}({rule.get('minimum', 0)}, {rule.get('maximum', 999_999)})"
        return self.use(_QUERY, _IN_QUERY.get(rule.get("format", rule.get("type", "")), "text"))

    def form(self, rule: Mapping[str, Any], names: Iterator[str], needed: list[str]) -> str:
        """Return the schema of a body, or of an object inside."""
        self.use(_BODY, "BodyField")
        fields = "".join(
            f'BodyField("{name}", {self._rule(rule["properties"][name])}'
            f"{', required=True' if name in needed else ''}"
            f"{', nullable=True' if _nullable(rule['properties'][name]) else ''}), "
            for name in names
        )
        fewest = f", min_fields={rule['minProperties']}" if rule.get("minProperties") else ""
        return f"{self.use(_BODY, 'BodySchema')}(({fields}){fewest})"

    def _rule(self, rule: Mapping[str, Any]) -> str:
        for key in ("oneOf", "anyOf"):
            if key in rule:
                return self._rule(next(choice for choice in rule[key] if choice.get("type") != "null"))
        kinds = rule.get("type", "object")
        kind = kinds if isinstance(kinds, str) else next(kind for kind in kinds if kind != "null")
        values = rule.get("enum", [rule["const"]] if "const" in rule else None)
        if values:
            return f"{self.use(_BODY, 'one_of')}({', '.join(literal(v) for v in values if v is not None)})"
        if isinstance(rule.get("x-resource"), str):
            return f'{self.use(_BODY, "uri")}("{self.known.collection(rule["x-resource"])}")'
        if kind == "array":
            limits = _limits(min_items=rule.get("minItems"), max_items=rule.get("maxItems"))
            return f"{self.use(_BODY, 'array')}({self._rule(rule['items'])}{limits})"
        if kind == "object":
            inner = self.form(rule, iter(rule.get("properties", {})), rule.get("required", []))
            return f"{self.use(_BODY, 'object_of')}({inner})"
        if kind in {"integer", "number"}:
            return f"{self.use(_BODY, 'integer')}({rule.get('minimum')}, {rule.get('maximum')})"
        known = _IN_BODY.get(rule.get("format", kind))
        if known:
            return self.use(_BODY, known)
        limits = _limits(min_length=rule.get("minLength"), max_length=rule.get("maxLength"))
        return f"{self.use(_BODY, 'text')}({limits.removeprefix(', ')})"


def route(target: NewAction, schema: Mapping[str, Any], known: Known) -> RouteSource:
    """Return the source of a route. `schema` is the content of the action's JSON file."""
    writer = _RouteWriter(target, schema, known)
    name, example_of = target.function, f"_{target.function}_example"
    kind, statements = writer.answer(example_of)
    body_of = "".join(f"    {line}\n" for line in statements)
    argument = "call" if "call." in body_of else "_call"
    functions = (
        f"def {name}({argument}: {writer.use(_CALLS, 'ApiCall')}) -> {kind}:\n"
        f'    """{schema["title"]}. Scaffold: {_HONEST[target.returns]}."""\n{body_of}\n\n'
    )
    if target.returns == "one":
        record = literal(schema["examples"][0]["output"])
        origin = "origin" if "{origin}" in record else "_origin"
        functions += (
            f"def {example_of}({origin}: str) -> {writer.use('..world.records', 'Record')}:\n"
            f"    return {record}\n\n\n"
        )
    row = _row(writer, name)
    return RouteSource(_imports(writer.imports), functions, row)


def _row(writer: _RouteWriter, name: str) -> str:
    target = writer.target
    scopes = ", ".join(f'"{scope}"' for scope in target.operation.entry["x-required-scopes"])
    parts = [f'"{target.operation.method} {target.path}"', f'"{target.id}"', f"({scopes},)", name]
    asked = parameters(target.operation, target.spec, "query")
    paging = [f"*{writer.use(_QUERY, 'PAGING')}"] if target.paginated else []
    query = [
        writer.parameter(parameter["name"], required=parameter.get("required", False))
        for parameter in asked
        if not (paging and parameter["name"] in {"count", "page_token"})
    ]
    if query or paging:
        parts.append(f"({', '.join([*query, *paging])},)")
    sent = follow(body(target.operation, target.spec), target.spec)
    if sent:
        rules = {**writer.schema["input"], "minProperties": sent.get("minProperties")}
        parts.append(f"body={writer.form(rules, iter(sent['properties']), sent.get('required', []))}")
    if target.plan:
        parts.append("paid=True")
    return f"{writer.use(_CALLS, 'Route')}({', '.join(parts)}),"


def _imports(names: Mapping[str, set[str]]) -> str:
    return "".join(f"from {module} import {', '.join(sorted(of))}\n" for module, of in names.items())


def literal(value: Any) -> str:
    """Return a JSON value as Python source; a URI starts with the sandbox's own origin."""
    if isinstance(value, str) and value.startswith(PUBLIC):
        return f'f"{{origin}}{value.removeprefix(PUBLIC)}"'
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{literal(name)}: {literal(item)}' for name, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return repr(value)


def _limits(**limits: int | None) -> str:
    return "".join(f", {name}={limit}" for name, limit in limits.items() if limit is not None)


def _nullable(rule: Mapping[str, Any]) -> bool:
    kinds = rule.get("type", "")
    choices = [*rule.get("oneOf", []), *rule.get("anyOf", [])]
    return kinds == "null" or (isinstance(kinds, list) and "null" in kinds) or any(map(_nullable, choices))


def inserted(module: str, new: RouteSource, title: str) -> str:
    """Return a module of `sandbox/operations/` with a route added; an empty text becomes a new module.

    Raises ValueError if the module doesn't end with its table.
    """
    if not module:
        module = f'"""{title}."""\n\n\nROUTES = (\n)\n'
    head, table, rows = module.rpartition("\nROUTES = (\n")
    if not table or not rows.endswith(")\n"):
        raise ValueError("The module doesn't end with ROUTES.")
    docstring, quotes, rest = head.partition('"""\n')
    return (
        f"{docstring}{quotes}\n{new.imports}{rest.lstrip(chr(10))}\n{new.functions}"
        f"ROUTES = (\n{rows.removesuffix(')' + chr(10))}{new.row}\n)\n"
    )
