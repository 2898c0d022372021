"""A text that must not be seen, and its sealed form for the database."""

from __future__ import annotations

import base64
import os
from functools import cached_property
from typing import TYPE_CHECKING

from mydia.errors import Misconfigured

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = "v1"
_NONCE_BYTES = 12  # what AES-GCM is defined for; Source: NIST SP 800-38D §5.2.1.1


class Secret:
    """A text that cannot be printed, logged or put in JSON by accident; `reveal()` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself, to be used at the last moment and kept nowhere."""
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


class Sealer:
    """Seals texts for the database: AES-256-GCM with a key derived from SECRET_KEY_BASE.

    Args:
        secret_key: The key material, `Config.secret_key()`.
    """

    def __init__(self, secret_key: bytes) -> None:
        self._secret_key = secret_key

    @cached_property
    def _cipher(self) -> AESGCM:
        # Loaded when first used: a process that opens no secret need not wait for the library.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return AESGCM(HKDF(SHA256(), length=32, salt=None, info=b"mydia settings").derive(self._secret_key))

    def seal(self, text: str) -> str:
        """Return the sealed form; the same text looks different each time."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, text.encode(), None)
        return f"{_VERSION}:{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, sealed: str | None) -> Secret:
        """Return the text; None gives an empty secret.

        Raises:
            Misconfigured: It was sealed with another SECRET_KEY_BASE, or is damaged.
        """
        if sealed is None:
            return Secret("")
        from cryptography.exceptions import InvalidTag

        try:
            packed = base64.urlsafe_b64decode(sealed.removeprefix(f"{_VERSION}:"))
            return Secret(self._cipher.decrypt(packed[:_NONCE_BYTES], packed[_NONCE_BYTES:], None).decode())
        except (InvalidTag, ValueError) as error:
            raise Misconfigured(
                "A stored password or key cannot be opened: SECRET_KEY_BASE (or the file secret_key in the data folder) "
                "is not the one it was sealed with. Put the old one back, or enter the password again."
            ) from error
