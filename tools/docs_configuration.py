"""Environment variables of the product, for docs/reference/configuration.md; `variables.yaml` has them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import yaml
from calendly_connector.cli.event_handlers import secret_variables

from docs_text import code, table

_FILE: Final = Path(__file__).parent / "variables.yaml"


def declared() -> Mapping[str, Mapping[str, str]]:
    """Return what each variable sets, by section."""
    sections: Mapping[str, Mapping[str, str]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return sections


def variables() -> Iterator[str]:
    """Yield a table of variables for each section."""
    secrets = secret_variables()
    for title, described in declared().items():
        yield from (f"### {title}", "")
        rows = (
            (f"{code(name)} *secret*" if name in secrets else code(name), text)
            for name, text in described.items()
        )
        yield from table(("variable", "what it sets"), rows)
        yield ""
