"""Type checkers see the public names in the installed wheel, without the sources."""

import ast
import json
import os
from pathlib import Path

import calendly_connector
import pytest
from calendly_connector import contract, testing
from environments import run

PROGRAM = Path(__file__).parent / "public_names.py"
LEAST_COMPLETE = (
    0.99  # of the symbols in modules with public names; the rest overrides properties by attributes
)
PUBLIC_MODULES = {
    "contract",
    "errors",
    "testing",
    *calendly_connector._MODULES.values(),
}


@pytest.fixture
def project(tmp_path):
    """Return a folder with the program and settings of its own, away from the sources."""
    (tmp_path / PROGRAM.name).write_text(PROGRAM.read_text("utf-8"), "utf-8")
    settings = {"typeCheckingMode": "strict", "reportMissingModuleSource": False}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    return tmp_path


def checked_by(environment):
    return {
        **os.environ,
        **environment.variables,
        "PATH": os.environ["PATH"],
        "VIRTUAL_ENV": str(environment.path),
    }


def test_the_program_uses_every_public_name():
    imported = {
        alias.name
        for statement in ast.walk(ast.parse(PROGRAM.read_text("utf-8")))
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    public = {*calendly_connector.__all__, *contract.__all__, *testing.__all__} - {"__version__"}
    assert public - imported == set()


def test_mypy_accepts_a_program_that_uses_every_public_name(typed, project):
    python = typed.path / "bin/python"
    done = run(
        "mypy", "--strict", "--python-executable", python, PROGRAM.name, cwd=project, env=checked_by(typed)
    )
    assert done.stdout == "Success: no issues found in 1 source file\n"


def test_pyright_accepts_a_program_that_uses_every_public_name(typed, project):
    python = typed.path / "bin/python"
    done = run("basedpyright", "--pythonpath", python, PROGRAM.name, cwd=project, env=checked_by(typed))
    assert done.stdout == "0 errors, 0 warnings, 0 notes\n"


def test_the_types_of_public_names_are_complete(typed, project):
    command = ("basedpyright", "--verifytypes", "calendly_connector", "--ignoreexternal", "--outputjson")
    variables = checked_by(typed)
    variables["PATH"] = f"{typed.path / 'bin'}:{variables['PATH']}"
    found = json.loads(run(*command, cwd=project, env=variables, check=False).stdout)["typeCompleteness"]
    prefixes = tuple(f"calendly_connector.{module}." for module in PUBLIC_MODULES)
    public = [
        symbol for symbol in found["symbols"] if symbol["isExported"] and symbol["name"].startswith(prefixes)
    ]
    unknown = [symbol["name"] for symbol in public if not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"]]
    assert len(public) > 1000
    assert len(unknown) <= (1 - LEAST_COMPLETE) * len(public), unknown
