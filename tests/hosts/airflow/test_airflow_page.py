"""The commands and DAGs of docs/hosts/airflow.md, in the Airflow of the tests."""

import re
import subprocess

import pytest
from doc_pages import commands, run_by
from locations import DOCS

BLOCKS = run_by(__file__, DOCS / "hosts/airflow.md")
COMMANDS = [command for block in BLOCKS if block.language == "console" for command in commands(block)]
DAGS = [block for block in BLOCKS if block.language == "python"]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.text)
def test_a_command_shows_what_the_page_shows(installation, command):
    text = command.text.replace("~/airflow", str(installation.home))
    done = subprocess.run(
        ["/bin/bash", "-c", text], env=installation.environment, capture_output=True, text=True, check=False
    )
    output = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == any("failed" in line for line in command.shown), output
    for line in command.shown:
        pattern = ".*".join(re.escape(" ".join(part.split())) for part in line.split("…"))
        assert re.search(pattern, output), output


@pytest.fixture(scope="module")
def dags(installation, tmp_path_factory):
    """Put the DAGs of the page into the DAGs folder, and into one without others."""
    alone = tmp_path_factory.mktemp("dags")
    for folder in (installation.home / "dags", alone):
        for number, block in enumerate(DAGS):
            text = block.text.replace("/var/lib/airflow", str(installation.home))
            (folder / f"page_{number}.py").write_text(text)
    return alone


def test_the_dags_load(installation, dags):
    assert installation.import_errors(dags) == []


@pytest.mark.parametrize("dag", ["guests_of_the_week", "sync_the_account"])
@pytest.mark.usefixtures("dags")
def test_a_dag_runs(installation, dag):
    assert "state=success" in installation.run("dags", "test", dag)
