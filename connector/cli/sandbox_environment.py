"""The environment of a process that uses a sandbox in place of Calendly, and a vault of its own."""

import base64
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..auth.vault import Vault


@contextmanager
def sandbox_environment(url: str, folder: Path) -> Iterator["Vault"]:
    """Yield a new vault in a folder. Meanwhile, all of this process uses it, and the sandbox at `url`.

    Otherwise a connection would keep the keys of the sandbox's webhooks in your own vault.
    """
    from ..auth.vault import open_vault
    from ..auth.vault.keys import KEY_VARIABLE
    from ..auth.vault.names import VAULT_VARIABLE

    names = {
        VAULT_VARIABLE: str(folder / "vault.json"),
        KEY_VARIABLE: base64.b64encode(secrets.token_bytes(32)).decode(),
        "CALENDLY_API_URL": url,
        "CALENDLY_AUTH_URL": url,
    }
    with variables(names):
        yield open_vault()


@contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables within the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
