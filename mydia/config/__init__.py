"""Configuration that is available before the database: environment over `config.yml` over default, each with its source."""

from mydia.config.checking import boolean, check, is_web_address, redis_address, wanted
from mydia.config.entries import CLIENT_OPTIONS, INDEXER_OPTIONS, ManagedEntry
from mydia.config.example_file import example
from mydia.config.keys import BY_NAME, KEYS, Key, Settings, Value, build
from mydia.config.loading import Config, Sourced, load

__all__ = [
    "BY_NAME",
    "CLIENT_OPTIONS",
    "INDEXER_OPTIONS",
    "KEYS",
    "Config",
    "Key",
    "ManagedEntry",
    "Settings",
    "Sourced",
    "Value",
    "boolean",
    "build",
    "check",
    "example",
    "is_web_address",
    "load",
    "redis_address",
    "wanted",
]
