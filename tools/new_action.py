"""Scaffold a new action from Calendly's OpenAPI file: its YAML entry, JSON schema and sandbox route."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import click
from calendly_connector.catalog.manifest import catalog
from calendly_connector.sandbox.operations.routes import ROUTES

import openapi
import scaffold_route
import scaffold_schema
from openapi import REFERENCE, OpenApiError, Operation, unnamed
from scaffold import Known, NewAction

ROOT: Final = Path(__file__).parent.parent

_WIDTH: Final = 110
_VERBS: Final = {"POST": "create", "PATCH": "update", "PUT": "update", "DELETE": "delete"}


def ids(operation: Operation) -> list[str]:
    """Return the ids that our convention allows for an operation: `resource.verb`, from its path."""
    words = [step for step in operation.path.split("/") if step and not step.startswith("{")]
    verb = _VERBS.get(operation.method) or ("get" if operation.path.endswith("}") else "list")
    resources = [words[-1]]
    if len(words) > 1:
        resources.append(f"{words[-2].removesuffix('s')}_{words[-1]}")
    return [f"{resource}.{verb}" for resource in resources]


def find_operation(action: str, spec: Mapping[str, Any], request: str = "") -> Operation:
    """Return the operation of an action id, or that of a request line such as `GET /shares`.

    Raises ValueError if the file has no such operation, or more than one.
    """
    known = list(openapi.operations(spec))
    if request:
        method, _, path = request.partition(" ")
        wanted = f"{method.upper()} {unnamed(path)}"
        found = [operation for operation in known if operation.line == wanted]
    else:
        found = [operation for operation in known if action in ids(operation)]
    if len(found) == 1:
        return found[0]
    if found:
        lines = ", ".join(operation.line for operation in found)
        raise ValueError(f"{action} can be one of {lines}. Choose with --request 'METHOD /path'.")
    if request:
        raise ValueError(f"The OpenAPI file has no operation {request!r}.")
    near = get_close_matches(action, [name for operation in known for name in ids(operation)], n=3)
    hint = f"Did you mean {', '.join(near)}? " if near else ""
    raise ValueError(
        f"No path in the OpenAPI file fits the id {action!r}. {hint}Otherwise pass --request 'METHOD /path'."
    )


def files(target: NewAction, known: Known, root: Path) -> dict[Path, str]:
    """Return the text of each file that an action needs, except the cassette."""
    schema = scaffold_schema.schema(target, known)
    entries = root / "actions" / f"{target.resource}.yaml"
    module = root / "sandbox" / "operations" / f"{_module(target.resource)}.py"
    title = target.resource.replace("_", " ").capitalize()
    before = _text(entries) or f"# {title}.\n"
    route = scaffold_route.route(target, schema, known)
    return {
        entries: f"{before}\n{scaffold_schema.entry(target, schema['output'])}",
        root / "schemas" / f"{target.id}.json": f"{pretty(schema)}\n",
        module: scaffold_route.inserted(_text(module), route, title),
    }


def pretty(value: Any, indent: int = 0, used: int = 0) -> str:
    """Return JSON in which whatever fits on a line is on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or used + len(line) < _WIDTH:
        return line
    pad, inner = " " * indent, " " * (indent + 2)
    if isinstance(value, list):
        items = [f"{inner}{pretty(item, indent + 2, indent + 2)}" for item in value]
        return "[\n" + ",\n".join(items) + f"\n{pad}]"
    items = []
    for name, item in value.items():
        key = f"{inner}{json.dumps(name)}: "
        items.append(key + pretty(item, indent + 2, len(key)))
    return "{\n" + ",\n".join(items) + f"\n{pad}}}"


def _module(resource: str) -> str:
    """Return the name of the module that serves a resource, or a new one named after it."""
    modules = (
        route.run.__module__.rpartition(".")[2]
        for route in ROUTES
        if route.action.partition(".")[0] == resource
    )
    return next(modules, resource)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def write(target: NewAction, known: Known, root: Path) -> Iterator[Path]:
    """Write the files of an action and yield their paths.

    Raises ValueError if the action exists already.
    """
    if target.id in known.catalog or (root / "schemas" / f"{target.id}.json").exists():
        raise ValueError(f"The action {target.id} exists already.")
    for path, text in files(target, known, root).items():
        path.write_text(text, encoding="utf-8")
        yield path


def _format(path: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "--quiet", "--select", "I", "--fix", str(path)], check=True)
    subprocess.run([*ruff, "format", "--quiet", str(path)], check=True)


@click.command()
@click.argument("action")
@click.option(
    "--request", default="", metavar="'METHOD /path'", help="The operation, if the id can't name it."
)
@click.option("--openapi", "source", default=str(REFERENCE), help="Default: the file in tests/reference/.")
def main(action: str, *, request: str, source: str) -> None:
    """Scaffold ACTION, such as shares.list, from Calendly's OpenAPI file."""
    try:
        spec = openapi.load(source)
        target = NewAction(action, find_operation(action, spec, request), spec)
        for path in write(target, Known(catalog()), ROOT):
            click.echo(f"wrote {path.relative_to(ROOT)}")
            if path.suffix == ".py":
                _format(path)
    except (OpenApiError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    if "externalDocs" not in target.operation.entry:
        click.echo("The link in `docs` is a guess: open it.")
    if target.resource not in {name.partition(".")[0] for name in catalog()}:
        click.echo(
            f"{target.resource} is new: add it to one of the groups in connector/catalog/manifest.yaml."
        )
    if about := target.operation.entry.get("description"):
        click.echo(f"\nThe file says: {about}")
    click.echo(
        f"\nNext:\n  1. Review the three files. Improve the descriptions, and the sandbox's route.\n"
        f"  2. make record {action}\n  3. make docs lint test"
    )


if __name__ == "__main__":
    main()
