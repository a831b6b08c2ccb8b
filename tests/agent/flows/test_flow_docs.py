"""The page about flows, docs/reference/flows.md, shows what works."""

import json
import shlex
from pathlib import Path

import yaml
from another_connector import ShelfConnector
from calendly_connector import cli
from calendly_connector.agent.flows import check, file
from calendly_connector.plugin import connector
from doc_pages import blocks, run_by
from locations import DOCS
from shelf_application import Shelf

PAGE = DOCS / "reference" / "flows.md"
TEXT = PAGE.read_text("utf-8")
FLOW = next(block.text for block in blocks(PAGE) if block.language == "yaml")
[WORKFLOW] = [block.text for block in run_by(__file__, PAGE)]


def test_the_flow_of_the_page_is_valid():
    known = {"calendly": connector, "http": ShelfConnector(Shelf())}
    found = check.check_file(FLOW, known)[1]
    assert [problem.path for problem in found] == ["steps[1].action"]  # Shelf can't post to a chat


def test_the_page_names_every_key_of_the_file():
    definitions = file.schema()["$defs"]
    kinds = [file.schema(), *(definitions[name] for name in ("triggered", "polling", "step", "condition"))]
    keys = {key for kind in kinds for key in kind["properties"]}
    assert sorted(key for key in keys if key not in TEXT) == []


def test_the_workflow_writes_the_meetings_of_the_next_days(sandbox, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    document = yaml.safe_load(WORKFLOW)
    [step] = [each for each in document["jobs"]["meetings"]["steps"] if "name" in each]
    for line in step["run"].splitlines():
        assert cli.main(shlex.split(line)[1:]) == 0, capsys.readouterr().err
    assert json.loads(Path("upcoming_events.json").read_text("utf-8"))["complete"]
    heading, *_ = Path("events_summary.csv").read_text("utf-8").splitlines()
    assert heading == "name,start_time,status,invitee_name"
