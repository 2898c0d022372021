"""Hash and verify passwords and API keys, and check new passwords."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from mydia.errors import Forbidden, Invalid

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MINIMUM_LENGTH = 8
MAXIMUM_LENGTH = 256
"""Longer passwords add no security and take longer to hash."""

# The most common passwords of eight characters and more. Source: the top of public breach statistics.
_COMMON = frozenset(
    [
        "12345678",
        "123456789",
        "1234567890",
        "11111111",
        "00000000",
        "88888888",
        "87654321",
        "987654321",
        "password",
        "password1",
        "password12",
        "password123",
        "passw0rd",
        "p@ssw0rd",
        "p@ssword",
        "qwertyui",
        "qwertyuiop",
        "qwerty123",
        "qwerty12",
        "1q2w3e4r",
        "1q2w3e4r5t",
        "1qaz2wsx",
        "zaq12wsx",
        "qazwsxedc",
        "asdfghjkl",
        "asdfasdf",
        "abcd1234",
        "abc12345",
        "abcdefgh",
        "a1b2c3d4",
        "iloveyou",
        "iloveyou1",
        "princess",
        "sunshine",
        "football",
        "baseball",
        "superman",
        "batman123",
        "michael1",
        "jennifer",
        "jordan23",
        "trustno1",
        "welcome1",
        "welcome123",
        "letmein1",
        "letmein123",
        "admin123",
        "admin1234",
        "administrator",
        "changeme",
        "changeme1",
        "changeit",
        "secret123",
        "starwars",
        "whatever",
        "computer",
        "internet",
        "master123",
        "shadow123",
        "dragon123",
        "monkey123",
        "computer1",
        "liverpool",
        "charlie1",
        "samsung1",
        "pokemon1",
        "blink182",
        "corvette",
        "mustang1",
        "midnight",
        "butterfly",
        "chocolate",
        "victoria",
        "passwort",
        "hallo123",
        "mydia123",
        "mydiamydia",
        "default1",
        "testtest",
        "test1234",
    ]
)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    # OWASP's second recommendation (19 MiB, two passes, one lane): several concurrent sign-ins must fit on a small NAS.
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@cache
def _key_hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    # Keys are long and random and cannot be guessed. The hash only protects them in a stolen database.
    return PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1)


@cache
def _dummy_hash() -> str:
    return _hasher().hash("no account has this password")


def hash_password(password: str) -> str:
    """Return the Argon2id hash to store; takes about 30 ms and 19 MiB."""
    return _hasher().hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Return whether a password matches. Takes as long without a hash as with one, so timing reveals no accounts.

    Args:
        password_hash: Any Argon2 hash, including one with other cost parameters. None never matches.
    """
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        fits = _hasher().verify(password_hash or _dummy_hash(), password[:MAXIMUM_LENGTH])
    except (VerificationError, InvalidHashError):
        return False
    return fits and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Return whether a hash uses outdated cost parameters."""
    return _hasher().check_needs_rehash(password_hash)


def hash_key(key: str) -> str:
    """Return the Argon2id hash of a key."""
    return _key_hasher().hash(key)


def verify_key(key_hash: str, key: str) -> bool:
    """Return whether an API key matches a hash."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _key_hasher().verify(key_hash, key)
    except (VerificationError, InvalidHashError):
        return False


class Confirmed(msgspec.Struct, frozen=True):
    """Proof that somebody entered the password of their account just now; made by `sign_in.confirm`."""

    user_id: str


def require_confirmed(user_id: str, confirmed: Confirmed) -> None:
    """Refuse a proof for another account. Raises: Forbidden."""
    if confirmed.user_id != user_id:
        raise Forbidden("This confirmation belongs to another account.")


def check_password(password: str, *, username: str = "", field: str = "password") -> None:
    """Reject a new password that is too short, too long or too common.

    Raises:
        Invalid: With the message under `field`.
    """
    if objection := password_objection(password, username=username):
        raise Invalid(objection, fields={field: objection})


def password_objection(password: str, *, username: str = "") -> str | None:
    """Return why a password is not accepted, or None."""
    if len(password) < MINIMUM_LENGTH:
        return f"The password has {len(password)} characters. It needs at least {MINIMUM_LENGTH}."
    if len(password) > MAXIMUM_LENGTH:
        return f"The password has {len(password)} characters. It can have at most {MAXIMUM_LENGTH}."
    folded = password.casefold()
    if folded in _COMMON or len(set(folded)) < 3:
        return "This password is too common. Choose another one."
    if username and folded in (username.casefold(), username.casefold() * 2):
        return "The password must not be the user name. Choose another one."
    return None
