"""Check replies against the connector's JSON schemas, the only connector files that the sandbox reads."""

import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import jsonschema_rs

from ..world.records import Record

_BASE = "sandbox:///"  # any absolute base: relative references between the files resolve against it


class ResponseChecker:
    """Validates records against the output schema of an action; actions without a schema pass."""

    def __init__(self, folder: Traversable) -> None:
        documents = dict(_documents(folder, _BASE))
        registry = jsonschema_rs.Registry(list(documents.items()))
        self._validators = {
            uri.removeprefix(_BASE).removesuffix(".json"): jsonschema_rs.Draft202012Validator(
                {"$ref": f"{uri}#/output"}, registry=registry
            )
            for uri, document in documents.items()
            if document.get("output") and "input" in document
        }

    def problem(self, action: str, body: Record) -> str | None:
        """Return the first problem of a reply's records, None if they are valid; `{}` has no record."""
        validator = self._validators.get(action)
        if validator is None:
            return None
        for record in body.get("collection", [body.get("resource", body or None)]):
            error = next(validator.iter_errors(record), None)
            if error is not None:
                where = "/".join(map(str, error.instance_path))
                return f"{action}: {where or 'record'}: {error.message}"
        return None


@cache
def response_checker() -> ResponseChecker:
    """Return the checker for the connector's own schemas, which all sandboxes share."""
    return ResponseChecker(files("calendly_connector.schemas"))


def _documents(folder: Traversable, base: str) -> list[tuple[str, Any]]:
    """Return (URI, JSON document) of each file in a folder and its subfolders."""
    documents = []
    for entry in folder.iterdir():
        if entry.is_dir():
            documents += _documents(entry, f"{base}{entry.name}/")
        elif entry.name.endswith(".json"):
            documents.append((base + entry.name, json.loads(entry.read_bytes())))
    return documents
