"""The wheel has what the package reads at run time: setuptools adds only data that pyproject.toml lists."""

import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from locations import TESTS

SETUPTOOLS = tomllib.loads((TESTS.parent / "pyproject.toml").read_text())["tool"]["setuptools"]
PACKAGES = {name: Path(find_spec(name).submodule_search_locations[0]) for name in SETUPTOOLS["packages"]}


def data_of(package):
    """Return the data files in a package's folder, without those of its sub-packages."""
    folder = PACKAGES[package]
    inner = [place for place in PACKAGES.values() if folder in place.parents]
    inner += [project.parent for project in folder.rglob("pyproject.toml")]  # a package of its own
    return {
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix not in {".py", ".pyc"}
        and not any(place in path.parents for place in inner)
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_every_data_file_of_a_package_is_listed(package):
    patterns = SETUPTOOLS["package-data"].get(package, [])
    listed = {pattern: set(PACKAGES[package].glob(pattern)) for pattern in patterns}
    assert [pattern for pattern, paths in listed.items() if not paths] == []
    assert data_of(package) == set().union(*listed.values())


def test_data_is_listed_for_packages_that_are_installed():
    assert SETUPTOOLS["package-data"].keys() <= PACKAGES.keys()
