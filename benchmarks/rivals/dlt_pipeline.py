"""The organization's scheduled events as a dlt pipeline that loads JSON lines into a folder.

`dlt_pipeline.py FOLDER [extract]`; with `extract` it ends where the pages lie on disk as they came.
"""

import json
import shutil
import sys
from pathlib import Path

import dlt
from dlt.sources.rest_api import rest_api_source

folder = Path(sys.argv[1])
config = json.loads((folder / "config.json").read_text())
for left_over in ("work", "loaded"):
    shutil.rmtree(folder / left_over, ignore_errors=True)

source = rest_api_source(
    {
        "client": {
            "base_url": config["api_url"],
            "auth": {"type": "bearer", "token": config["api_token"]},
            "paginator": {
                "type": "cursor",
                "cursor_path": "pagination.next_page_token",
                "cursor_param": "page_token",
            },
        },
        "resources": [
            {
                "name": "scheduled_events",
                "primary_key": "uri",
                "endpoint": {
                    "path": "scheduled_events",
                    "params": {"organization": config["organization"], "count": 100},
                    "data_selector": "collection",
                },
            }
        ],
    },
    max_table_nesting=0,  # an event stays one record
)
pipeline = dlt.pipeline(
    "calendly",
    pipelines_dir=str(folder / "work"),
    destination=dlt.destinations.filesystem(bucket_url=(folder / "loaded").as_uri()),
)
if sys.argv[2:] == ["extract"]:
    pipeline.extract(source, loader_file_format="jsonl")
else:
    pipeline.run(source, loader_file_format="jsonl")
