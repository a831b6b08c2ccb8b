"""A report on a credential, as a person reads it. Pure."""

from dataclasses import dataclass
from typing import Final

from ...contract import Ability, CheckReport

_ORDER: Final[tuple[tuple[Ability, str], ...]] = (
    ("can", "can do"),
    ("cannot", "cannot do"),
    ("unknown", "may be able to do"),
)
_STATES: Final = {"granted": "granted", "refused": "missing", "untried": "not tried"}
_SKEW_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Abilities:
    """The actions of one ability: how many, and which for each reason."""

    ability: Ability
    words: str
    count: int
    reasons: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def heading(self) -> str:
        """A heading with the number."""
        return f"{self.words.capitalize()}: {self.count} action{'' if self.count == 1 else 's'}"


def abilities(report: CheckReport) -> list[Abilities]:
    """Return what a credential can, cannot and may be able to do, each by reason."""
    found = []
    for ability, words in _ORDER:
        by_reason: dict[str, list[str]] = {}
        for action, verdict in report.actions.items():
            if verdict.ability == ability:
                by_reason.setdefault(verdict.reason, []).append(action)
        count = sum(map(len, by_reason.values()))
        if count:
            reasons = tuple((reason, tuple(actions)) for reason, actions in by_reason.items())
            found.append(Abilities(ability, words, count, reasons))
    return found


def facts(report: CheckReport) -> list[tuple[str, str]]:
    """Return what is known about the credential, as labels with values."""
    user = report.user or {}
    known = [
        ("Signed in as", " ".join(filter(None, [_text(user.get("name")), _in_brackets(user.get("email"))]))),
        ("Time zone", _text(user.get("timezone"))),
        ("Organization", _text(report.organization)),
        ("Role", _text(report.role)),
        ("Owner", _text(report.owner if report.owner != user.get("uri") else None)),
        ("Access token expires", _text(report.expires_at)),
        ("Rate limit", _headroom(report)),
        ("Clock", _clock(report.clock_skew_s)),
    ]
    return [(label, value) for label, value in known if value]


def scopes(report: CheckReport) -> list[tuple[str, list[str]]]:
    """Return the scopes by what is known about each: granted, missing or not tried."""
    by_state: dict[str, list[str]] = {}
    for scope, state in sorted(report.scopes.items()):
        by_state.setdefault(_STATES.get(state, state), []).append(scope)
    return [(state, by_state[state]) for state in _STATES.values() if state in by_state]


def _headroom(report: CheckReport) -> str:
    limit = report.rate_limit
    if limit is None:
        return ""
    reset = f"; the count restarts in {limit.reset_s} s" if limit.reset_s is not None else ""
    return f"{limit.remaining} of {limit.limit} requests left{reset}"


def _clock(skew_s: float | None) -> str:
    if skew_s is None:
        return ""
    if abs(skew_s) <= _SKEW_S:
        return "in step with the application's"
    return f"{abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} the application's"


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _in_brackets(value: object) -> str:
    return f"({value})" if value else ""
