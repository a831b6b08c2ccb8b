"""The search terms of the activity log: words, "phrases", `pre*`, `-not`, `a | b`, `(groups)`. Pure.

Words side by side must all be found, as with a `+` between them. Whatever is not well formed is read as
well as it can be; nothing is refused.
"""

import re
from collections.abc import Callable

_MAX_SIGNS = 40

TextTest = Callable[[str], bool]

_TOKEN = re.compile(r'"([^"]*)"?|([|()+-])|([^\s|()"]+)')


def compile_term(term: str) -> TextTest:
    """Make a test for texts."""
    return _TermParser(term).alternatives()


class _TermParser:
    """Reads the tokens from left to right."""

    def __init__(self, term: str) -> None:
        tokens = list(_TOKEN.finditer(term))
        signs = [index for index, token in enumerate(tokens) if token.group(2)]
        ignored = set(signs[_MAX_SIGNS:])  # how deep a term nests is bounded by them
        self._tokens = [token for index, token in enumerate(tokens) if index not in ignored][::-1]

    def _next_sign(self) -> str | None:
        return self._tokens[-1].group(2) if self._tokens else None

    def alternatives(self) -> TextTest:
        """Read up to a closing parenthesis or the end."""
        choices = [self._all_of()]
        while self._next_sign() == "|":
            self._tokens.pop()
            choices.append(self._all_of())
        return lambda text: any(choice(text) for choice in choices)

    def _all_of(self) -> TextTest:
        tests = []
        while self._tokens and self._next_sign() not in {"|", ")"}:
            tests.append(self._one())
        return lambda text: all(test(text) for test in tests)

    def _one(self) -> TextTest:
        phrase, sign, word = self._tokens.pop().groups()
        if sign == "(":
            inner = self.alternatives()
            if self._next_sign() == ")":
                self._tokens.pop()
            return inner
        if sign:
            wanted = self._one() if self._tokens and self._next_sign() not in {"|", ")"} else _anything
            return (lambda text: not wanted(text)) if sign == "-" and wanted is not _anything else wanted
        if phrase is not None:
            return _found(re.escape(phrase))
        return _found(re.escape(word[:-1]) + r"\w*" if word.endswith("*") else re.escape(word))


def _anything(_text: str) -> bool:
    return True


def _found(pattern: str) -> TextTest:
    compiled_pattern = re.compile(rf"(?<!\w){pattern}(?!\w)", re.IGNORECASE)
    return lambda text: compiled_pattern.search(text) is not None
