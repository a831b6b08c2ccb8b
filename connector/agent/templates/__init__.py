"""Flows to start from. Each is a file of this package, named like its flow."""

from importlib.resources import files

from ...errors import UsageError
from ...support.redaction import quoted


def names() -> list[str]:
    """Return the names of all templates, which are those of their flows."""
    found = (file.name for file in files(__package__ or "").iterdir())
    return sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml"))


def read(name: str) -> str:
    """Return the text of a template. Raises UsageError for an unknown name."""
    if name not in names():
        from difflib import get_close_matches

        near = get_close_matches(name, names(), n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Templates: {', '.join(names())}."
        raise UsageError(f"No template named {quoted(name)}.", fix=hint)
    return files(__package__ or "").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
