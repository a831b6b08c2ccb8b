"""The files in dist/, and the same installed in empty environments; `.ci/dist` runs these tests."""

import os
import sys
from pathlib import Path

import pytest
from environments import label, make_environment

EXTRAS = "[agent,sandbox]"
PYTHONS = os.environ["PYTHONS"].split()


@pytest.fixture(scope="session")
def dist():
    """Return the folder of the files to publish."""
    return Path(os.environ["DIST"])


@pytest.fixture(scope="session")
def wheel(dist):
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def sdist(dist):
    (found,) = dist.glob("*.tar.gz")
    return found


@pytest.fixture(scope="session")
def version(wheel):
    return wheel.name.split("-")[1]


# The wheel on each Python, by uv, which takes a second, and the sdist on the newest, by pip.
CASES = [(python, "wheel") for python in PYTHONS] + [(PYTHONS[-1], "sdist")]


@pytest.fixture(scope="session", params=CASES, ids=lambda case: f"{case[1]}-{label(case[0])}")
def installed(request, tmp_path_factory):
    """Return an environment in which the wheel or the sdist was installed."""
    python, kind = request.param
    file = request.getfixturevalue(kind)
    folder = tmp_path_factory.mktemp("installed") / kind
    return make_environment(folder, python, f"{file}{EXTRAS}", tool="pip" if kind == "sdist" else "uv")


@pytest.fixture(scope="session")
def typed(wheel, tmp_path_factory):
    """Return an environment for type checkers: the wheel, and pytest, which the conformance kit uses."""
    folder = tmp_path_factory.mktemp("typed")
    return make_environment(folder, sys.executable, f"{wheel}{EXTRAS}", "pytest", tool="uv")
