"""Resources are named by URI, paths want the last part: from what a caller gives to what is wanted. Pure.

`forms` maps each kind of resource that fits to the path of its URIs, such as `/users/{uuid}` or
`/scheduled_events/{event}/invitees/{uuid}`. Whatever origin is configured, URIs on Calendly's own are
identifiers too; those on any other host are refused before a token leaves.

An id that stands alone has one of the two forms that Calendly's ids have, so that a mistyped name is not
sent as one. Inside a URI an id may have any form.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

_ID: Final = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # as Calendly makes them today
    r"|[A-Z0-9]{16}"  # as it did until 2023
)
_STEP: Final = re.compile(r"[A-Za-z0-9_-]+")


def is_id(text: str) -> bool:
    """Whether a text that stands alone is an id: a UUID, or 16 capitals and digits."""
    return bool(_ID.fullmatch(text))


def resource_id(value: str, forms: Mapping[str, str], origins: Iterable[str]) -> str:
    """Give the last part of a resource's URI, or the id as it is; ValueError says what is wrong."""
    if is_id(value):
        return value
    path = _path(value, origins)
    for form in forms.values():
        if ids := _ids(path, form):
            return list(ids.values())[-1]
    kinds = " or ".join(forms)
    steps = path.split("/")[1:]
    # Collection and id take turns in all but a few URIs.
    if steps and len(steps) % 2 == 0 and all(map(_STEP.fullmatch, steps)) and steps[-2] not in forms:
        raise ValueError(f"is a URI of {steps[-2]}; this wants {kinds}")
    raise ValueError(f"must be a URI of {kinds}, or the id at its end")


def resource_uri(value: str, forms: Mapping[str, str], origins: Sequence[str]) -> str:
    """Give a resource's URI; a bare id becomes one on the first origin, where that is enough to make it."""
    last = resource_id(value, forms, origins)
    if last != value:
        return value
    form = next(iter(forms.values()))
    if form.count("{") > 1:
        raise ValueError("must be the whole URI: its last part does not say which one is meant")
    return origins[0] + form.replace("{uuid}", last)


def ids_within(uri: str, form: str, origins: Iterable[str]) -> dict[str, str]:
    """Give all ids of a path from the URI that holds them; none where it does not fit."""
    return _ids(_path(uri, origins), form)


def _path(uri: str, origins: Iterable[str]) -> str:
    """Give the path of a URI on one of the origins, empty for what is no URI."""
    for origin in origins:
        if f"{uri}/".startswith(f"{origin}/"):
            return uri[len(origin) :]
    if "://" in uri:
        raise ValueError("is a URI on another host than Calendly's, refused before anything was sent")
    return ""


def _ids(path: str, form: str) -> dict[str, str]:
    given, wanted = path.split("/"), form.split("/")
    if len(given) != len(wanted):
        return {}
    ids = {}
    for step, value in zip(wanted, given, strict=True):
        if step.startswith("{") and _STEP.fullmatch(value):
            ids[step[1:-1]] = value
        elif step != value:
            return {}
    return ids
