"""The search terms of the activity log: words, "phrases", `pre*`, `-not`, `a | b`, `(groups)`. Pure.

Adjacent terms must all match, as if joined by `+`. Malformed terms are read as well as possible; there are
no errors.
"""

import re
from collections.abc import Callable

_MAX_OPERATORS = 40

TextTest = Callable[[str], bool]

_TOKEN = re.compile(r'"([^"]*)"?|([|()+-])|([^\s|()"]+)')


def compile_term(term: str) -> TextTest:
    """Return a function that checks whether a text matches a search term."""
    return _TermParser(term).alternatives()


class _TermParser:
    """A recursive-descent parser."""

    def __init__(self, term: str) -> None:
        tokens = list(_TOKEN.finditer(term))
        operators = [index for index, token in enumerate(tokens) if token.group(2)]
        ignored = set(operators[_MAX_OPERATORS:])  # limits the nesting depth
        self._tokens = [token for index, token in enumerate(tokens) if index not in ignored][::-1]

    def _next_operator(self) -> str | None:
        return self._tokens[-1].group(2) if self._tokens else None

    def alternatives(self) -> TextTest:
        """Parse alternatives up to a closing parenthesis or the end."""
        choices = [self._all_of()]
        while self._next_operator() == "|":
            self._tokens.pop()
            choices.append(self._all_of())
        return lambda text: any(choice(text) for choice in choices)

    def _all_of(self) -> TextTest:
        tests = []
        while self._tokens and self._next_operator() not in {"|", ")"}:
            tests.append(self._single_test())
        return lambda text: all(test(text) for test in tests)

    def _single_test(self) -> TextTest:
        phrase, operator, word = self._tokens.pop().groups()
        if operator == "(":
            inner = self.alternatives()
            if self._next_operator() == ")":
                self._tokens.pop()
            return inner
        if operator:
            if not self._tokens or self._next_operator() in {"|", ")"}:
                return _match_all
            test = self._single_test()
            return (lambda text: not test(text)) if operator == "-" and test is not _match_all else test
        if phrase is not None:
            return _contains(re.escape(phrase))
        return _contains(re.escape(word[:-1]) + r"\w*" if word.endswith("*") else re.escape(word))


def _match_all(_text: str) -> bool:
    return True


def _contains(pattern: str) -> TextTest:
    compiled_pattern = re.compile(rf"(?<!\w){pattern}(?!\w)", re.IGNORECASE)
    return lambda text: compiled_pattern.search(text) is not None
