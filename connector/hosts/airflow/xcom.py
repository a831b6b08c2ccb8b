"""What a task hands on: by XCom within a size, or as a file of JSON lines that XCom has the path of."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from airflow.sdk import ObjectStoragePath, conf

from ...contract import Record
from ...errors import ResultTooLarge

MOST_XCOM_BYTES: Final = 512 * 1024
MOST_EVENTS: Final = conf.getint("core", "max_map_length", fallback=1024)  # more cannot be mapped over


def fitting(value: Any, most_bytes: int) -> Any:
    """Give what goes into an XCom, or refuse what is too large for one. Raises ResultTooLarge."""
    import orjson

    size = len(orjson.dumps(value))
    if size > most_bytes:
        raise ResultTooLarge(
            f"The result takes {size:,} bytes; {most_bytes:,} may go into an XCom.",
            fix="Give output_path= for a file, a limit=, or raise most_xcom_bytes=.",
        )
    return value


def how_many_fit(values: Sequence[Any], limit: int, most_bytes: int) -> int:
    """Count the first values that fit into one XCom. Raises ResultTooLarge if not even one does."""
    import orjson

    size = len("[]")
    for count, value in enumerate(values[:limit]):
        size += len(orjson.dumps(value)) + len(",")
        if size > most_bytes and count > 0:
            return count
        if size > most_bytes:
            raise ResultTooLarge(
                f"One event takes {size:,} bytes; {most_bytes:,} may go into an XCom.",
                fix="Raise most_xcom_bytes=.",
            )
    return min(limit, len(values))


def write_lines(path: str, pages: Iterable[Iterable[Record]]) -> int:
    """Write records as JSON lines, and give how many; nothing stands under the path before all are there."""
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
