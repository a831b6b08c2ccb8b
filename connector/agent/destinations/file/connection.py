"""Files as a destination."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ....errors import DestinationError, InvalidParams, Problem, UsageError
from ..connection import Destination, Page, Sent
from . import lines
from .folder import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ....contract import Params, Record
    from ..declarations import Declarations, DeclaredAction

_LONGEST_NAME = 200  # bytes; the files beside a file have longer ones


class FileDestination(Destination):
    """A connection to one folder."""

    def __init__(self, declarations: Declarations, credential: Mapping[str, str]) -> None:
        super().__init__(declarations, credential)
        if os.open not in os.supports_dir_fd:
            raise UsageError(
                "This system can't keep a flow's files inside a folder.", fix="Use Linux or macOS."
            )
        self._folder = Folder(Path(credential["path"]))

    def reach(self) -> str:
        """Look at the folder."""
        self._folder.reach()
        return f"The folder {self._folder.root} can be written to."

    def place(self, inputs: Params) -> str:
        return str(self._folder.root / inputs["path"])

    def problems(self, action: DeclaredAction, inputs: Params) -> Iterator[Problem]:
        """Yield names that are too long, and contents that are missing or don't fit the file."""
        path = inputs["path"]
        if any(len(name.encode()) > _LONGEST_NAME for name in path.split("/")):
            yield Problem("path", f"has a name of more than {_LONGEST_NAME} bytes")
        if action.id == "file.append":
            if ("record" in inputs) == ("records" in inputs):
                yield Problem("record", "is needed, or else records")
            elif any(lines.KEY in record for record in _records(inputs)) and "key" in inputs:
                yield Problem("record.key", "is where the input key is stored")
        if action.id == "file.write":
            if ("text" in inputs) == ("records" in inputs):
                yield Problem("text", "is needed, or else records")
            elif "records" in inputs and not path.endswith((".json", ".jsonl", ".csv")):
                yield Problem("path", "must end in .json, .jsonl or .csv for records")

    def send(self, action: DeclaredAction, inputs: Params) -> Sent:
        path = inputs["path"]
        if action.id == "file.append":
            return Sent({"path": path, "lines": self._append(action, inputs)})
        content = inputs["text"].encode() if "text" in inputs else lines.document(path, inputs["records"])
        with self._folder.locked():
            self._folder.write(path, content)
        return Sent({"path": path, "bytes": len(content)})

    def read(self, action: DeclaredAction, inputs: Params, token: str, count: int) -> Page:
        del action  # the only list
        path, start = inputs["path"], int(token or 0)
        with self._folder.locked():
            content = self._folder.content(path)
        found = (
            (number, record)
            for number, record in enumerate(_decoded(path, content, inputs.get("key")))
            if number >= start and lines.fits(record, inputs.get("where", {}))
        )
        page = list(islice(found, count))
        more = next(found, None)
        return Page([_found(path, record) for _, record in page], "" if more is None else str(more[0]))

    def _append(self, action: DeclaredAction, inputs: Params) -> int:
        """Append records unless the file has their key; return how many."""
        path, key = inputs["path"], inputs.get("key")
        records = _records(inputs)
        if key is not None:
            records = [{lines.KEY: key, **record} for record in records]
        with self._folder.locked():
            content = self._folder.content(path)
            if key is not None and next(_decoded(path, content, key), None) is not None:
                return 0
            try:
                header = lines.table(content)[0] if lines.is_csv(path) else None
                added = lines.encode(path, records, header)
            except ValueError as error:
                raise InvalidParams(
                    action.id, [Problem("record", str(error))], fix="Leave it out, or write to another file."
                ) from None
            missing_break = b"\n" if content and not content.endswith(b"\n") else b""
            self._folder.append(path, missing_break + added, len(content))
        return len(records)


def _records(inputs: Params) -> list[Record]:
    return [inputs["record"]] if "record" in inputs else list(inputs["records"])


def _decoded(path: str, content: bytes, key: str | None) -> Iterator[Record]:
    """Yield the records of a file, only those with a key if one is given. Raises DestinationError."""
    if key is not None and not lines.may_have_key(path, content, key):
        return
    try:
        for record in lines.decode(path, content):
            if key is None or record.get(lines.KEY) == key:
                yield record
    except ValueError as error:
        raise DestinationError(f"{path} can't be read: {error}.", fix="Correct or move the file.") from None


def _found(path: str, record: Record) -> Record:
    rest = {name: value for name, value in record.items() if name != lines.KEY}
    key = record.get(lines.KEY)
    return {"path": path, "key": key if isinstance(key, str) else None, "record": rest}
