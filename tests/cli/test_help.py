"""Help, examples, suggestions and `--debug` of every command."""

import re
import shlex

import click
import pytest
from calendly_connector import cli
from calendly_connector.cli.commands import COMMANDS, GROUPS
from calendly_connector.cli.guesses import GUESSES
from terminal import caller

ROOT = cli._group


def all_commands(command=ROOT, path=("calendly-connector",)):
    """Yield every command with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                yield from all_commands(command.get_command(context, name), (*path, name))


ALL = dict(all_commands())


@pytest.fixture
def call(capsys, monkeypatch):
    return caller(capsys, monkeypatch)


def parse(arguments):
    """Parse a command line as the program does, without running it."""
    command, context = ROOT, ROOT.make_context("calendly-connector", list(arguments))
    with context:
        while isinstance(command, click.Group):
            rest = [*context._protected_args, *context.args]
            if not rest:
                return
            name, command, rest = command.resolve_command(context, rest)
            context = command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_examples_that_parse(path):
    command = ALL[path]
    _, sign, text = (command.epilog or "").partition("Examples:\n")
    assert sign
    lines = [line.strip() for line in text.splitlines()]
    assert lines
    for line in lines:
        words = shlex.split(line.partition(" < ")[0])
        assert words[: len(path)] == list(path) or path == ("calendly-connector",)
        parse(words[1:])


def test_an_example_with_a_wrong_option_would_not_parse():
    with pytest.raises(click.NoSuchOption):
        parse(["vault", "list", "--nonsense"])


def test_the_help_lists_every_command_once_in_its_group(call):
    code, out, err = call("--help")
    assert (code, err) == (0, "")
    for title, commands in GROUPS.items():
        assert (f"\n{title}:\n" in out) is bool(commands)
    for name in COMMANDS:
        assert len(re.findall(rf"(?m)^  {name} ", out)) == 1


@pytest.mark.parametrize("command", [(), ("agenda",), ("vault", "add")])
def test_help_can_be_a_command(command, call):
    assert call("help", *command) == call(*command, "--help")


@pytest.mark.parametrize(
    ("group", "word"), [(group, word) for group, words in GUESSES.items() for word in words]
)
def test_a_guess_is_no_command_and_leads_to_one(group, word, call):
    suggested = f"calendly-connector {GUESSES[group][word]}"
    assert call(*group.split(), word)[2].endswith(f"Did you mean `{suggested}`?\n")
    _, *arguments = shlex.split(suggested)
    command, context = ROOT, click.Context(ROOT, **ROOT.context_settings)
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        command = command.get_command(context, arguments.pop(0))
    assert command is not None


@pytest.mark.parametrize(("columns", "longest"), [(60, 60), (80, 80), (100, 100), (200, 100)])
def test_the_help_is_as_wide_as_the_terminal_up_to_100_columns(columns, longest, call, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    for command in ("sync", "webhooks"):
        arguments = ("sync", "--help") if command == "sync" else ("webhooks", "listen", "--help")
        shown = call(*arguments)[1].partition("Examples:")[0]
        widths = [len(line) for line in shown.splitlines()]
        assert longest - 25 <= max(widths) <= longest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chek"], "No such command 'chek'. Did you mean `calendly-connector check`?"),
        (["LOGIN"], "No such command 'LOGIN'. Did you mean `calendly-connector login`?"),
        (["vault", "ad"], "No such command 'ad'. Did you mean `calendly-connector vault add`?"),
        (
            ["webhooks", "lisen"],
            "No such command 'lisen'. Did you mean `calendly-connector webhooks listen`?",
        ),
        (["sync", "marc"], "No such command 'marc'. Did you mean `calendly-connector sync mark`?"),
        (
            ["completion", "instal"],
            "No such command 'instal'. Did you mean `calendly-connector completion install`?",
        ),
        (["move"], "No such command 'move'. Did you mean `calendly-connector reschedule`?"),
        (["calender"], "Did you mean `calendly-connector agenda`?"),
        (["today"], "Did you mean `calendly-connector agenda --today`?"),
        (["zzz"], "No such command 'zzz'. Run `calendly-connector --help` for a list."),
        (["vault", "zzz"], "No such command 'zzz'. Run `calendly-connector vault --help` for a list."),
        (["scheduled_events"], "To run the action, use: calendly-connector run scheduled_events"),
        (
            ["meetings"],
            "`calendly-connector agenda`? To run the action, use: calendly-connector run meetings",
        ),
        (["whoami"], "No such command 'whoami'. Did you mean `calendly-connector check`?"),
        (["Events"], "No such command 'Events'. Did you mean `calendly-connector agenda`?"),
        (["flow", "new"], "No such command 'new'. Did you mean `calendly-connector flow templates`?"),
        (["version"], "No such command 'version'. Did you mean `calendly-connector --version`?"),
        (["help", "chek"], "No such command 'chek'. Did you mean `calendly-connector check`?"),
        (["book", "intro"], "Missing argument 'WHEN'. Run `calendly-connector book --help` for its usage."),
        (["vault", "add"], "Run `calendly-connector vault add --help` for its usage."),
        (["describe", "a", "b"], "extra argument (b). Run `calendly-connector describe --help` for"),
        (["run", "events"], "Did you mean scheduled_events, "),
        (["check", "--depe"], "--deep"),
        (["--debgu", "check"], "--debug"),
        (["webhooks", "list", "--jsn"], "--json"),
        (["ev\x1b[2Jil"], "No such command 'ev"),
    ],
)
def test_the_nearest_command_or_option_is_suggested(arguments, message, call):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "\x1b" not in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--debug", "run", "users.me"),
        ("run", "--debug", "users.me"),
        ("run", "users.me", "--debug"),
    ],
)
def test_debug_works_before_and_after_the_command(arguments, call, sandbox, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    code, _, err = call(*arguments)
    assert code == 0
    assert err.count("> GET /users/me") == 1
    assert "Ada" not in err
    assert "sandbox-owner" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--debug", "--show-people", "run", "users.me"),
        ("--show-people", "--debug", "run", "users.me"),
        ("--debug", "run", "users.me", "--show-people"),
        ("--show-people", "run", "users.me", "--debug"),
        ("run", "users.me", "--show-people", "--debug"),
        ("run", "users.me", "--debug", "--show-people"),
    ],
)
def test_people_are_shown_wherever_the_options_stand(arguments, call, sandbox, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    code, _, err = call(*arguments)
    assert code == 0
    assert "Ada Okafor" in err
    assert err.count("> GET /users/me") == 1
    again = call("run", "users.me")
    assert again[2] == ""


def test_subcommands_accept_debug(call, tmp_path, monkeypatch):
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    assert call("vault", "list", "--debug")[0] == 0
    assert call("vault", "--debug", "list")[0] == 0


def test_show_people_alone_shows_no_log(call, sandbox, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    assert call("run", "users.me", "--show-people")[2] == ""
