"""What a scope includes, and how to get a token with it. Pure.

Facts: https://developer.calendly.com/release-notes/2026/3/3
"""

from collections.abc import Collection, Iterable, Sequence

SUBSCRIBE = "webhooks:write"
_ALL = "default"  # held by apps from before scopes existed


def covers(held: Collection[str], scope: str) -> bool:
    """Return whether a token with the scopes `held` may do what needs `scope`: write includes read."""
    family, _, right = scope.partition(":")
    return scope in held or _ALL in held or (right == "read" and f"{family}:write" in held)


def minimal(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return the scopes without those that another one includes, sorted."""
    wanted = frozenset(scopes)
    return tuple(sorted(scope for scope in wanted if not covers(wanted - {scope}, scope)))


def scope_advice(scopes: Sequence[str], *, place: str = "", login: str = "") -> str:
    """Return how to get a token with these scopes.

    `place` is where the token is stored, `login` the command that signs in again.
    """
    if login:
        return f"Sign in again for {', '.join(scopes)}: {login}"
    if place:
        return f"Create a token that also has {', '.join(scopes)} and put it in {place}."
    return f"Create a token with {' and '.join(scopes)}, or sign in again with these scopes."
