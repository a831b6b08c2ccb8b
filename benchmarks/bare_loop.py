"""The baseline: read every page with a bare requests session, write JSON lines with the standard library."""

import json
import os
import sys

import requests

session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['CALENDLY_API_TOKEN']}"
query = {"organization": sys.argv[1], "count": "100"}
query |= dict(row.split("=", 1) for row in sys.argv[3:])
with open(sys.argv[2], "w", encoding="utf-8") as file:  # noqa: PTH123 - a bare loop is bare
    while True:
        page = session.get(
            f"{os.environ['CALENDLY_API_URL']}/scheduled_events", params=query, timeout=30
        ).json()
        file.writelines(json.dumps(record) + "\n" for record in page["collection"])
        token = page["pagination"]["next_page_token"]
        if not token:
            break
        query["page_token"] = token
