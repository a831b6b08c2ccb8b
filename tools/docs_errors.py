"""The parts of docs/reference/errors.md: classes and messages, outcomes of a check, states of events."""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from calendly_connector import errors
from calendly_connector.cli.flow_runs import _STATES as RUN_STATES
from calendly_connector.cli.webhooks import _STATES as INBOX_STATES
from calendly_connector.errors import ConnectorError
from calendly_connector.events.subscriptions.audit import _REPAIRS, Kind
from calendly_connector.http.api_errors import CASES, Case

import docs_error_samples as samples
from docs_text import anchor, code, codes, escaped, table

_STATUS: Final = {
    "Unauthenticated": "401",
    "PermissionDenied": "403",
    "NotFound": "404",
    "Rejected": "other 4xx",
    "RateLimited": "429",
    "CalendlyDown": "5xx",
}
_SOMETIMES: Final = {
    "CalendlyDown": "unless it may have happened",
    "NoAnswer": "unless it may have happened",
    "Rejected": "if Calendly says so",
    "InboxError": "unless it is damaged",
    "VaultError": "if it is in use",
    "DestinationError": "if nothing was written",
}
_RUNS: Final = {
    "waiting": "It waits for a free place, or is running.",
    "delayed": "A call failed and is tried again later.",
    "paused": "Its flow is paused. It continues when you resume the flow.",
    "done": "All steps succeeded.",
    "filtered": "Its event isn't one that the flow's trigger selects.",
    "failed": "A step failed for good: a dead letter. Repair the cause, then run `flow replay`.",
    "needs_person": "A write was sent, and nothing shows whether it happened: a dead letter. Look in the "
    "application, then run `flow decide`.",
}
_SUBSCRIPTIONS: Final[Mapping[str, str]] = {
    "healthy": "Active, and its key is stored here.",
    "retrying": "Posts to it fail. Calendly disables it after 24 hours.",
    "disabled": "Calendly disabled it. Events that happen now aren't sent.",
    "pending": "Its creation was started, but the reply is unknown.",
    "duplicated": "A newer one posts all its events to the same address.",
    "overlapping": "A newer one posts some of its events, too. The inbox delivers each event once.",
    "orphaned": "This connector created its address, but its key isn't stored here.",
    "forgotten": "Its key is stored here, but Calendly no longer has it.",
    "unseen": "This credential can't list it.",
    "unlisted": "The list that it would be in can't be read.",
    "foreign": "Something else created it.",
}


def parts() -> dict[str, Callable[[], Iterator[str]]]:
    """Return the makers of the generated parts of the page."""
    return {
        "classes": _all_classes,
        "advice": _advice,
        "network": _network,
        "checks": _checks,
        "signatures": _signatures,
        "inbox": lambda: _pairs("state", INBOX_STATES),
        "runs": lambda: _pairs("state", {state: _RUNS[state] for state in RUN_STATES}),
        "subscriptions": _subscriptions,
    }


def _all_classes() -> Iterator[str]:
    found = {type(error).__name__: error for error in samples.samples()}
    titles = ("error", "code", "Calendly's status", "retryable", "exit code")
    yield from table(titles, map(_row, _classes()))
    for kind in _classes():
        yield from ("", *_section(kind, found.get(kind.__name__)))


def _classes(base: type[ConnectorError] = ConnectorError) -> Iterator[type[ConnectorError]]:
    """Yield all classes of errors, each after its base class."""
    yield base
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield from _classes(kind)


def _row(kind: type[ConnectorError]) -> tuple[str, ...]:
    name = kind.__name__
    retryable = _SOMETIMES.get(name) or ("yes" if kind.retryable else "no")
    exit_code = "2" if issubclass(kind, errors.UsageError) else "1"
    return f"[`{name}`](#{anchor(name)})", code(kind.code), _STATUS.get(name, ""), retryable, exit_code


def _section(kind: type[ConnectorError], sample: ConnectorError | None) -> Iterator[str]:
    yield f"### {kind.__name__}"
    yield ""
    yield escaped(inspect.cleandoc(kind.__doc__ or ""))
    base = kind.__bases__[0]
    kind_of = f"A kind of [`{base.__name__}`](#{anchor(base.__name__)})."
    own = f"Fields: {codes(fields)}." if (fields := _fields(kind)) else ""
    if more := " ".join(filter(None, [kind_of if issubclass(base, ConnectorError) else "", own])):
        yield ""
        yield more
    if sample is not None:
        yield from ("", "```text", str(sample), "```")


def _fields(kind: type[ConnectorError]) -> list[str]:
    """Return the fields that a class adds to `message`, `fix` and `retryable`."""
    names: list[str] = []
    for one in reversed(kind.__mro__):
        if one is ConnectorError or "__init__" not in vars(one) or not issubclass(one, ConnectorError):
            continue
        names += [name for name in inspect.signature(one).parameters if name not in names]
    return [name for name in names if name not in {"self", "message", "fix", "retryable", "reply"}]


def _advice() -> Iterator[str]:
    rows = (
        (
            str(case.status),
            escaped(f"“{case.says}”") if case.says else "anything else",
            code(_call(case)) if case.call else "any",
            case.reason if case.status == 403 else "",  # noqa: PLR2004 - the status
            escaped(case.fix),
        )
        for case in CASES
    )
    yield from table(("status", "Calendly says", "call", "reason", "what to do"), rows)
    yield ""
    lacking = samples.answered(403, required_scopes=["scheduled_events:read"])
    yield f"A 403 that lists scopes has the reason `scope`: {escaped(lacking.fix)}"


def _call(case: Case) -> str:
    return re.sub(r"\[\^/\]\+", "{uuid}", case.call)


def _network() -> Iterator[str]:
    rows = (
        (
            code(str(vars(error)["reason"])),
            escaped(error.message),
            escaped(error.fix),
            "yes" if error.retryable else "no",
        )
        for error in samples.network_failures()
    )
    yield from table(("reason", "message", "what to do", "retryable"), rows)


def _checks() -> Iterator[str]:
    rows = (
        (code(report.outcome), escaped(report.message), escaped(report.fix)) for report in samples.checks()
    )
    yield from table(("outcome", "message", "what to do"), rows)


def _signatures() -> Iterator[str]:
    rows = (
        (code(str(vars(error)["reason"])), escaped(error.message), escaped(error.fix))
        for error in samples.signature_failures()
    )
    yield from table(("reason", "message", "what to do"), rows)


def _subscriptions() -> Iterator[str]:
    rows = ((code(kind), _SUBSCRIPTIONS[kind], _REPAIRS.get(kind, "none")) for kind in _kinds())
    yield from table(("state", "meaning", "repair"), rows)


def _kinds() -> Iterable[Kind]:
    kinds: Iterable[Kind] = Kind.__args__
    return kinds


def _pairs(title: str, meanings: Mapping[str, str]) -> Iterator[str]:
    rows = ((code(name), _sentence(text)) for name, text in meanings.items())
    yield from table((title, "meaning"), rows)


def _sentence(text: str) -> str:
    text = escaped(text)
    return f"{text[0].upper()}{text[1:]}".rstrip(".") + "."
