"""The manual pages in `man/` and the completion scripts in `completions/` say what the command line does."""

import re
import shutil
import subprocess

import click
import pytest
from calendly_connector import cli
from locations import TESTS

import manual

ROOT = TESTS.parent


def all_commands(command=cli._group, words=("calendly-connector",)):
    yield words, command
    if isinstance(command, click.Group):
        with click.Context(command, **cli._group.context_settings) as context:
            for name in command.list_commands(context):
                yield from all_commands(command.get_command(context, name), (*words, name))


ALL = dict(all_commands())


def page(words):
    return ROOT / "man" / f"{'-'.join(words)}.1"


def plain(troff):
    """Return a page's text without the marks of troff."""
    text = re.sub(r"\\f[BIPR]|\\&", "", troff)
    for mark, letter in {r"\-": "-", r"\(aq": "'", r"\(ti": "~", r"\(ga": "`", r"\e": "\\"}.items():
        text = text.replace(mark, letter)
    return re.sub(r"\\\[u([0-9A-F]+)\]", lambda match: chr(int(match[1], 16)), text)


def test_the_files_are_current_and_no_other_is_there():
    assert manual.stale_files() == []
    assert [path.name for path, text in manual.files().items() if path.read_text("utf-8") != text] == []


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_a_page_lists_every_command_option_and_example(words):
    text = plain(page(words).read_text("utf-8"))
    command = ALL[words]
    inner = [path[-1] for path in ALL if path[:-1] == words]
    options = [
        name for option in command.params if not getattr(option, "hidden", False) for name in option.opts
    ]
    names = [name for name in options if name.startswith("-")]
    for entry in (*inner, *names, "--help", "--debug"):
        assert re.search(rf"(?m)^\.TP\n.*(?<![\w-]){re.escape(entry)}(?![\w-])", text), entry
    for example in (command.epilog or "").partition("Examples:\n")[2].splitlines():
        assert " ".join(example.split()) in " ".join(text.replace("\\\n", " ").split())


def test_the_manual_names_the_environment_variables():
    text = page(("calendly-connector",)).read_text("utf-8")
    for name in ("CALENDLY_API_TOKEN", "CALENDLY_PLAN", "CALENDLY_TZ", "NO_COLOR"):
        assert name in text


@pytest.mark.skipif(not shutil.which("groff"), reason="needs groff: apt install groff")
@pytest.mark.parametrize("words", [("calendly-connector",), ("calendly-connector", "webhooks", "listen")])
def test_a_page_looks_right_in_a_terminal_of_80_columns(words):
    done = subprocess.run(
        [shutil.which("groff"), "-man", "-Tutf8", "-P-c", "-ww", "-rLL=78n", page(words)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    shown = re.sub(r".\x08", "", done.stdout)
    assert max(map(len, shown.splitlines())) <= 80
    headings = re.findall(r"(?m)^[A-Z ]+$", shown)
    assert headings[:3] == ["NAME", "SYNOPSIS", "DESCRIPTION"]
    assert headings[-1] == "SEE ALSO"
    assert f"\n       {'-'.join(words)} - " in shown
