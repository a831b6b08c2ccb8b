"""Which credential is meant where a flow, or a command, names one or none."""

import os
from collections.abc import Iterator, Mapping


def chosen(name: str = "") -> dict[str, str]:
    """Give the stored credential of this name, else that of CALENDLY_CREDENTIAL, else a token.

    The token comes from the environment variables that its form names; where there is none, the credential
    has none, and a check says so.
    """
    if stored := name or os.environ.get("CALENDLY_CREDENTIAL", ""):
        return {"kind": "stored", "name": stored}
    found = {"kind": "personal_access_token"}
    for field_name, variable in _variables():
        found.setdefault(field_name, os.environ[variable])
    return found


def source_of(credential: Mapping[str, str], whose: str = "") -> str:
    """Say in words where `chosen` found a credential, for `connect`; `whose` variables it read, if needed.

    Empty for a stored credential: `connect` knows its name.
    """
    if credential["kind"] == "stored":
        return ""
    variable = next((variable for field, variable in _variables() if field == "token"), "")
    named = f"{variable or 'CALENDLY_API_TOKEN'} {whose}".rstrip()
    return named if variable else f"{named}, or store it: calendly-connector vault add NAME"


def _variables() -> Iterator[tuple[str, str]]:
    """Return the fields of a token's form with the environment variables that are set for them."""
    from ..catalog.manifest import manifest

    for name, field in manifest().credentials["personal_access_token"].fields.items():
        yield from ((name, variable) for variable in field.environment if os.environ.get(variable))
