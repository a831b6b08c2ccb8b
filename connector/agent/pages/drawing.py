"""The drawing of a flow, as a Mermaid diagram. Pure: texts of strangers become numbers of characters."""

from typing import Any, Final

from nicegui import ui

from ..flows.model import Flow, FlowTrigger, Step

_LONGEST: Final = 48
_MOST_STEPS: Final = 100
_COLORS: Final = {
    "primaryColor": "#0b5cad",
    "primaryTextColor": "#ffffff",
    "primaryBorderColor": "#0b5cad",
    "lineColor": "#808080",
}
_CONFIG: Final[dict[str, Any]] = {
    "securityLevel": "strict",
    "theme": "base",
    "themeVariables": _COLORS,  # they can be read on light and dark pages
    "flowchart": {"htmlLabels": False, "curve": "linear"},
}


def mermaid(flow: Flow) -> str:
    """Return the diagram of a flow: its trigger, and its steps one after the other."""
    lines = ["flowchart TD", f"  start([{_trigger(flow, flow.trigger)}])"]
    before = "start"
    for number, step in enumerate(flow.steps[:_MOST_STEPS]):
        lines += [f"  s{number}{_step(flow, step)}", f"  {before} --> s{number}"]
        before = f"s{number}"
    return "\n".join(lines)


def draw(flow: Flow) -> ui.mermaid:
    """Show the drawing of a flow. Set its `content` when the flow changes."""
    return ui.mermaid(mermaid(flow), config=_CONFIG).classes("w-full").props("role=img aria-label='Drawing'")


def _trigger(flow: Flow, trigger: FlowTrigger) -> str:
    connector = _connector(flow, trigger.connection)
    match trigger.type:
        case "triggered":
            how = "Triggered"
        case "polling":
            how = "Polling"
        case "manual":
            how = "By hand"
    return _label(how, connector, ", ".join(trigger.events))


def _step(flow: Flow, step: Step) -> str:
    label = _label(
        step.id or "step",
        " ".join(filter(None, (_connector(flow, step.call.connection), step.call.action))),
        f"for each {step.for_each}" if step.for_each else "",
        "with conditions" if step.conditions else "",
    )
    return f"{{{{{label}}}}}" if step.conditions else f"[[{label}]]" if step.for_each else f"[{label}]"


def _connector(flow: Flow, name: str) -> str:
    return flow.connections[name].connector if name in flow.connections else ""


def _label(*lines: str) -> str:
    return f'"{"<br/>".join(_text(line) for line in lines if line)}"'


def _text(text: str) -> str:
    """Return a text in which nothing means anything to Mermaid or a browser."""
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return "".join(
        letter if _is_plain(letter) else f"#{ord(letter)};" for letter in short if letter.isprintable()
    )


def _is_plain(letter: str) -> bool:
    return letter.isascii() and (letter.isalnum() or letter == " ")
