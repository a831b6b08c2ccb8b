"""Examples of commands on the pages of the reference, each run by itself in a test's own way."""

import shlex

from doc_pages import blocks, commands, run_by

PROGRAM = "calendly-connector"


def command_lines(test, *pages):
    """Return the commands that a test runs, each as one line."""
    listed = [command for block in run_by(test, *pages) for command in commands(block)]
    assert not any(command.shown for command in listed), "only that they succeed is checked"
    return [" ".join(command.text.replace("\\\n", " ").split()) for command in listed]


def arguments(line):
    """Return the words of a command line after the program's name."""
    program, *words = shlex.split(line)
    assert program == PROGRAM
    return words


def way_of(line, ways, usual):
    """Return how a line runs: the way with its longest beginning, else the usual one."""
    fitting = [start for start in ways if line.startswith(f"{PROGRAM} {start}")]
    return ways[max(fitting, key=len)] if fitting else usual


def unused(ways, lines):
    """Return the beginnings by which no line runs."""
    used = {id(way_of(line, ways, None)) for line in lines}
    return [start for start, way in ways.items() if id(way) not in used]


def write_files(page, folder):
    """Write the files of a page into a folder."""
    for block in blocks(page):
        block.write(folder)
