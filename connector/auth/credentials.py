"""A credential as a caller hands it over: of a kind that exists, with that kind's fields."""

from collections.abc import Mapping

from ..catalog import manifest
from ..errors import InvalidCredential
from ..support.redaction import quoted


def checked(credential: Mapping[str, str]) -> dict[str, str]:
    """Return the credential if its kind, fields and choices are known; `check` judges the token itself."""
    forms = manifest.manifest().credentials
    if not isinstance(credential, Mapping) or not all(isinstance(name, str) for name in credential):
        raise InvalidCredential("The credential must be an object of texts.")
    wrong = sorted(name for name, value in credential.items() if not isinstance(value, str))
    if wrong:
        raise InvalidCredential(f"The credential's {', '.join(wrong)} must be text.")
    kind = credential.get("kind", "")
    if kind not in forms:
        raise InvalidCredential(
            f"There is no kind of credential {quoted(kind)}."
            if kind
            else "The credential does not say its kind.",
            fix=f"Give kind as one of: {', '.join(forms)}.",
        )
    unknown = sorted(credential.keys() - forms[kind].fields.keys() - {"kind"})
    if unknown:
        raise InvalidCredential(
            f"A {kind} has no field {', '.join(unknown)}.",
            fix=f"Its fields: {', '.join(forms[kind].fields)}.",
        )
    for name, field in forms[kind].fields.items():
        value = credential.get(name)
        if value and field.choices and value not in field.choices:
            raise InvalidCredential(
                f"The credential's {name} is {value!r}.",
                fix=f"Set it to {' or '.join(field.choices)}, or leave it out.",
            )
    return dict(credential)


def opened(credential: dict[str, str]) -> tuple[dict[str, str], str]:
    """Return the credential itself where only its name in the vault was given, and that name."""
    if credential["kind"] != "stored":
        return credential, ""
    from .vault import open_vault

    name = credential.get("name", "")
    held = open_vault().get(name)
    if held.get("kind") == "webhook_subscription":
        raise InvalidCredential(
            f"{name!r} is a webhook subscription with its key, and nothing to sign in with.",
            fix="Give the name of a credential: `calendly-connector vault list` shows them.",
        )
    held = checked(held)
    if held["kind"] == "stored":
        raise InvalidCredential(f"The stored credential {name!r} is only the name of another.")
    return held, name
