"""The page of the Python API: every public name with its signature and its docstring."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from typing import Final

import calendly_connector
from calendly_connector import _MODULES as PLACES

import docs_signatures as signatures
from docs_text import anchor, code, codes, escaped, table

_ROOT: Final = calendly_connector.__name__
# By title: the modules whose public names belong to it, and what they are for.
_GROUPS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "Start": (("plugin", "connection"), "The object that a host loads, and what its `connect` returns."),
    "Connect and call": (
        ("contract.connection",),
        "The interface of connectors, connections, calls and triggers.",
    ),
    "Results": (("contract.results",), "What calls, checks and events return."),
    "The catalog": (
        ("contract.catalog",),
        "What a connector declares: actions, triggers, credentials, functions.",
    ),
    "Forms": (("contract.fields",), "Fields of forms, and values that a later step can use."),
    "Sign in": (("contract.sign_in", "auth.vault"), "OAuth for hosts, and where credentials are kept."),
    "Receive events": (
        ("events.webhooks", "events.inbox", "events.dispatcher", "events.forwarder", "events.reconcile"),
        "Webhooks, the inbox, and the handler of each event.",
    ),
    "Subscribe to events": (
        ("events.subscriptions",),
        "Subscriptions that are never leaked, created twice or lost.",
    ),
    "Settings and logs": (("support",), "Timeouts, and a filter that keeps secrets out of logs."),
}
_SPECIAL: Final = {
    "connector": "The connector: a `CalendlyConnector`. Hosts load it by its entry point, group "
    "`integration_platform.connectors`, name `calendly`.",
    "__version__": "The version of the package, a text.",
}


def names() -> Iterator[str]:
    """Yield a section for each public name, by group."""
    left = dict.fromkeys(name for name in calendly_connector.__all__ if name in PLACES)
    for title, (modules, purpose) in _GROUPS.items():
        group = [name for name in left if any(_module_of(name).startswith(module) for module in modules)]
        for name in group:
            del left[name]
        yield from (f"## {title}", "", purpose)
        for name in sorted(group, key=str.casefold):
            yield from ("", *_entry(name))
        yield ""
    if left:
        raise LookupError(f"{', '.join(left)}: put the module into a group")
    yield from ("## Errors", "", "Each is explained in [errors](errors.md).", "")
    errors = sorted(set(calendly_connector.__all__) - PLACES.keys() - _SPECIAL.keys() - {"Problem"})
    yield from table(("error", "meaning"), map(_error, errors))
    yield from ("", *_entry("Problem"))
    yield from ("", "## The version", "", f"`__version__`: {_SPECIAL['__version__']}")


def _error(name: str) -> tuple[str, str]:
    doc = inspect.cleandoc(getattr(calendly_connector, name).__doc__ or "")
    return f"[`{name}`](errors.md#{anchor(name)})", escaped(doc)


def _module_of(name: str) -> str:
    """Return the module that defines a public name, without the package's name."""
    found = getattr(calendly_connector, name)
    module: str = getattr(found, "__module__", "") or PLACES[name]
    return module.removeprefix(f"{_ROOT}.") if name not in _SPECIAL else PLACES[name]


def _entry(name: str) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if name in _SPECIAL:
        yield _SPECIAL[name]
        return
    module = _module_of(name) if name != "Problem" else "errors"
    definition = signatures.definitions(_ROOT, module)[name]
    if isinstance(definition, ast.FunctionDef):
        yield code(signatures.signature(definition))
        yield ""
        yield escaped(signatures.paragraphs(definition)[0])
        return
    yield "\n\n".join(map(_paragraph, signatures.paragraphs(definition)))
    members = list(signatures.members(definition))
    plain = [one.text for one in members if not one.doc]
    explained = [one for one in members if one.doc]
    if explained and len(plain) < len(members) and not _is_data(members):
        plain = []  # those of the contract, which explains them
    if fields := [*signatures.fields(definition), *plain]:
        yield from ("", f"Fields: {codes(fields)}.")
    if explained:
        yield ""
        yield from table(("member", "what it is"), ((code(one.text), escaped(one.doc)) for one in explained))


def _is_data(members: list[signatures.Member]) -> bool:
    return not any("(" in one.text for one in members)


def _paragraph(text: str) -> str:
    """Return a paragraph of a docstring as Markdown: a list stays one, an example becomes a block."""
    if text.startswith("- "):
        return "\n".join(f"- {escaped(item)}" for item in text.removeprefix("- ").split("\n- "))
    if text.startswith("    "):
        return f"```text\n{inspect.cleandoc(text)}\n```"
    return escaped(text)
