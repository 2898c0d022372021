"""Secrets: text that is never printed, and its encrypted form for the database."""

from __future__ import annotations

import base64
import os
from functools import cached_property
from typing import TYPE_CHECKING

from mydia.errors import Misconfigured

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = "v1"
_NONCE_BYTES = 12  # the size that AES-GCM is defined for; Source: NIST SP 800-38D §5.2.1.1


class Secret:
    """Text that cannot be printed, logged or serialised by accident; `reveal()` returns it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text. Call it only where the text is used, and do not store the result."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


class SealedSecret(Secret):
    """A stored secret that is decrypted when it is revealed; two are equal if their encrypted forms are."""

    __slots__ = ("_sealed", "_sealer")

    def __init__(self, sealed: str, sealer: Sealer) -> None:
        super().__init__(sealed)
        self._sealed = sealed
        self._sealer = sealer

    def reveal(self) -> str:
        """Return the text.

        Raises:
            Misconfigured: It was encrypted with another SECRET_KEY_BASE, or is damaged.
        """
        return self._sealer.open(self._sealed).reveal()


class Sealer:
    """Encrypts texts for the database: AES-256-GCM with a key derived from SECRET_KEY_BASE.

    Args:
        secret_key: The key material, `Config.secret_key()`.
    """

    def __init__(self, secret_key: bytes) -> None:
        self._secret_key = secret_key

    @cached_property
    def _cipher(self) -> AESGCM:
        # Imported on first use, because the library is slow to import and many processes never decrypt a secret.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return AESGCM(HKDF(SHA256(), length=32, salt=None, info=b"mydia settings").derive(self._secret_key))

    def seal(self, text: str) -> str:
        """Return the encrypted form, which differs each time, even for the same text."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, text.encode(), None)
        return f"{_VERSION}:{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, sealed: str | None) -> Secret:
        """Return the text; None returns an empty secret.

        Raises:
            Misconfigured: It was encrypted with another SECRET_KEY_BASE, or is damaged.
        """
        if sealed is None:
            return Secret("")
        from cryptography.exceptions import InvalidTag

        try:
            packed = base64.urlsafe_b64decode(sealed.removeprefix(f"{_VERSION}:"))
            return Secret(self._cipher.decrypt(packed[:_NONCE_BYTES], packed[_NONCE_BYTES:], None).decode())
        except (InvalidTag, ValueError) as error:
            raise Misconfigured(
                "A stored password or key cannot be decrypted: SECRET_KEY_BASE (or the file secret_key in the data folder) "
                "has changed since it was saved. Restore the old one, or enter the password again."
            ) from error
