"""Loading: environment over `config.yml` over default, each value with its source."""

from __future__ import annotations

import copy
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from mydia.config.checking import check
from mydia.config.entries import LISTS, ManagedEntry, read_entries
from mydia.config.keys import KEYS, Key, Settings, Value, build
from mydia.errors import Misconfigured
from mydia.private import private
from mydia.secret import Secret


class Sourced(msgspec.Struct, frozen=True):
    """A value and where it came from."""

    value: Value
    layer: str
    """`environment`, `file` or `default`; `contexts.settings` adds `database`."""
    source: str
    """For people: `environment variable PORT`, `file config.yml`, `default`."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """All values from the environment and the file. Composition roots read it; contexts read `settings.of(session)`."""

    values: Mapping[str, Sourced]
    download_clients: tuple[ManagedEntry, ...] = ()
    indexers: tuple[ManagedEntry, ...] = ()
    library_paths: tuple[ManagedEntry, ...] = ()
    oidc_providers: tuple[ManagedEntry, ...] = ()
    file: Path | None = None
    unknown_keys: tuple[str, ...] = field(default=())
    """Unknown keys of the file; `doctor`, `config check` and the log list them."""
    inactive_keys: tuple[str, ...] = field(default=())
    """Known keys of features that this version does not have yet; listed in the same places."""

    def __getitem__(self, name: str) -> Any:
        return self.values[name].value

    @cached_property
    def settings(self) -> Settings:
        """The same values, typed, without those stored in the database."""
        return build({key.name: self.secret(key.name) if key.secret else self[key.name] for key in KEYS})

    def secret(self, name: str) -> Secret:
        """Return a secret value wrapped, empty when not set."""
        return Secret(str(self[name] or ""))

    @property
    def data_dir(self) -> Path:
        """The folder for databases, backups, artwork and logs."""
        return self.settings.data.path

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL of the main database."""
        if url := self["database.url"]:
            return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", str(url))
        return f"sqlite:///{self['database.path'] or self.data_dir / 'mydia.db'}"

    @property
    def sqlite_path(self) -> Path | None:
        """The file of the main database; None when it is PostgreSQL."""
        _, found, path = self.database_url.partition("sqlite:///")
        return Path(path) if found else None

    @property
    def jobs_path(self) -> Path:
        """The broker's file."""
        return self.settings.data.jobs_file

    @property
    def cache_path(self) -> Path:
        """The relay's cache file."""
        return self.settings.data.cache_file

    @property
    def log_directory(self) -> Path:
        """The folder of log files, one for each process."""
        return self.settings.data.logs

    @property
    def images_directory(self) -> Path:
        """The folder of artwork."""
        return self.settings.data.images

    @property
    def backups_directory(self) -> Path:
        """The folder of backups."""
        return self.settings.data.backups

    @property
    def external_url(self) -> str:
        """The address people open, without a trailing slash."""
        if url := self["server.url"]:
            return str(url).rstrip("/")
        host, scheme, port = self["server.url_host"], self["server.url_scheme"], self["server.port"]
        return f"{scheme}://{host}" if scheme == "https" else f"http://{host}:{port}"

    @property
    def https(self) -> bool:
        """Whether Mydia is reached over HTTPS; cookies are then marked Secure."""
        return self.external_url.startswith("https://")

    def secret_key(self) -> bytes:
        """Return the key that encrypts secrets; generated once and kept in the data folder (mode 0600) when not set."""
        if given := self["server.secret_key_base"]:
            return str(given).encode()
        path = self.data_dir / "secret_key"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".secret_key.{os.getpid()}")
            private(temporary).write_text(secrets.token_urlsafe(48))
            try:
                # link() never replaces a file: when two processes start at once, both use the key that was linked first.
                os.link(temporary, path)
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
        return path.read_bytes().strip()


def load(
    environ: Mapping[str, str], *, file: Path | None = None, read: Callable[[Path], str] = Path.read_text
) -> Config:
    """Return the configuration of a process.

    Args:
        environ: The environment variables.
        file: The file to read; by default the one in `MYDIA_CONFIG`, or `config.yml` in the data or working folder.
        read: Reads the text of the file.

    Raises:
        Misconfigured: A value is invalid; the message names the key, its source and the allowed values.
    """
    file = file or _find_file(environ)
    tree = _read_yaml(file, environ, read) if file else {}
    tree = _in_place(tree)
    file_name = file.name if file else ""
    values = {key.name: _resolve(key, environ, tree, file_name) for key in KEYS}
    lists = {section.name: read_entries(section, environ, tree, file_name) for section in LISTS}
    others = [name for name in _leaves(tree) if name not in values and name.split(".")[0] not in lists]
    inactive = tuple(name for name in others if name.startswith(_INACTIVE))
    unknown = tuple(name for name in others if name not in inactive)
    config = Config(values=values, file=file, unknown_keys=unknown, inactive_keys=inactive, **lists)
    _check_together(config)
    return config


