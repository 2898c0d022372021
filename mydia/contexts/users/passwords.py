"""Hashing and judging passwords and keys."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from mydia.errors import Invalid

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MINIMUM_LENGTH = 8
MAXIMUM_LENGTH = 256
"""Longer ones gain nothing and only cost time to hash."""

# The most used passwords of eight letters and more: what is tried first. Source: the tops of public breach statistics.
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
    ]  # a wall of quotes says no more
)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    # OWASP's second choice (19 MiB, two passes, one lane): several sign-ins at once must fit a small NAS.
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@cache
def _key_hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    # Keys are random and long, so that guessing is hopeless anyhow; the hash only keeps a stolen database useless.
    return PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1)


@cache
def _nobodys() -> str:
    return _hasher().hash("nobody signs in with this")


def hash_password(password: str) -> str:
    """Return the Argon2id hash to store; takes about 30 ms and 19 MiB."""
    return _hasher().hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Say whether the password fits; takes as long for nobody (None) as for somebody.

    Args:
        password_hash: Any Argon2 hash, also one made with other costs.
    """
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        fits = _hasher().verify(password_hash or _nobodys(), password[:MAXIMUM_LENGTH])
    except (VerificationError, InvalidHashError):
        return False
    return fits and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Say whether a hash was made with other costs than today's."""
    return _hasher().check_needs_rehash(password_hash)


def hash_key(key: str) -> str:
    """Return the Argon2id hash of a random key."""
    return _key_hasher().hash(key)


def verify_key(key_hash: str, key: str) -> bool:
    """Say whether an API key fits its hash."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _key_hasher().verify(key_hash, key)
    except (VerificationError, InvalidHashError):
        return False


def check_password(password: str, *, username: str = "", field: str = "password") -> None:
    """Refuse a new password that is too short or among the first that anybody tries.

    Raises:
        Invalid: With the sentence under `field`.
    """
    if objection := password_objection(password, username=username):
        raise Invalid(objection, fields={field: objection})


def password_objection(password: str, *, username: str = "") -> str | None:
    """Return why a password cannot be used, or None."""
    if len(password) < MINIMUM_LENGTH:
        return f"The password has {len(password)} characters. It needs at least {MINIMUM_LENGTH}."
    if len(password) > MAXIMUM_LENGTH:
        return f"The password has {len(password)} characters. It can have at most {MAXIMUM_LENGTH}."
    folded = password.casefold()
    if folded in _COMMON or len(set(folded)) < 3:
        return "This password is among the first that anybody tries. Choose another one."
    if username and folded in (username.casefold(), username.casefold() * 2):
        return "The password is the user name. Choose another one."
    return None
