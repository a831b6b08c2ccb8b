"""What a task passes on: an XCom of limited size, or a JSON Lines file whose path is in the XCom."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from airflow.sdk import ObjectStoragePath, conf

from ...contract import Record
from ...errors import ResultTooLarge

MAX_XCOM_BYTES: Final = 512 * 1024
MAX_EVENTS: Final = conf.getint("core", "max_map_length", fallback=1024)  # Airflow maps over no more


def check_size(value: Any, max_bytes: int) -> Any:
    """Return the value unchanged. Raises ResultTooLarge if it doesn't fit into an XCom."""
    import orjson

    size = len(orjson.dumps(value))
    if size > max_bytes:
        raise ResultTooLarge(
            f"The result has {size:,} bytes; the maximum for an XCom is {max_bytes:,}.",
            fix="Set output_path= to write a file, set limit=, or raise most_xcom_bytes=.",
        )
    return value


def count_fitting(values: Sequence[Any], limit: int, max_bytes: int) -> int:
    """Return how many of the first values fit into an XCom. Raises ResultTooLarge if not even one does."""
    import orjson

    size = len("[]")
    for count, value in enumerate(values[:limit]):
        size += len(orjson.dumps(value)) + len(",")
        if size > max_bytes and count > 0:
            return count
        if size > max_bytes:
            raise ResultTooLarge(
                f"One event has {size:,} bytes; the maximum for an XCom is {max_bytes:,}.",
                fix="Raise most_xcom_bytes=.",
            )
    return min(limit, len(values))


def write_json_lines(path: str, pages: Iterable[Iterable[Record]]) -> int:
    """Write records as JSON Lines and return their number. The file appears under its path when complete."""
    import orjson

    target = ObjectStoragePath(path)
    part = target.parent / f"{target.name}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    try:
        with part.open("wb") as file:
            for page in pages:
                lines = [orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in page]
                file.write(b"".join(lines))
                count += len(lines)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return count
