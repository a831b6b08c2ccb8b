"""The sdist has the whole repository, the wheel what is installed, and neither anything of this machine."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from environments import ROOT, run

MADE_BY_SETUPTOOLS = re.compile(r"PKG-INFO|setup\.cfg|calendly_connector\.egg-info/.*")
SHARE = {
    "share/bash-completion/completions/calendly-connector",
    "share/fish/vendor_completions.d/calendly-connector.fish",
    "share/zsh/site-functions/_calendly-connector",
}


def files_in(sdist):
    with tarfile.open(sdist) as archive:
        return {
            member.name.partition("/")[2]: archive.extractfile(member).read()
            for member in archive
            if member.isfile()
        }


def files_of(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git knows which files are the repository's")
def test_the_sdist_has_all_files_of_the_repository_and_no_other(sdist):
    listed = run("git", "-C", ROOT, "ls-files", "-z").stdout.split("\0")
    tracked = {name for name in listed if name and (ROOT / name).exists()}
    packed = {name for name in files_in(sdist) if not MADE_BY_SETUPTOOLS.fullmatch(name)}
    assert packed == tracked


def test_the_wheel_has_the_package_its_licence_and_what_the_system_looks_for(wheel, version):
    names = set(files_of(wheel))
    info, data = f"calendly_connector-{version}.dist-info/", f"calendly_connector-{version}.data/data/"
    assert f"{info}licenses/LICENSE" in names
    assert "calendly_connector/py.typed" in names
    shared = {name.removeprefix(data) for name in names if name.startswith(data)}
    pages = {f"share/man/man1/{page.name}" for page in (ROOT / "man").iterdir()}
    assert shared == pages | SHARE
    assert {name for name in names if not name.startswith(("calendly_connector/", info, data))} == set()


def test_the_metadata_says_what_was_tested(wheel, version):
    files = files_of(wheel)
    metadata = message_from_bytes(files[f"calendly_connector-{version}.dist-info/METADATA"])
    classifiers = metadata.get_all("Classifier")
    assert metadata["Version"] == version
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Typing :: Typed" in classifiers
    assert not [name for name in classifiers if name.startswith("License ::")]  # the expression says it
    assert metadata.get_payload().startswith("# ")


def test_the_version_stands_in_one_place_and_has_a_section_in_the_changelog(version):
    pattern = re.compile(rf"(?<![\d.]){re.escape(version)}(?![\d.])")
    listed = [
        *ROOT.glob("*.toml"),
        *(ROOT / "connector").rglob("*.py"),
        *(ROOT / "connector").rglob("*.yaml"),
    ]
    places = [path.name for path in listed if pattern.search(path.read_text("utf-8"))]
    assert places == ["version.py"]
    assert re.search(
        rf"(?m)^## {re.escape(version)} - \d{{4}}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text("utf-8")
    )


def test_nothing_names_a_place_of_this_machine_or_its_index(sdist, wheel, dist):
    places = {str(ROOT), str(Path.home()), os.environ.get("UV_DEFAULT_INDEX", "")} - {"", "/"}
    texts = {
        **files_in(sdist),
        **files_of(wheel),
        **{path.name: path.read_bytes() for path in dist.glob("*.json")},
    }
    pattern = re.compile("|".join(rf"(?<![\w.]){re.escape(place)}(?=/)" for place in places).encode())
    assert [name for name, content in texts.items() if pattern.search(content)] == []


def test_the_same_commit_gives_the_same_bytes(dist, tmp_path):
    build = [sys.executable, ROOT / "tools/build_release.py", tmp_path]
    subprocess.run(
        build, check=True, capture_output=True, env={**os.environ, "TZ": "Asia/Tokyo"}, umask=0o077
    )
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()}
    assert len(hashes) == 2
    assert hashes == {name: hashlib.sha256((dist / name).read_bytes()).hexdigest() for name in hashes}


def test_the_bill_of_materials_names_every_dependency_and_no_address(wheel):
    text = wheel.with_suffix(".cdx.json").read_text("utf-8")
    bill = json.loads(text)
    names = {component["name"] for component in bill["components"]}
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "calendly-connector"
    assert {"Authlib", "stevedore", "dbos", "nicegui", "mcp", "matplotlib"} <= names
    assert not {"pip", "pytest", "calendly-connector"} & names
    assert re.findall(r"(?:https?|file)://[^\"]+", text.replace(bill["$schema"], "")) == []
    assert [component["name"] for component in bill["components"] if not component.get("licenses")] == []
