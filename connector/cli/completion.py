"""`calendly-connector completion`: tab completion for bash, zsh and fish."""

import os
from pathlib import Path
from shlex import quote
from typing import Final

import click

from ..errors import ConnectorError, UsageError
from .commands import PROGRAM, CommandGroup, examples

_SHELLS: Final = ("bash", "zsh", "fish")
_VARIABLE: Final = "_CALENDLY_CONNECTOR_COMPLETE"
# Changes to click's scripts: no space after `KEY=`, and values that contain a space or comma.
_CHANGES: Final = {
    "bash": (
        (
            "COMPREPLY+=($value)",
            r"""[[ $value == *= ]] && compopt -o nospace
            [[ $value == *[!A-Za-z0-9_.,:=/-]* ]] && printf -v value %%q "$value"
            COMPREPLY+=("$value")""",
        ),
    ),
    "zsh": (
        ("    local -a response\n", "    local -a response suffix\n"),
        (
            '        if [[ "$type" == "plain" ]]; then\n',
            '        [[ "$key" == *= ]] && suffix=(-S "")\n        if [[ "$type" == "plain" ]]; then\n',
        ),
        ("completions_with_descriptions -U\n", 'completions_with_descriptions -U "${suffix[@]}"\n'),
        ("compadd -U -V", 'compadd -U "${suffix[@]}" -V'),
    ),
    "fish": (('(string split ","', '(string split --max 1 ","'),),
}
_ZSH_START: Final = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n"
_shell = click.argument("shell", type=click.Choice(_SHELLS), required=False)


@click.group("completion", cls=CommandGroup, epilog=examples("completion install", "completion show zsh"))
def command() -> None:
    """Install tab completion for your shell.

    It completes commands, options, actions, their inputs and values, credentials, events and subscriptions.
    """


@command.command("install", epilog=examples("completion install", "completion install zsh"))
@_shell
def install(shell: str | None) -> None:
    """Install tab completion. Default: for the shell in SHELL."""
    shell = shell or _own_shell()
    script, startup = _places(shell)
    try:
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(source(shell), encoding="utf-8")
        if startup:
            _load_at_startup(script, startup)
    except OSError as error:
        raise ConnectorError(
            f"Can't install completion: {error.strerror}: {error.filename}.",
            fix=f"Load the output of `{PROGRAM} completion show {shell}` yourself.",
        ) from None
    loaded = f", and {startup} loads it" if startup else ""
    click.echo(f"Saved {script}{loaded}. Start a new shell to use it.")


@command.command("show", epilog=examples("completion show", "completion show fish"))
@_shell
def show(shell: str | None) -> None:
    """Print the completion script. Default: for the shell in SHELL."""
    click.echo(source(shell or _own_shell()), nl=False)


def source(shell: str) -> str:
    """Return the completion script of a shell."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"This version of click has no completion for {shell}.")
    template = kind.source_template
    for before, after in _CHANGES[shell]:
        template = template.replace(before, after)
    script = template % kind(command, {}, PROGRAM, _VARIABLE).source_vars()
    return _after_first_line(script, _ZSH_START) if shell == "zsh" else script


def _after_first_line(script: str, text: str) -> str:
    first, _, rest = script.partition("\n")
    return f"{first}\n{text}{rest}"


def _own_shell() -> str:
    name = Path(os.environ.get("SHELL", "")).name
    if name not in _SHELLS:
        raise UsageError("Can't tell which shell you use.", fix=f"Pass one of: {', '.join(_SHELLS)}.")
    return name


def _places(shell: str) -> tuple[Path, Path | None]:
    """Return the file of the script, and the startup file that has to load it, if any."""
    home = Path.home()
    if shell == "fish":
        config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        return config / "fish" / "completions" / f"{PROGRAM}.fish", None
    import platformdirs

    script = platformdirs.user_data_path(PROGRAM, appauthor=False) / f"completion.{shell}"
    if shell == "zsh":
        return script, Path(os.environ.get("ZDOTDIR") or home) / ".zshrc"
    return script, home / ".bashrc"


def _load_at_startup(script: Path, startup: Path) -> None:
    """Append a line to a startup file, unless it is there already."""
    name = quote(str(script))
    line = f"[ -f {name} ] && . {name}  # tab completion of {PROGRAM}"
    text = startup.read_text(encoding="utf-8", errors="surrogateescape") if startup.exists() else ""
    if line not in text.splitlines():
        start = "" if not text or text.endswith("\n") else "\n"
        with startup.open("a", encoding="utf-8") as file:
            file.write(f"{start}{line}\n")
