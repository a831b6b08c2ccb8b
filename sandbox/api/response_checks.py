"""Checks replies against the connector's JSON files: the only thing of the connector that is read here."""

import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import jsonschema_rs

from ..world.records import Record

_BASE = "sandbox:///"  # any absolute base: relative references between the files resolve against it


class ResponseChecker:
    """Knows the record schema of each action that has a file; other actions pass."""

    def __init__(self, folder: Traversable | None = None) -> None:
        documents = dict(_documents(folder or files("calendly_connector.schemas"), _BASE))
        registry = jsonschema_rs.Registry(list(documents.items()))
        self._validators = {
            uri.removeprefix(_BASE).removesuffix(".json"): jsonschema_rs.Draft202012Validator(
                {"$ref": f"{uri}#/output"}, registry=registry
            )
            for uri, document in documents.items()
            if document.get("output") and "input" in document
        }

    def problem(self, action: str, body: Record) -> str | None:
        """Say what is wrong with a reply's records, None if nothing is; `{}` holds no record."""
        validator = self._validators.get(action)
        if validator is None:
            return None
        for record in body.get("collection", [body.get("resource", body or None)]):
            error = next(validator.iter_errors(record), None)
            if error is not None:
                where = "/".join(map(str, error.instance_path))
                return f"{action}: {where or 'record'}: {error.message}"
        return None


def _documents(folder: Traversable, base: str) -> list[tuple[str, Any]]:
    """Give (URI, JSON document) of each file in a folder and those below it."""
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _documents(entry, f"{base}{entry.name}/")
        elif entry.name.endswith(".json"):
            found.append((base + entry.name, json.loads(entry.read_bytes())))
    return found
