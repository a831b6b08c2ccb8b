"""Reads the credential of a destination, and checks its kind and fields."""

import re
from collections.abc import Iterator, Mapping

from ...contract import CredentialKind, CredentialStore, Field
from ...errors import InvalidCredential
from ...support.redaction import quoted
from .declarations import DeclaredManifest


def load(
    manifest: DeclaredManifest, credential: Mapping[str, str], store: CredentialStore | None
) -> dict[str, str]:
    """Return a checked credential without its empty fields. Raises InvalidCredential.

    One of the kind `stored` is read from `store`, by default the vault.
    """
    if credential.get("kind") == "stored":
        name = credential.get("name", "")
        if store is None:
            from ...auth.vault import open_vault

            store = open_vault()
        credential = store.get(name)
    if not all(isinstance(value, str) for value in credential.values()):
        raise InvalidCredential("Credential fields must be strings.")
    filled_in = {name: value for name, value in credential.items() if value}
    kind = manifest.credentials.get(filled_in.get("kind", ""))
    if kind is None:
        raise InvalidCredential(
            f"{manifest.name} has no credentials of the kind {quoted(credential.get('kind', ''))}.",
            fix=f"Set kind to one of: {', '.join(manifest.credentials)}.",
        )
    if problems := list(_problems(kind, filled_in)):
        raise InvalidCredential(
            f"The credential isn't valid: {'; '.join(problems)}.",
            fix=f"The fields of the kind {kind.id} are: {', '.join(field.path for field in kind.fields)}.",
        )
    return filled_in


def _problems(kind: CredentialKind, credential: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with a credential, without its values."""
    fields = {field.path: field for field in kind.fields}
    yield from (f"{name} isn't one of its fields" for name in credential.keys() - fields.keys() - {"kind"})
    for name, field in fields.items():
        if name in credential:
            if not _fits(field, credential[name]):
                yield f"{name} must be {field.expected or 'one of its choices'}"
        elif field.required:
            yield f"{name} is missing"


def _fits(field: Field, value: str) -> bool:
    if field.choices:
        return value in {choice.value for choice in field.choices}
    return not field.pattern or re.search(field.pattern, value) is not None
