"""Checks of single values: conversion to the key's type, limits, and the shapes a text can have."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from mydia.addresses import is_network
from mydia.config.keys import Key, Value
from mydia.cron import is_cron
from mydia.errors import Misconfigured

_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


def check(key: Key, raw: object, source: str) -> Value:
    """Convert a raw value to the key's type.

    Raises:
        Misconfigured: The value is not allowed; the message names the key, its source and the allowed values.
    """
    try:
        value = _convert(key, raw)
    except ValueError as error:
        raise _refused(key, raw, source) from error
    if key.allowed and value not in key.allowed:
        raise _refused(key, raw, source)
    texts = (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
    if key.shape and not all(SHAPES[key.shape][0](text) for text in texts):
        raise _refused(key, raw, source)
    if isinstance(value, int | float) and not isinstance(value, bool) and not _within(key, value):
        raise _refused(key, raw, source)
    return value


def wanted(key: Key) -> str:
    """Describe the values a key accepts: `a whole number from 1 to 65535`."""
    if key.allowed:
        return f"one of {', '.join(key.allowed)}"
    if key.kind is bool:
        return "true or false"
    if key.shape:
        return SHAPES[key.shape][1]
    if key.kind in (int, float):
        word = "a whole number" if key.kind is int else "a number"
        return f"{word} from {key.low:g} to {key.high:g}" if key.low is not None and key.high is not None else word
    return "text"


def boolean(text: str) -> bool:
    """Read `true/false/1/0/yes/no/on/off`. Raises ValueError for anything else."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(text)


def is_web_address(text: str) -> bool:
    """Return whether a string is an http or https URL with a host.

    >>> is_web_address("https://box.test:9696/x"), is_web_address("http://"), is_web_address("http://[::1")
    (True, False, False)
    """
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        return False
    return (
        usable
        and _HOST.fullmatch(parts.hostname or "") is not None
        and text.isprintable()
        and not set(text) & {" ", "\\"}
    )


def _refused(key: Key, raw: object, source: str) -> Misconfigured:
    shown = "a secret" if key.secret else repr(raw)
    return Misconfigured(f"{key.name} ({source}) is {shown}, but must be {wanted(key)}.")


def _convert(key: Key, raw: object) -> Value:
    if raw is None:
        return None
    if key.kind is bool:
        return raw if isinstance(raw, bool) else boolean(str(raw))
    if key.kind is int:
        if isinstance(raw, bool) or (isinstance(raw, float) and not raw.is_integer()):
            raise ValueError(raw)
        return int(str(raw).strip())
    if key.kind is float:
        return float(str(raw))
    if key.kind is tuple:
        parts = raw if isinstance(raw, list | tuple) else str(raw).split(",")
        return tuple(str(part).strip() for part in parts if str(part).strip())
    if isinstance(raw, dict | list):
        raise ValueError(raw)
    text = str(raw).strip()
    return (text.lower() if key.allowed else text) or None


def _within(key: Key, value: float) -> bool:
    return (key.low is None or value >= key.low) and (key.high is None or value <= key.high)


_HOST = re.compile(r"[^\s\x00-\x20\x7f/\\?#@<>\"'`{}|^%]+")


def _is_zone(text: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(text)
    except (OSError, ValueError, KeyError):
        return False
    return True


def redis_address(url: str) -> str:
    """Return a Redis URL with its credentials in the form the driver expects.

    People write `redis://password@host`, which the driver would read as a user name without a password.

    >>> redis_address("redis://secret@box:6379/1"), redis_address("redis://user:secret@box")
    ('redis://:secret@box:6379/1', 'redis://user:secret@box')
    """
    scheme, _, rest = url.partition("://")
    login, found, place = rest.rpartition("@")
    return f"{scheme}://:{login}@{place}" if found and login and ":" not in login else url


def is_service_url(text: str, schemes: tuple[str, ...]) -> bool:
    """Return whether a string is a URL with one of these schemes and, if its scheme needs one, a host."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in schemes and (parts.scheme in ("sqlite", "unix") or bool(parts.hostname))


SHAPES: dict[str, tuple[Callable[[str], bool], str]] = {
    "cron": (is_cron, "five cron fields such as 0 2 * * mon-fri, or @daily"),
    "url": (is_web_address, "an address that starts with http:// or https://"),
    "url_or_off": (
        lambda text: text == "off" or is_web_address(text),
        "an address that starts with http:// or https://, or off",
    ),
    "language": (
        lambda text: re.fullmatch(r"[a-z]{2,3}(-[A-Z]{2})?", text) is not None,
        "a language such as en-US or de",
    ),
    "region": (lambda text: re.fullmatch(r"[A-Z]{2}", text) is not None, "a two-letter country code, such as AT"),
    "word": (
        lambda text: re.fullmatch(r"[A-Za-z0-9_-]{8,128}", text) is not None,
        "at least 8 letters, digits, hyphens or underscores",
    ),
    "header": (
        lambda text: re.fullmatch(r"[A-Za-z0-9-]{1,64}", text) is not None,
        "the name of a header: letters, digits and hyphens",
    ),
    "host": (
        lambda text: re.fullmatch(r"[A-Za-z0-9._:-]{1,253}", text) is not None,
        "a host name or an address, without a port",
    ),
    "email": (
        lambda text: re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+", text) is not None,
        "an e-mail address such as mydia@example.org",
    ),
    "time_zone": (_is_zone, "a time zone such as Europe/Vienna"),
    "broker": (
        lambda text: is_service_url(text, ("sqlite", "redis", "rediss", "amqp", "amqps")),
        "sqlite:, or an address that starts with redis://, rediss://, amqp:// or amqps://",
    ),
    "redis": (
        lambda text: is_service_url(text, ("redis", "rediss", "unix")),
        "an address that starts with redis://, rediss:// or unix://",
    ),
    "database": (
        lambda text: is_service_url(text, ("postgres", "postgresql", "postgresql+psycopg", "sqlite")),
        "an address that starts with postgresql:// or sqlite:///",
    ),
    "networks": (is_network, "addresses or networks such as 10.0.0.0/8, separated by commas"),
    "path": (lambda text: text.startswith("/"), "an absolute path"),
}
"""Shape -> (predicate that checks a string, description for messages)."""
