"""Print how long `iterate` takes, as a share of a bare loop in the same process: `in_process.py own|same`.

Both sides write the same JSON lines to a file. With `own`, the connector uses orjson, which comes
with it, and the bare loop uses the standard library. With `same`, both use orjson.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import requests
from calendly_connector.plugin import connector

from measure import BARE, ORGANIZATION, OURS, folder, lines, median_ratio, must_be_same, rounds

URL, TOKEN = os.environ["CALENDLY_API_URL"], os.environ["CALENDLY_API_TOKEN"]


class Json(NamedTuple):
    """A way to read and to write JSON."""

    loads: Callable[[bytes], Any]
    dumps: Callable[[Any], bytes]


STANDARD = Json(json.loads, lambda value: json.dumps(value).encode())
FAST = Json(orjson.loads, orjson.dumps)


def ours(path: Path) -> None:
    """Stream the list through a connection."""
    credential = {"kind": "personal_access_token", "token": TOKEN}
    inputs = {"organization": ORGANIZATION, "count": 100}
    with connector.connect(credential) as connection, path.open("wb") as file:
        for record in connection.iterate("scheduled_events.list", inputs):
            file.write(FAST.dumps(record) + b"\n")


def bare(path: Path, form: Json) -> None:
    """Follow the page tokens with a session."""
    query = {"organization": ORGANIZATION, "count": "100"}
    with requests.Session() as session, path.open("wb") as file:
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        while True:
            reply = session.get(f"{URL}/scheduled_events", params=query, timeout=30)
            page = form.loads(reply.content)
            for record in page["collection"]:
                file.write(form.dumps(record) + b"\n")
            token = page["pagination"]["next_page_token"]
            if not token:
                break
            query["page_token"] = token


def main() -> None:
    """Print the median ratio of alternated runs."""
    form = {"own": STANDARD, "same": FAST}[sys.argv[1]]
    with folder() as out:
        one, other = out / "ours.jsonl", out / "bare.jsonl"
        times = rounds({OURS: lambda: ours(one), BARE: lambda: bare(other, form)}, 15)
        must_be_same(lines(one), lines(other), BARE)
    print(median_ratio(times, OURS, BARE))


if __name__ == "__main__":
    main()
