"""The pages of the command line: a table of all commands, and a page for each group of `--help`."""

import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Final

import click
from calendly_connector.cli import _group as program
from calendly_connector.cli.commands import GROUPS, PROGRAM

from docs_text import anchor, code, escaped, page, table

FOLDER: Final = "docs/reference/cli"
_TEST: Final = "tests/docs/test_cli_examples.py"
_TESTS: Final = {"Process flows": "tests/docs/test_flow_examples.py"}  # by group, where it is another one
_SHARED: Final = ("help", "debug", "show_people")  # options of every command; the index describes them


def pages() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of the page of each group."""
    for title, names in GROUPS.items():
        yield f"{FOLDER}/{file_of(title)}", page(_page(title, names))


def file_of(title: str) -> str:
    """Return the name of a group's page."""
    return f"{title.lower().removesuffix(' commands').replace(' ', '-')}.md"


def commands(names: Iterable[str]) -> Iterator[tuple[str, click.Command]]:
    """Yield commands and their subcommands, with the words that call them after the program's name."""
    found = subcommands(program)
    for name in names:
        yield from _with_subcommands(name, found[name])


def examples_of(command: click.Command) -> list[str]:
    """Return the examples at the end of a command's help, as command lines."""
    text = (command.epilog or "").partition("Examples:\n")[2]
    return [line.strip() for line in text.splitlines() if line.strip()]


def _with_subcommands(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    for name, each in subcommands(command).items():
        yield from _with_subcommands(f"{path} {name}", each)


def subcommands(command: click.Command) -> dict[str, click.Command]:
    """Return the commands of a group by name, as `--help` orders them; none of another command."""
    if not isinstance(command, click.Group):
        return {}
    with click.Context(command, **program.context_settings) as context:
        found = {name: command.get_command(context, name) for name in command.list_commands(context)}
    return {name: each for name, each in found.items() if each}


def index() -> Iterator[str]:
    """Yield the tables of all commands, for docs/reference/cli/index.md."""
    for title, names in GROUPS.items():
        yield from (f"## {title}", "")
        rows = (
            (f"[`{path}`]({file_of(title)}#{anchor(path)})", escaped(_first_line(command)))
            for path, command in commands(names)
        )
        yield from table(("command", "what it does"), rows)
        yield ""
    yield from ("```{toctree}", ":hidden:", "")
    yield from (file_of(title).removesuffix(".md") for title in GROUPS)
    yield "```"


def shared_options() -> Iterator[str]:
    """Yield the table of the options that every command has."""
    rows = [*_options(program), ("`--version`", "Show the version and exit.")]
    yield from table(("option", "meaning"), rows)


def _page(title: str, names: Iterable[str]) -> Iterator[str]:
    yield f"# Command line: {title[0].lower()}{title[1:]}"
    yield ""
    yield f"The commands {', '.join(map(code, names))}. [All commands](index.md)."
    for path, command in commands(names):
        yield from ("", *_section(path, command, _TESTS.get(title, _TEST)))


def _section(path: str, command: click.Command, test: str) -> Iterator[str]:
    yield f"## {path}"
    yield ""
    yield from _help(command)
    yield f"Usage: `{_usage(path, command)}`"
    yield ""
    if inner := subcommands(command):
        rows = (
            (f"[`{path} {name}`](#{anchor(f'{path} {name}')})", escaped(_first_line(each)))
            for name, each in inner.items()
        )
        yield from table(("command", "what it does"), rows)
        yield ""
    if options := list(_options(command)):
        yield from table(("option", "meaning"), options)
        yield ""
    yield "Examples:"
    yield ""
    yield f"<!-- run by: {test} -->"
    yield "```console"
    yield from (f"$ {example}" for example in examples_of(command))
    yield "```"


def _help(command: click.Command) -> Iterator[str]:
    """Yield the paragraphs of a help text; one that click wouldn't wrap stays as it is."""
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b"):
            yield from ("```text", paragraph.removeprefix("\b").strip("\n"), "```")
        else:
            yield escaped(paragraph)
        yield ""


def _first_line(command: click.Command) -> str:
    return " ".join(inspect.cleandoc(command.help or "").partition("\n\n")[0].split())


def _usage(path: str, command: click.Command) -> str:
    words = [PROGRAM, path]
    if list(_options(command)):
        words.append("[OPTIONS]")
    if isinstance(command, click.Group):
        words.append("COMMAND")
    for argument in command.params:
        if isinstance(argument, click.Argument):
            words.append(_argument(argument))  # noqa: PERF401 - mypy needs the narrowed type
    return " ".join(words)


def _argument(argument: click.Argument) -> str:
    name = argument.metavar or str(argument.name).upper()
    if isinstance(argument.type, click.Choice) and not argument.metavar:
        name = "|".join(map(str, argument.type.choices))
    name = name.removesuffix("...").strip("[]")
    shown = name if argument.required else f"[{name}]"
    return f"{shown}…" if argument.nargs == -1 and "…" not in shown else shown


def _options(command: click.Command) -> Iterator[tuple[str, str]]:
    for option in command.params:
        if not isinstance(option, click.Option) or option.hidden or option.name == "version":
            continue
        if option.name in _SHARED and command is not program:
            continue
        yield _names(option), " ".join(_meaning(option))


def _names(option: click.Option) -> str:
    names = ", ".join(map(code, option.opts))
    if option.secondary_opts:
        names += f", {', '.join(map(code, option.secondary_opts))}"
    if option.is_flag or option.count:
        return names
    metavar = option.metavar
    if metavar is None and isinstance(option.type, click.Choice):
        metavar = "|".join(map(str, option.type.choices))
    *others, last = option.opts
    return ", ".join([*map(code, others), code(f"{last} {metavar or option.type.name.upper()}")])


def _meaning(option: click.Option) -> Iterator[str]:
    text, _, default = " ".join((option.help or "").split()).partition("[default: ")
    yield escaped(text.strip())
    if default:
        yield f"Default: {escaped(default.rstrip(']'))}."
    elif option.show_default and option.default is not None:
        yield f"Default: `{_number(option.default)}`."
    if isinstance(option.type, click.IntRange | click.FloatRange) and (limits := _limits(option.type)):
        yield limits
    if option.required:
        yield "Required."
    variables = [option.envvar] if isinstance(option.envvar, str) else list(option.envvar or ())
    if variables and not any(variable in (option.help or "") for variable in variables):
        yield f"Variable: {', '.join(map(code, variables))}."


def _number(value: object) -> str:
    return re.sub(r"\.0$", "", str(value))


def _limits(kind: click.IntRange | click.FloatRange) -> str:
    lowest, highest = kind.min, kind.max
    if lowest is not None and highest is not None:
        return f"From {_number(lowest)} to {_number(highest)}."
    if lowest is not None:
        return f"{'More than' if kind.min_open else 'At least'} {_number(lowest)}."
    return f"At most {_number(highest)}." if highest is not None else ""
