"""How DBOS stores what runs do: as JSON, so that nothing from a shared database is unpickled."""

import json
from typing import Any, Final

from dbos import Serializer

_ERROR: Final = "__error__"


class JsonRecords(Serializer):
    """Plain JSON. A value that JSON doesn't know becomes text: losing the record would be worse."""

    def name(self) -> str:
        """Return the name that DBOS stores beside each record."""
        return "agent_json"

    def serialize(self, data: Any) -> str:
        """Return a value as JSON."""
        if isinstance(data, BaseException):
            data = {_ERROR: f"{type(data).__name__}: {data}"}
        return json.dumps(data, default=str, ensure_ascii=False, separators=(",", ":"))

    def deserialize(cls, serialized_data: str) -> Any:  # noqa: N805 - DBOS's own signature
        """Return the value of JSON."""
        data = json.loads(serialized_data)
        if isinstance(data, dict) and _ERROR in data:
            return RuntimeError(data[_ERROR])
        return data