_INACTIVE = ("notifications.webhooks",)
"""Prefixes of keys of future features, which are accepted and have no effect yet."""
_PLACES = {
    "media.library_paths": "library_paths",
    "downloads.clients": "download_clients",
    "downloads.indexers": "indexers",
    "auth.oidc_providers": "oidc_providers",
    **{key.also_in_file: key.name for key in KEYS if key.also_in_file},
}
"""Other accepted paths in the file -> the path that is read."""


def _in_place(tree: dict[str, Any]) -> dict[str, Any]:
    """Return the file's content with every alias moved to the path that is read; giving both is an error."""
    moved = copy.deepcopy(tree)
    for path, place in _PLACES.items():
        *parents, last = path.split(".")
        node: Any = moved
        for part in parents:
            node = node.get(part) if isinstance(node, dict) else None
        if not isinstance(node, dict) or last not in node:
            continue
        value = node.pop(last)
        *above, name = place.split(".")
        target = moved
        for part in above:
            target = target.setdefault(part, {})
        if name in target:
            raise Misconfigured(f"{path} and {place} are the same setting. Remove one of them.")
        target[name] = value
    return moved


def _find_file(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get("MYDIA_CONFIG"):
        path = Path(named).expanduser()
        if not path.is_file():
            raise Misconfigured(f"MYDIA_CONFIG is {named}, but that file does not exist.")
        return path
    for folder in (Path(environ.get("DATA_DIR") or "./data").expanduser(), Path()):
        if (path := folder / "config.yml").is_file():
            return path
    return None


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def _read_yaml(file: Path, environ: Mapping[str, str], read: Callable[[Path], str]) -> dict[str, Any]:
    import yaml

    def fill(match: re.Match[str]) -> str:
        name, default = match.groups()
        if value := environ.get(name):
            return value
        if default is None:
            raise Misconfigured(
                f"{file.name} uses ${{{name}}}, which is not set. Set it, or write ${{{name}:-default}}."
            )
        return default

    def expand(value: object) -> object:
        # Filled in after parsing, so that a value can never change the file's structure.
        if isinstance(value, str):
            filled = _VARIABLE.sub(fill, value)
            return (
                yaml.safe_load(filled) if _VARIABLE.fullmatch(value) and filled.lower() in ("true", "false") else filled
            )
        if isinstance(value, dict):
            return {str(k): expand(v) for k, v in value.items()}
        return [expand(v) for v in value] if isinstance(value, list) else value

    try:
        tree = yaml.safe_load(read(file))
    except (OSError, UnicodeError) as error:
        raise Misconfigured(f"{file} cannot be read: {error}.") from error
    except yaml.YAMLError as error:
        raise Misconfigured(f"{file} is not valid YAML: {error}") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise Misconfigured(f"{file} must hold sections such as `server:`, not {type(tree).__name__}.")
    expanded = expand(tree)
    return expanded if isinstance(expanded, dict) else {}


def _resolve(key: Key, environ: Mapping[str, str], tree: Mapping[str, Any], file_name: str) -> Sourced:
    for variable in (key.env, *key.also_env):
        if (raw := environ.get(variable)) not in (None, ""):
            source = f"environment variable {variable}"
            return Sourced(check(key, raw, source), "environment", source)
    node: Any = tree
    for part in key.name.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    if node is not None:
        source = f"file {file_name}"
        return Sourced(check(key, node, source), "file", source)
    return Sourced(key.default, "default", "default")


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> list[str]:
    names: list[str] = []
    for key, value in tree.items():
        names += _leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [f"{prefix}{key}"]
    return names


_LEAST_LENGTHS = {"server.secret_key_base": 32, "auth.admin_api_key": 20, "auth.admin_password": 8}
"""Secret -> its minimum length in characters."""


def _check_together(config: Config) -> None:
    """Check lengths of secrets and combinations of keys.

    Raises:
        Misconfigured: A check failed.
    """
    for name, least in _LEAST_LENGTHS.items():
        if (given := config[name]) and len(str(given)) < least:
            raise Misconfigured(f"{name} ({config.values[name].source}) must have at least {least} characters.")
    if (hashed := config["auth.admin_password_hash"]) and not str(hashed).startswith("$argon2"):
        raise Misconfigured("auth.admin_password_hash must be an Argon2 hash: make one with `mydia hash-password`.")
    if not config["database.wal_mode"]:
        raise Misconfigured(
            f"database.wal_mode ({config.values['database.wal_mode'].source}) is false, but web and worker can only share "
            "a SQLite database with the write-ahead log. Remove the key."
        )
    if (config["auth.admin_password"] or config["auth.admin_password_hash"]) and not config["auth.admin_username"]:
        raise Misconfigured("An administrator password is set, but no user name. Set ADMIN_USERNAME as well.")
