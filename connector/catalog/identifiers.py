"""Converts between resource URIs and the ids at their end. Pure.

`forms` maps each accepted kind of resource to the path of its URIs, such as `/users/{uuid}` or
`/scheduled_events/{event}/invitees/{uuid}`. URIs on Calendly's own origin are accepted with any configured
origin; those on any other host are rejected before anything is sent.

An id on its own must have one of the two forms of Calendly's ids, so a mistyped name isn't sent as an id.
Inside a URI an id may have any form.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from .json_schema import Schema
from .pick_lists import has_names

_ID: Final = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # Calendly's ids today
    r"|[A-Z0-9]{16}"  # until 2023
)
_STEP: Final = re.compile(r"[A-Za-z0-9_-]+")


def is_id(text: str) -> bool:
    """Return whether a text is an id: a UUID, or 16 capital letters and digits."""
    return bool(_ID.fullmatch(text))


def is_name(text: str, field: Schema) -> bool:
    """Return whether a text can be a name in the field's pick list: it isn't an id and has no slash."""
    readable = text.strip() and text.isprintable() and not set(text) & set("/\\")
    return has_names(field) and bool(readable) and not is_id(text)


def resource_id(value: str, forms: Mapping[str, str], origins: Iterable[str]) -> str:
    """Return the id in a resource's URI, or the id itself. Raises ValueError with the reason."""
    if is_id(value):
        return value
    path = _path(value, origins)
    for form in forms.values():
        if ids := _ids(path, form):
            return list(ids.values())[-1]
    kinds = " or ".join(forms)
    steps = path.split("/")[1:]
    # Collection and id alternate in all but a few URIs.
    if steps and len(steps) % 2 == 0 and all(map(_STEP.fullmatch, steps)) and steps[-2] not in forms:
        raise ValueError(f"is a URI of {steps[-2]}; expected {kinds}")
    raise ValueError(f"must be a URI of {kinds}, or the id at the end of one")


def resource_uri(value: str, forms: Mapping[str, str], origins: Sequence[str]) -> str:
    """Return a resource's URI; an id becomes a URI on the first origin. Raises ValueError with the reason."""
    last = resource_id(value, forms, origins)
    if last != value:
        return value
    form = next(iter(forms.values()))
    if form.count("{") > 1:
        raise ValueError("must be a full URI: the id at its end isn't enough")
    return origins[0] + form.replace("{uuid}", last)


def ids_within(uri: str, form: str, origins: Iterable[str]) -> dict[str, str]:
    """Return all ids in a URI of the given form, by name; empty if it doesn't match."""
    return _ids(_path(uri, origins), form)


def _path(uri: str, origins: Iterable[str]) -> str:
    """Return the path of a URI on one of the origins; empty if it isn't a URI."""
    for origin in origins:
        if f"{uri}/".startswith(f"{origin}/"):
            return uri[len(origin) :]
    if "://" in uri:
        raise ValueError("is a URI on a host other than Calendly's; nothing was sent")
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
