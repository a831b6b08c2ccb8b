"""What an error says about a missing library fits how the program was installed."""

import sys

import pytest
from calendly_connector.support import extras


@pytest.mark.parametrize(
    ("mark", "command"),
    [
        ("pyvenv.cfg", "pip install 'calendly-connector[agent,sandbox]'"),
        ("pipx_metadata.json", "pipx runpip calendly-connector install 'calendly-connector[agent,sandbox]'"),
        ("uv-receipt.toml", "uv tool install 'calendly-connector[agent,sandbox]'"),
    ],
)
def test_an_extra_is_installed_as_the_program_was(mark, command, tmp_path, monkeypatch):
    (tmp_path / mark).touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert extras.install("agent", "sandbox") == f"Run: {command}"
