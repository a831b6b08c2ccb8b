"""Blocks of a page that another test than that of all pages runs: `<!-- run by: … -->`; and its files."""

import shlex

from doc_pages import blocks, commands
from locations import TESTS

ROOT = TESTS.parent
PROGRAM = "calendly-connector"


def command_lines(page, test):
    """Return the commands of the blocks of a page that a test runs, each as one line."""
    found = [block for block in blocks(ROOT / page) if block.marks.get("run by") == test]
    listed = [command for block in found for command in commands(block)]
    assert not any(command.shown for command in listed), "only that they succeed is checked"
    return [" ".join(command.text.replace("\\\n", " ").split()) for command in listed]


def arguments(line):
    """Return the words of a command line after the program's name."""
    program, *words = shlex.split(line)
    assert program == PROGRAM
    return words


def write_files(page, folder):
    """Write the files of a page into a folder."""
    for block in blocks(ROOT / page):
        if "file" in block.marks:
            (folder / block.marks["file"]).write_text(block.text, encoding="utf-8")
