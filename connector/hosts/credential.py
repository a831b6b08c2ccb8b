"""Which credential is meant where a flow, or a command, names one or none."""

import os


def chosen(name: str = "") -> dict[str, str]:
    """Give the stored credential of this name, else that of CALENDLY_CREDENTIAL, else a token.

    The token comes from the environment variables that its form names; where there is none, the credential
    has none, and a check says so.
    """
    from ..manifest import manifest

    if stored := name or os.environ.get("CALENDLY_CREDENTIAL", ""):
        return {"kind": "stored", "name": stored}
    found = {"kind": "personal_access_token"}
    for field_name, field in manifest().credentials["personal_access_token"].fields.items():
        values = (os.environ[variable] for variable in field.environment if os.environ.get(variable))
        if value := next(values, None):
            found[field_name] = value
    return found
