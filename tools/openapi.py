"""Calendly's OpenAPI file: reading it, and finding operations and schemas in it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

import yaml

Schema = Mapping[str, Any]

REFERENCE: Final = Path(__file__).parent.parent / "tests" / "reference" / "calendly-api.2026-11.yaml"
"""The file that the tests compare the declarations and the sandbox with."""

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_LARGEST: Final = 20 * 1024 * 1024  # bytes
_TIMEOUT_S: Final = 30


class OpenApiError(ValueError):
    """The OpenAPI file can't be used; the message says why."""


class Operation(NamedTuple):
    """One operation of the file: `entry` is its part of the file, `shared` is that of its path."""

    method: str
    path: str
    entry: Mapping[str, Any]
    shared: Mapping[str, Any]

    @property
    def line(self) -> str:
        """The request line with unnamed ids, such as `GET /users/{}`."""
        return f"{self.method} {unnamed(self.path)}"


def load(source: str) -> dict[str, Any]:
    """Read an OpenAPI file from a path or an https address, without any credential.

    Raises OpenApiError if it can't be read or has no paths.
    """
    spec = parse(_fetched(source) if "://" in source else _read(source))
    if not isinstance(spec, dict) or not isinstance(spec.get("paths"), dict):
        raise OpenApiError(f"{source} isn't an OpenAPI file: it has no paths.")
    return spec


def parse(text: bytes) -> Any:
    """Parse YAML or JSON. Raises OpenApiError if the text is neither."""
    try:
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (yaml.YAMLError, RecursionError):
        raise OpenApiError("The file is neither YAML nor JSON.") from None


def operations(spec: Schema) -> Iterator[Operation]:
    """Yield the operations of Calendly's API; those of the authorization server are left out."""
    for path, methods in spec.get("paths", {}).items():
        if path.startswith("/oauth/"):
            continue  # another host
        for method, entry in methods.items():
            if method in _METHODS:
                yield Operation(method.upper(), path, entry, methods)


def parameters(operation: Operation, spec: Schema, place: str) -> Iterator[Schema]:
    """Yield the parameters of an operation in one place, `query` or `path`."""
    for reference in (*operation.shared.get("parameters", []), *operation.entry.get("parameters", [])):
        parameter = follow(reference, spec)
        if parameter.get("in") == place:
            yield parameter


def body(operation: Operation, spec: Schema) -> Schema:
    """Return the schema of the request body, `{}` if the operation has none."""
    return json_schema(follow(operation.entry.get("requestBody", {}), spec))


def reply(operation: Operation, spec: Schema) -> tuple[str, Schema]:
    """Return the status and the schema of the first documented success, `("", {})` if the file has none."""
    for status, reference in operation.entry.get("responses", {}).items():
        if str(status).startswith("2"):
            return str(status), follow(json_schema(follow(reference, spec)), spec)
    return "", {}


def record(envelope: Schema) -> Schema:
    """Return the schema of one record in a reply, without the envelope around it."""
    properties = envelope.get("properties", {})
    if "collection" in properties:
        envelope = properties["collection"].get("items", {})
    record: Schema = properties.get("resource", envelope)
    return record


def json_schema(content: Schema) -> Schema:
    """Return the JSON schema of a request body or a response."""
    schema: Schema = content.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def follow(schema: Schema, root: Schema) -> Schema:
    """Return a schema with its `$ref` replaced by the target; keywords beside the reference win."""
    seen: set[str] = set()
    while isinstance(schema.get("$ref"), str) and schema["$ref"] not in seen:
        seen.add(schema["$ref"])
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target.get(step, {}) if isinstance(target, dict) else {}
        schema = {**target, **{name: value for name, value in schema.items() if name != "$ref"}}
    return schema


def unnamed(path: str) -> str:
    """Return a path with `{}` for each id; their names differ between sources."""
    return "/".join("{}" if step.startswith("{") else step for step in path.split("/"))


def _read(source: str) -> bytes:
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise OpenApiError(f"{source} can't be read: {error.strerror}.") from None


def _fetched(address: str) -> bytes:
    if not address.startswith("https://"):
        raise OpenApiError("The address of an OpenAPI file must start with https://.")
    try:
        with urlopen(address, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - only https, see above
            content: bytes = answer.read(_LARGEST + 1)
    except (URLError, OSError, ValueError):
        raise OpenApiError(f"{address} can't be read. Check the address.") from None
    if len(content) > _LARGEST:
        raise OpenApiError(f"{address} is larger than 20 MiB.")
    return content
