"""Encryption of credentials: AES-256-GCM, with the credential's name authenticated in every ciphertext."""

import json
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from os import urandom

from ...errors import VaultError

_KEY_SIZE = 32  # bytes
_NONCE_SIZE = 12  # bytes, GCM's standard size
_PURPOSE = b"calendly-connector vault 1"
_OTHERWISE = (
    ", or set it as CALENDLY_CONNECTOR_KEY. If it is permanently lost, move the vault away and add the "
    "credentials again. Nothing was changed."
)


@dataclass(frozen=True, slots=True)
class Key:
    """A key of 256 random bits. `id` identifies it without revealing it."""

    id: str
    secret: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The key in base64."""
        return urlsafe_b64encode(self.secret).decode()


@dataclass(frozen=True, slots=True)
class EncryptedCredential:
    """The id of the key, and nonce and ciphertext in base64."""

    key_id: str
    text: str


def new_key() -> Key:
    """Return a new random key."""
    return _key(urandom(_KEY_SIZE))


def read_key(text: str) -> Key:
    """Read a key: 32 bytes in either alphabet of base64. Raises ValueError, without the text in it."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        secret = b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (NotBase64, ValueError):
        secret = b""
    if len(secret) != _KEY_SIZE:
        raise ValueError("not 32 bytes in base64")
    return _key(secret)


class CredentialCipher:
    """Encrypts with the first of its keys and decrypts with any of them.

    `place` names the vault and `keys_place` the place of the keys, for errors. All methods raise VaultError.
    """

    def __init__(self, keys: Sequence[Key], place: str, keys_place: str) -> None:
        self._keys = {key.id: key for key in reversed(keys)}
        self._first = keys[0] if keys else None
        self._place = place
        self._keys_place = keys_place

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of the available keys."""
        return tuple(self._keys)

    def require_keys(self, key_ids: Iterable[str]) -> None:
        """Raise VaultError unless all these keys are available."""
        if set(key_ids) - self._keys.keys():
            raise self._missing_key()

    def encrypt(self, name: str, credential: Mapping[str, str]) -> EncryptedCredential:
        """Encrypt a credential under its name."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._first
        if key is None:
            raise self._missing_key()
        nonce = urandom(_NONCE_SIZE)
        plain = json.dumps(dict(credential)).encode()
        text = nonce + AESGCM(key.secret).encrypt(nonce, plain, _associated_data(key, name))
        return EncryptedCredential(key.id, urlsafe_b64encode(text).decode())

    def decrypt(self, name: str, encrypted: EncryptedCredential) -> dict[str, str]:
        """Decrypt a credential that was encrypted under this name."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._keys.get(encrypted.key_id)
        if key is None:
            raise self._missing_key()
        try:
            text = b64decode(encrypted.text, altchars=b"-_", validate=True)
            nonce, ciphertext = text[:_NONCE_SIZE], text[_NONCE_SIZE:]
            plain = AESGCM(key.secret).decrypt(nonce, ciphertext, _associated_data(key, name))
        except (InvalidTag, ValueError):
            raise VaultError(
                f"The credential {name!r} in {self._place} is damaged or was tampered with.",
                fix="Restore a backup of the vault, or remove this credential and add it again.",
                reason="damaged",
            ) from None
        credential: dict[str, str] = json.loads(plain)
        return credential

    def _missing_key(self) -> VaultError:
        if not self._keys:
            return VaultError(
                f"The key of the vault {self._place} is missing from {self._keys_place}.",
                fix=f"Restore it{_OTHERWISE}",
                reason="no_key",
            )
        return VaultError(
            f"The vault {self._place} was encrypted with a key that isn't in {self._keys_place}.",
            fix=f"Restore the right key{_OTHERWISE}",
            reason="wrong_key",
        )


def _key(secret: bytes) -> Key:
    return Key(sha256(b"calendly-connector key id" + secret).hexdigest()[:16], secret)


def _associated_data(key: Key, name: str) -> bytes:
    return b"\0".join((_PURPOSE, key.id.encode(), name.encode()))
