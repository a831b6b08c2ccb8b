"""Sealing credentials: AES-256-GCM, with the credential's name bound into every ciphertext."""

import json
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from os import urandom

from ...errors import VaultError

_KEY_SIZE = 32  # bytes
_NONCE_SIZE = 12  # bytes, the size that GCM is made for
_PURPOSE = b"calendly-connector vault 1"
_OR_ELSE = (
    ", or set it as CALENDLY_CONNECTOR_KEY. If it is gone for good, move the vault away and add the "
    "credentials again. Nothing was changed."
)


@dataclass(frozen=True, slots=True)
class Key:
    """A key of 256 random bits. `id` tells keys apart and says nothing about them."""

    id: str
    secret: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The key as people copy it."""
        return urlsafe_b64encode(self.secret).decode()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A credential under a key: the key's id, and nonce and ciphertext as text."""

    key_id: str
    text: str


def new_key() -> Key:
    """Make a key."""
    return _key(urandom(_KEY_SIZE))


def read_key(text: str) -> Key:
    """Read a key: 32 bytes as base64, in either alphabet. Raises ValueError, without the text in it."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        secret = b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (NotBase64, ValueError):
        secret = b""
    if len(secret) != _KEY_SIZE:
        raise ValueError("not 32 bytes in base64")
    return _key(secret)


class Sealer:
    """Seals with the first of its keys, and opens with all. `place` and `keys_place` are for messages."""

    def __init__(self, keys: Sequence[Key], place: str, keys_place: str) -> None:
        self._keys = {key.id: key for key in reversed(keys)}
        self._first = keys[0] if keys else None
        self._place = place
        self._keys_place = keys_place

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the keys that are at hand."""
        return tuple(self._keys)

    def must_know(self, key_ids: Iterable[str]) -> None:
        """Refuse to go on where something is sealed with a key that is not at hand."""
        if set(key_ids) - self._keys.keys():
            raise self._no_key()

    def seal(self, name: str, credential: Mapping[str, str]) -> Sealed:
        """Seal a credential under its name."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._first
        if key is None:
            raise self._no_key()
        nonce = urandom(_NONCE_SIZE)
        plain = json.dumps(dict(credential)).encode()
        text = nonce + AESGCM(key.secret).encrypt(nonce, plain, _bound(key, name))
        return Sealed(key.id, urlsafe_b64encode(text).decode())

    def unseal(self, name: str, sealed: Sealed) -> dict[str, str]:
        """Open what was sealed under this very name."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._keys.get(sealed.key_id)
        if key is None:
            raise self._no_key()
        try:
            text = b64decode(sealed.text, altchars=b"-_", validate=True)
            nonce, ciphertext = text[:_NONCE_SIZE], text[_NONCE_SIZE:]
            plain = AESGCM(key.secret).decrypt(nonce, ciphertext, _bound(key, name))
        except (InvalidTag, ValueError):
            raise VaultError(
                f"The credential {name!r} in {self._place} is damaged, or was changed by somebody.",
                fix="Restore a copy of the vault, or remove this credential and add it again.",
                reason="damaged",
            ) from None
        credential: dict[str, str] = json.loads(plain)
        return credential

    def _no_key(self) -> VaultError:
        if not self._keys:
            return VaultError(
                f"The key of the vault {self._place} is lost: there is none in {self._keys_place}.",
                fix=f"Restore it{_OR_ELSE}",
                reason="no_key",
            )
        return VaultError(
            f"The vault {self._place} was sealed with another key than that in {self._keys_place}.",
            fix=f"Restore the right key{_OR_ELSE}",
            reason="wrong_key",
        )


def _key(secret: bytes) -> Key:
    return Key(sha256(b"calendly-connector key id" + secret).hexdigest()[:16], secret)


def _bound(key: Key, name: str) -> bytes:
    return b"\0".join((_PURPOSE, key.id.encode(), name.encode()))
