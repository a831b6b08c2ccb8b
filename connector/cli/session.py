"""What every command that signs in shares: the credential from the environment."""

import os
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..plugin import CalendlyConnection


def credential() -> dict[str, str]:
    """Read a personal access token's fields from the variables that its form names."""
    from ..manifest import manifest

    fields = manifest().credentials["personal_access_token"].fields
    found = {"kind": "personal_access_token"}
    for name, field in fields.items():
        values = (os.environ[variable] for variable in field.environment if os.environ.get(variable))
        if value := next(values, None):
            found[name] = value
    return found


def connect() -> "closing[CalendlyConnection]":
    """Give a connection made from the environment, to be used in a `with`."""
    from ..plugin import connector

    return closing(connector.connect(credential()))
