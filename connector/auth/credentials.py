"""Credentials: chosen by name or from the environment, checked against their form, read from the vault.

See docs/decisions/one-credential-one-place.md and docs/decisions/stored-is-a-kind.md.
"""

import os
from collections.abc import Mapping
from shlex import quote

from ..catalog.manifest import credential_form, manifest
from ..contract import CredentialStore, Field
from ..errors import InvalidCredential
from ..http.api_errors import CredentialLocation
from ..support.redaction import quoted
from .stores import HostStore, require_strings


def find_credential(name: str = "") -> dict[str, str]:
    """Return the stored credential `name`, else that in CALENDLY_CREDENTIAL, else a token, else the default.

    The token comes from the environment variables that its form names, the default from the vault
    (`vault/default.py`). Without any of them the credential holds no token, which `check` reports.
    """
    if stored := name or os.environ.get("CALENDLY_CREDENTIAL", ""):
        return {"kind": "stored", "name": stored}
    found = {"kind": "personal_access_token"}
    for field, variable in _variables().items():
        found[field] = os.environ[variable]
    if "token" not in found and (default := _default()):
        return {"kind": "stored", "name": default}
    return found


def credential_source(credential: Mapping[str, str], whose: str = "") -> str:
    """Return where `find_credential` found a credential, as `source` of `connect`.

    `whose` names the process that read the variables ("of the MCP server"). Empty for a stored credential:
    `connect` knows its name.
    """
    if credential["kind"] == "stored":
        return ""
    variable = _variables().get("token")
    place = f"{variable or 'CALENDLY_API_TOKEN'} {whose}".rstrip()
    if variable:
        return place
    from .vault import open_vault
    from .vault.names import credential_names

    if names := credential_names(open_vault().names()):
        return f"{place}, or choose one of {', '.join(names)}: calendly-connector use NAME"
    return f"{place}, or sign in: calendly-connector login"


def _default() -> str:
    from .vault import open_vault
    from .vault.default import default_credential

    return default_credential(open_vault())


def load(
    credential: Mapping[str, str], store: CredentialStore | None = None
) -> tuple[dict[str, str], str, CredentialStore | None]:
    """Return a valid credential, and for a stored one its name and its store, by default the vault.

    Raises InvalidCredential, and for a stored credential UnknownCredential or VaultError.
    """
    credential = valid(credential)
    if credential["kind"] != "stored":
        return credential, "", None
    name = credential.get("name", "")
    if store is None:
        from .vault import open_vault

        kept_in: CredentialStore = open_vault()
    else:
        kept_in = HostStore(store)
    stored = kept_in.get(name)
    if stored.get("kind") == "webhook_subscription":
        raise InvalidCredential(
            f"{name!r} is a webhook subscription and its signing key; it can't sign in.",
            fix="Pass the name of a credential. List them: calendly-connector vault list",
        )
    stored = valid(stored)
    if stored["kind"] == "stored":
        raise InvalidCredential(f"The stored credential {name!r} only refers to another one by name.")
    return stored, name, kept_in


def credential_location(
    credential: Mapping[str, str], name: str, source: str, *, is_for_calendly: bool, in_host: bool = False
) -> CredentialLocation:
    """Return where a credential is kept: as `name` in the vault or, if `in_host`, in a store of the host.

    Without a name it is in `source`, or in the code that passed it. Tokens of a sandbox (not
    `is_for_calendly`) may have any form.
    """
    token = credential.get("token", "")
    if name and not in_host:
        source = f"the stored credential {name!r} (calendly-connector vault add {quote(name)} --replace)"
    elif name and not source:
        source = f"the credential {name!r}"
    return CredentialLocation(
        **({"place": source} if source else {}),
        oauth=credential["kind"] == "oauth",
        name=name,
        in_host=in_host or bool(source and not name),
        unfamiliar=is_for_calendly and "eyJ" not in token,
    )


def valid(credential: Mapping[str, str]) -> dict[str, str]:
    """Return the credential if its kind, fields and choices are known; `check` judges the token."""
    credential = require_strings(credential)
    kinds = manifest().credential_kinds
    kind = credential.get("kind", "")
    if kind not in kinds:
        raise InvalidCredential(
            f"Unknown credential kind {quoted(kind)}." if kind else "The credential has no kind.",
            fix=f"Set kind to one of: {', '.join(kinds)}.",
        )
    form = credential_form(kind)
    unknown = sorted(credential.keys() - {field.name for field in form.all_fields} - {"kind"})
    if unknown:
        raise InvalidCredential(
            f"Unknown field for kind {kind}: {', '.join(unknown)}.",
            fix=f"Its fields: {', '.join(field.name for field in form.fields)}.",
        )
    for field in form.fields:
        value = credential.get(field.name)
        if value and field.choices and value not in {choice.value for choice in field.choices}:
            raise InvalidCredential(
                f"The credential's {field.name} is {quoted(value)}.", fix=_how_to_choose(field)
            )
    return credential


def _how_to_choose(field: Field) -> str:
    """Return the choices of a field, as "Set it to trial or enterprise, or omit it (Any other plan)."."""
    values = " or ".join(choice.value for choice in field.choices if choice.value)
    empty = "".join(f", or omit it ({choice.label})" for choice in field.choices if not choice.value)
    return f"Set it to {values}{empty}."


def _variables() -> dict[str, str]:
    """Return the first environment variable that is set for each field of a token's form."""
    found: dict[str, str] = {}
    for field in credential_form("personal_access_token").fields:
        for variable in field.environment:
            if os.environ.get(variable):
                found.setdefault(field.name, variable)
    return found
