"""The workflows in how-to/github-actions.md fit GitHub's schema, and their shell steps run in order."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from doc_pages import blocks, run_by, same
from doc_shell import environment
from locations import DOCS

from docs_clock import NOW, moved_clock

PAGE = DOCS / "how-to/github-actions.md"
WORKFLOWS = {Path(block.marks["file"]).name: block.text for block in blocks(PAGE) if "file" in block.marks}
SHOWN = [block.text.splitlines() for block in run_by(__file__, PAGE)]


@pytest.fixture
def account(make_sandbox):
    with make_sandbox(now=NOW) as sandbox:
        yield sandbox


@pytest.fixture
def run(account, tmp_path):
    """Return a function that runs a workflow's shell steps as a runner does; it returns code and output."""

    def running(workflow, **secrets):
        (job,) = yaml.safe_load(WORKFLOWS[workflow])["jobs"].values()
        output = ""
        for step in job["steps"]:
            if "run" not in step:
                continue
            given = {name: _evaluate(value, secrets) for name, value in step.get("env", {}).items()}
            variables = environment(
                tmp_path,
                **given,
                **moved_clock(),
                CALENDLY_API_URL=account.url,
                GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"),
            )
            done = subprocess.run(
                ["/bin/bash", "-e", "-c", step["run"]],
                cwd=tmp_path,
                env=variables,
                capture_output=True,
                text=True,
                check=False,
            )
            output += done.stdout if given else ""
            if done.returncode:
                return done.returncode, output + done.stderr
        return 0, output

    return running


def _evaluate(value, secrets):
    """Replace secrets. One that doesn't exist is empty, as on GitHub."""
    return re.sub(r"\$\{\{ secrets\.(\w+) \}\}", lambda match: secrets.get(match[1], ""), value)


def test_the_workflows_fit_githubs_schema(tmp_path):
    for name, text in WORKFLOWS.items():
        (tmp_path / name).write_text(text)
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*check, *sorted(WORKFLOWS)], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()


def test_every_action_has_a_version_and_every_job_a_limit():
    for text in WORKFLOWS.values():
        (job,) = yaml.safe_load(text)["jobs"].values()
        assert job["timeout-minutes"]
        assert all(re.fullmatch(r"[\w/-]+@v\d+", step["uses"]) for step in job["steps"] if "uses" in step)


def test_no_step_but_ours_sees_the_token():
    for text in WORKFLOWS.values():
        workflow = yaml.safe_load(text)
        (job,) = workflow["jobs"].values()
        assert workflow["permissions"] == {}
        assert "env" not in workflow.keys() | job.keys()
        assert all("env" not in step for step in job["steps"] if "uses" in step or "pip" in step["run"])


def test_the_meetings_workflow_writes_its_file_and_summary(run, tmp_path):
    assert run("meetings.yml", CALENDLY_API_TOKEN="sandbox-owner") == (0, "")
    (job,) = yaml.safe_load(WORKFLOWS["meetings.yml"])["jobs"].values()
    upload = job["steps"][-1]["with"]
    assert (tmp_path / upload["path"]).read_bytes()[:2] == b"PK"  # a spreadsheet
    fence, *summary, end = (tmp_path / "summary.md").read_text().splitlines()
    assert fence == end == "```"
    assert same(SHOWN[0], summary), summary


def test_the_sync_workflow_fills_a_database(run, tmp_path):
    code, output = run(
        "sync.yml", CALENDLY_API_TOKEN="sandbox-owner", CALENDLY_SYNC_TO=str(tmp_path / "calendly.db")
    )
    assert code == 0, output
    assert (tmp_path / "calendly.db").stat().st_size


def test_the_token_workflow_passes_with_a_good_token(run):
    code, output = run("token.yml", CALENDLY_API_TOKEN="sandbox-owner")
    assert code == 0, output
    assert output.startswith("ok: Signed in as Ada Okafor")


def test_the_token_workflow_fails_with_the_reason_that_the_page_shows(run):
    code, output = run("token.yml", CALENDLY_API_TOKEN="revoked")
    assert code == 1
    assert same(SHOWN[1], output.splitlines()), output


def test_a_forgotten_secret_fails_with_the_reason(run):
    code, output = run("token.yml")
    assert code == 1
    assert "::error title=Calendly::missing_token: No token found." in output
