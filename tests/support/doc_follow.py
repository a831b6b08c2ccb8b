"""Follow a page that tests other than tests/docs run: write its files, and run its commands in a terminal."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from doc_pages import blocks, commands, same
from doc_shell import Shell


def follow(
    page: Path,
    folder: Path,
    variables: dict[str, str],
    *,
    test: str,
    change: Callable[[str], str] = str,
) -> None:
    """Run the commands of a page that this test runs. Each must succeed and print what the page shows.

    `change` can change files, and what a command says and shows; one that becomes empty is skipped.
    """
    with closing(Shell(folder, variables)) as shell:
        for block in blocks(page):
            block.write(folder, change)
            for command in commands(block) if block.language == "console" and block.is_run_by(test) else ():
                if text := change(command.text):
                    shown = change("\n".join(command.shown)).splitlines()
                    status, printed = shell.run(text, shown, [])
                    where = f"{page.name}:{block.line}: {text}: {status}\n" + "\n".join(printed)
                    assert status == 0, where
                    assert not shown or same(shown, printed), where
