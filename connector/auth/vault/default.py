"""The credential that is used if none is named: the one that was chosen, or the only one in the vault.

The choice is in a file beside the vault, or in the user's data folder if the vault is a database.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UnknownCredential
from ...support.redaction import quoted
from . import files
from .names import credential_names, name_hash, validate_name

if TYPE_CHECKING:
    from . import Vault

_LOCK_TIMEOUT_S = 60.0


def default_credential(vault: "Vault") -> str:
    """Return the name of the default credential, "" if there isn't one. It needs no key.

    A chosen credential that isn't in the vault any more is returned, too: using another one instead could
    act for another account.
    """
    if name := _chosen(vault):
        return name
    names = credential_names(vault.names())
    return names[0] if len(names) == 1 else ""


def choose_default(vault: "Vault", name: str) -> str:
    """Make a credential the default from now on; return its name. Raises UnknownCredential, VaultError."""
    name = validate_name(name)
    if name not in credential_names(vault.names()):
        raise UnknownCredential(
            f"No credential named {quoted(name)} in {vault.place}.",
            fix="Run `calendly-connector vault list` to see the names, or `login` to add one.",
        )
    path = _file(vault)
    with files.file_lock(path.with_name(f"{path.name}.lock"), _LOCK_TIMEOUT_S, "The default credential"):
        files.replace(path, f"{name}\n".encode())
    return name


def forget_default(vault: "Vault", name: str) -> None:
    """If a credential is the chosen one, choose none."""
    if _chosen(vault) == name:
        _file(vault).unlink(missing_ok=True)


def _chosen(vault: "Vault") -> str:
    content = files.read(_file(vault), secret=False)
    return "" if content is None else content.decode(errors="replace").strip()


def _file(vault: "Vault") -> Path:
    if "://" not in vault.place:
        return Path(f"{vault.place}.default")
    import platformdirs

    folder = platformdirs.user_data_path("calendly-connector", appauthor=False)
    return folder / f"vault-{name_hash(vault.place)[:16]}.default"
