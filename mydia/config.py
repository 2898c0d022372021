"""What a process needs to know before it has a database: environment over `config.yml` over default, each with its source.

`KEYS` is the one table of all settings. Those marked `editable` can also be changed while Mydia runs; their stored values
stand between the environment and the file (environment > database > file > default) and are resolved by `contexts.settings`.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mydia.errors import Misconfigured
from mydia.private import private
from mydia.secret import Secret

type Value = str | int | float | bool | None | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """One setting."""

    name: str
    """Dotted path in `config.yml` and in the API: `server.port`."""
    env: str
    kind: type
    """str, int, float, bool or tuple (a comma list)."""
    default: Value
    doc: str
    """A sentence for the settings page, the guide and `config.yml.example`."""
    allowed: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    secret: bool = False
    editable: bool = False
    shape: str = ""
    """What a text must look like: a key of `_SHAPES`."""
    also_env: tuple[str, ...] = ()
    """Older or design-document names of the variable; the first one set wins."""


KEYS: tuple[Key, ...] = (
    Key("server.port", "PORT", int, 4000, "The port Mydia listens on.", low=1, high=65535),
    Key(
        "server.host",
        "HOST",
        str,
        "0.0.0.0",  # noqa: S104  a container's port is published by its owner
        "The address Mydia listens on; `::` for IPv6.",
        also_env=("PHX_IP",),
    ),
    Key(
        "server.url",
        "EXTERNAL_URL",
        str,
        None,
        "The address people use, e.g. https://media.example.org; needed behind a proxy.",
        shape="url",
    ),
    Key(
        "server.url_scheme",
        "URL_SCHEME",
        str,
        "http",
        "Scheme of the address people use, where EXTERNAL_URL is not set.",
        allowed=("http", "https"),
    ),
    Key(
        "server.url_host",
        "URL_HOST",
        str,
        "localhost",
        "Host of the address people use, where EXTERNAL_URL is not set.",
        also_env=("PHX_HOST",),
    ),
    Key("server.allowed_hosts", "ALLOWED_HOSTS", tuple, (), "Host names that requests may carry; empty allows any."),
    Key(
        "server.trusted_proxies",
        "TRUSTED_PROXIES",
        tuple,
        ("127.0.0.1", "::1"),
        "Addresses or networks of proxies whose X-Forwarded headers are believed.",
    ),
    Key(
        "server.secret_key_base",
        "SECRET_KEY_BASE",
        str,
        None,
        "Seals secrets and sessions, at least 32 characters; made and kept in the data folder when not given.",
        secret=True,
    ),
    Key(
        "server.relay_enabled",
        "RELAY_ENABLED",
        bool,
        False,
        "Whether the embedded metadata relay is offered to others at /relay.",
    ),
    Key("data.directory", "DATA_DIR", str, "./data", "The folder for databases, backups, artwork and logs."),
    Key(
        "database.url",
        "DATABASE_URL",
        str,
        None,
        "A PostgreSQL address; SQLite in the data folder when not given.",
        secret=True,
    ),
    Key("database.path", "DATABASE_PATH", str, None, "The SQLite file; mydia.db in the data folder when not given."),
    Key("database.pool_size", "POOL_SIZE", int, 6, "Database connections kept by each process.", low=2, high=64),
    Key(
        "database.skip_backups",
        "SKIP_BACKUPS",
        bool,
        False,
        "Skips the backup before a migration and the scheduled ones.",
    ),
    Key(
        "jobs.broker_url",
        "BROKER_URL",
        str,
        "sqlite:",
        "Where jobs wait: sqlite: (jobs.db in the data folder), redis://… or amqp://…",
        secret=True,
    ),
    Key(
        "jobs.max_age_days",
        "JOBS_MAX_AGE_DAYS",
        int,
        7,
        "Days that finished jobs are kept for the tasks page.",
        low=1,
        high=365,
        editable=True,
        also_env=("OBAN_MAX_AGE_DAYS",),
    ),
    Key(
        "jobs.scan_cron",
        "SCAN_CRON",
        str,
        "0 2 * * *",
        "When library folders are scanned (minute hour day month weekday name).",
        editable=True,
        shape="cron",
    ),
    Key(
        "jobs.search_cron",
        "SEARCH_CRON",
        str,
        "15 */6 * * *",
        "When missing and upgradable titles are searched.",
        editable=True,
        shape="cron",
    ),
    Key("jobs.time_zone", "TZ", str, "UTC", "The time zone of schedules and of dates on pages.", shape="time_zone"),
    Key(
        "logging.level",
        "LOG_LEVEL",
        str,
        "info",
        "The least severe lines that are logged.",
        allowed=("debug", "info", "warning", "error"),
    ),
    Key("logging.format", "LOG_FORMAT", str, "text", "text for people, json for collectors.", allowed=("text", "json")),
    Key("auth.local_enabled", "LOCAL_AUTH_ENABLED", bool, True, "Whether people can sign in with a password."),
    Key(
        "auth.session_days",
        "SESSION_DAYS",
        int,
        30,
        "Days after which an unused session ends.",
        low=1,
        high=365,
        editable=True,
        also_env=("JWT_TTL_DAYS",),
    ),
    Key(
        "auth.admin_username",
        "ADMIN_USERNAME",
        str,
        None,
        "Makes this administrator at start, so that setup is skipped.",
    ),
    Key("auth.admin_email", "ADMIN_EMAIL", str, None, "The administrator's e-mail address."),
    Key(
        "auth.admin_password",
        "ADMIN_PASSWORD",
        str,
        None,
        "The administrator's password, at least 8 characters.",
        secret=True,
    ),
    Key(
        "auth.admin_password_hash",
        "ADMIN_PASSWORD_HASH",
        str,
        None,
        "The administrator's password as an Argon2 hash.",
        secret=True,
    ),
    Key(
        "auth.admin_api_key",
        "ADMIN_API_KEY",
        str,
        None,
        "A managed API key of the administrator, at least 20 characters.",
        secret=True,
    ),
    Key(
        "metadata.relay_url",
        "METADATA_RELAY_URL",
        str,
        None,
        "A metadata relay to ask; `off` for none. Without it and without TMDB_API_KEY the public relay is used.",
        editable=True,
        shape="url_or_off",
    ),
    Key(
        "metadata.tmdb_api_key",
        "TMDB_API_KEY",
        str,
        None,
        "TMDB key (v3) or token (v4) for the embedded relay.",
        secret=True,
        editable=True,
    ),
    Key(
        "metadata.tmdb_api_url",
        "TMDB_API_URL",
        str,
        "https://api.themoviedb.org/3",
        "TMDB's address, for proxies.",
        shape="url",
    ),
    Key(
        "metadata.tmdb_image_url",
        "TMDB_IMAGE_URL",
        str,
        "https://image.tmdb.org/t/p",
        "TMDB's address for images, for proxies.",
        shape="url",
    ),
    Key(
        "metadata.tvdb_api_key",
        "TVDB_API_KEY",
        str,
        None,
        "TheTVDB v4 key for the embedded relay.",
        secret=True,
        editable=True,
    ),
    Key(
        "metadata.tvdb_api_url",
        "TVDB_API_URL",
        str,
        "https://api4.thetvdb.com/v4",
        "TheTVDB's address, for proxies.",
        shape="url",
    ),
    Key(
        "metadata.public_relay",
        "PUBLIC_RELAY_ENABLED",
        bool,
        True,
        "Whether the Mydia project's public relay may be asked when nothing else is set.",
        editable=True,
    ),
    Key(
        "metadata.language",
        "METADATA_LANGUAGE",
        str,
        "en-US",
        "Language of titles and overviews, e.g. de-DE.",
        editable=True,
        shape="language",
    ),
    Key(
        "metadata.region",
        "METADATA_REGION",
        str,
        None,
        "Country whose release dates and age ratings count, e.g. AT; that of the language when not given.",
        editable=True,
        shape="region",
    ),
    Key(
        "metadata.adult_token",
        "ADULT_METADATA_TOKEN",
        str,
        None,
        "Token of ThePornDB, a third source that only the Plex provider asks, and only when Plex asks for such titles.",
        secret=True,
    ),
    Key(
        "metadata.adult_url",
        "ADULT_METADATA_URL",
        str,
        "https://api.theporndb.net",
        "The third source's address, for proxies.",
        shape="url",
    ),
    Key(
        "metadata.redis_url",
        "REDIS_URL",
        str,
        None,
        "Redis for the relay's shared cache; cache.db in the data folder when not given.",
        secret=True,
    ),
    Key(
        "plex.enabled",
        "PLEX_PROVIDER_ENABLED",
        bool,
        False,
        "Whether Plex servers may take their metadata from /plex/movie and /plex/tv; they do not sign in.",
        editable=True,
    ),
    Key(
        "plex.token",
        "PLEX_PROVIDER_TOKEN",
        str,
        None,
        "A word that Plex servers must know: /plex/<token>/movie. Letters, digits, - and _; at least 8.",
        secret=True,
        shape="word",
    ),
    Key(
        "crashes.report",
        "CRASH_REPORTING",
        bool,
        False,
        "Whether Mydia's own crashes are reported to the relay, without paths, names, addresses and keys.",
        editable=True,
    ),
    Key("media.movies_path", "MOVIES_PATH", str, None, "A library folder for films.", shape="path"),
    Key("media.tv_path", "TV_PATH", str, None, "A library folder for series.", shape="path"),
    Key(
        "media.auto_search_on_add",
        "AUTO_SEARCH_ON_ADD",
        bool,
        True,
        "Whether adding a title searches for it at once unless said otherwise.",
        editable=True,
    ),
    Key(
        "media.monitor_by_default",
        "MONITOR_BY_DEFAULT",
        bool,
        True,
        "Whether titles found by a scan are monitored.",
        editable=True,
    ),
    Key(
        "library.missing_share_limit_percent",
        "MISSING_SHARE_LIMIT_PERCENT",
        int,
        20,
        "A scan that finds more than this share of a folder's files gone changes nothing and asks.",
        low=1,
        high=100,
        editable=True,
    ),
    Key(
        "library.match_confident_percent",
        "MATCH_CONFIDENT_PERCENT",
        int,
        85,
        "Files whose match is at least this sure are added without asking.",
        low=50,
        high=100,
        editable=True,
    ),
    Key(
        "library.recycle_days",
        "RECYCLE_DAYS",
        int,
        30,
        "Days that deleted and replaced files stay in the recycle bin; 0 deletes at once.",
        low=0,
        high=3650,
        editable=True,
        also_env=("MYDIA_TRASH_DAYS",),
    ),
    Key(
        "library.recycle_directory",
        "RECYCLE_DIRECTORY",
        str,
        None,
        "The recycle bin's folder; .mydia-recycle in each library folder when not given.",
        also_env=("MYDIA_TRASH_DIR",),
    ),
    Key(
        "library.watch",
        "LIBRARY_WATCH",
        bool,
        True,
        "Whether new files are noticed at once by file-system events.",
        editable=True,
    ),
    Key(
        "downloads.monitor_interval_minutes",
        "DOWNLOAD_MONITOR_INTERVAL_MINUTES",
        int,
        5,
        "Minutes between looks at download clients while nothing is downloading.",
        low=1,
        high=60,
        editable=True,
    ),
    Key(
        "downloads.active_interval_seconds",
        "DOWNLOAD_ACTIVE_INTERVAL_SECONDS",
        int,
        3,
        "Seconds between looks while something is downloading.",
        low=1,
        high=60,
        editable=True,
    ),
    Key(
        "downloads.minimum_free_mb",
        "MINIMUM_FREE_MB",
        int,
        500,
        "Megabytes that must stay free in a library folder after a download.",
        low=0,
        high=10_000_000,
        editable=True,
    ),
    Key(
        "downloads.minimum_seeders",
        "AUTO_SEARCH_MIN_SEEDERS",
        int,
        1,
        "Seeders a torrent needs unless its indexer says otherwise.",
        low=0,
        high=1000,
        editable=True,
    ),
    Key(
        "downloads.automatic_imports",
        "AUTOMATIC_IMPORTS",
        bool,
        True,
        "Whether finished downloads are imported without asking.",
        editable=True,
    ),
    Key(
        "downloads.retry_failed",
        "RETRY_FAILED_DOWNLOADS",
        bool,
        True,
        "Whether a failed download is put on the blocklist and its title searched again.",
        editable=True,
    ),
    Key(
        "downloads.give_up_stalled_hours",
        "GIVE_UP_STALLED_HOURS",
        int,
        48,
        "Hours without any progress after which a download counts as failed; 0 waits for ever.",
        low=0,
        high=8760,
        editable=True,
    ),
    Key(
        "downloads.search_batch",
        "SEARCH_BATCH",
        int,
        50,
        "Titles searched in one automatic round, longest unsearched first.",
        low=1,
        high=1000,
        editable=True,
        also_env=("UPGRADE_SWEEP_BATCH_SIZE",),
    ),
    Key(
        "events.retention_days",
        "EVENT_RETENTION_DAYS",
        int,
        90,
        "Days that the activity feed goes back; audit events stay.",
        low=1,
        high=3650,
        editable=True,
    ),
    Key(
        "backups.keep",
        "BACKUPS_KEEP",
        int,
        7,
        "Daily backups of the database that are kept.",
        low=1,
        high=365,
        editable=True,
    ),
)
BY_NAME: dict[str, Key] = {key.name: key for key in KEYS}

_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")

# Variables of the list sections: DOWNLOAD_CLIENT_<N>_NAME and so on (reference/mydia-original.md §9.2).
_CLIENT_FIELDS = (
    "NAME",
    "TYPE",
    "ENABLED",
    "PRIORITY",
    "HOST",
    "PORT",
    "USE_SSL",
    "URL_BASE",
    "USERNAME",
    "PASSWORD",
    "API_KEY",
    "CATEGORY",
    "DOWNLOAD_DIRECTORY",
    "REMOTE_PATH",
    "LOCAL_PATH",
)
_INDEXER_FIELDS = (
    "NAME",
    "TYPE",
    "ENABLED",
    "PRIORITY",
    "BASE_URL",
    "API_KEY",
    "INDEXER_IDS",
    "CATEGORIES",
    "RATE_LIMIT",
    "TIMEOUT",
    "MINIMUM_SEEDERS",
)
_PATH_FIELDS = (
    "PATH",
    "NAME",
    "TYPE",
    "MONITORED",
    "SCAN_INTERVAL",
    "QUALITY_PROFILE",
    "QUALITY_PROFILE_ID",
    "IMPORT_MODE",
)
_LISTS = (
    ("download_clients", "DOWNLOAD_CLIENT", _CLIENT_FIELDS),
    ("indexers", "INDEXER", _INDEXER_FIELDS),
    ("library_paths", "LIBRARY_PATH", _PATH_FIELDS),
)


@dataclass(frozen=True, slots=True)
class Sourced:
    """A value and where it came from: `environment (PORT)`, `file (config.yml)` or `default`."""

    value: Value
    layer: str
    """`environment`, `file` or `default`; settings add `database`."""
    source: str


@dataclass(frozen=True, slots=True)
class ManagedEntry:
    """One client, indexer or library folder that the environment or the file provides; shown read-only in settings."""

    fields: Mapping[str, str]
    """Lower-case field -> text, e.g. `base_url`."""
    source: str


@dataclass(frozen=True)
class Config:
    """All of it, frozen. Read with `config["server.port"]` or the properties below."""

    values: Mapping[str, Sourced]
    download_clients: tuple[ManagedEntry, ...] = ()
    indexers: tuple[ManagedEntry, ...] = ()
    library_paths: tuple[ManagedEntry, ...] = ()
    file: Path | None = None
    unknown_keys: tuple[str, ...] = field(default=())
    """Keys of the file that mean nothing to Mydia; `doctor` and the log name them."""

    def __getitem__(self, name: str) -> Any:
        return self.values[name].value

    def secret(self, name: str) -> Secret:
        """Return a secret value wrapped, empty when not set."""
        return Secret(str(self[name] or ""))

    @property
    def data_dir(self) -> Path:
        """The folder for databases, backups, artwork and logs."""
        return Path(str(self["data.directory"])).expanduser().resolve()

    @property
    def database_url(self) -> str:
        """SQLAlchemy's address of the main database."""
        if url := self["database.url"]:
            return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", str(url))
        return f"sqlite:///{self['database.path'] or self.data_dir / 'mydia.db'}"

    @property
    def jobs_path(self) -> Path:
        """The broker's file."""
        return self.data_dir / "jobs.db"

    @property
    def cache_path(self) -> Path:
        """The relay's cache file."""
        return self.data_dir / "cache.db"

    @property
    def log_directory(self) -> Path:
        """Where each process writes its log file."""
        return self.data_dir / "logs"

    @property
    def images_directory(self) -> Path:
        """Where artwork is kept."""
        return self.data_dir / "images"

    @property
    def backups_directory(self) -> Path:
        """Where backups go."""
        return self.data_dir / "backups"

    @property
    def external_url(self) -> str:
        """The address people use, without a trailing slash."""
        if url := self["server.url"]:
            return str(url).rstrip("/")
        host, scheme, port = self["server.url_host"], self["server.url_scheme"], self["server.port"]
        return f"{scheme}://{host}" if scheme == "https" else f"http://{host}:{port}"

    @property
    def https(self) -> bool:
        """Whether people reach Mydia over HTTPS: cookies are marked Secure then."""
        return self.external_url.startswith("https://")

    def secret_key(self) -> bytes:
        """Return the key material that seals secrets; made once and kept in the data folder (mode 0600) when not given."""
        if given := self["server.secret_key_base"]:
            return str(given).encode()
        path = self.data_dir / "secret_key"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".secret_key.{os.getpid()}")
            private(temporary).write_text(secrets.token_urlsafe(48))
            try:
                # A link never replaces: of two processes that start at once, the first one's key stands.
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
        environ: `os.environ`, or a test's.
        file: The YAML file; None looks at MYDIA_CONFIG, then at `config.yml` in the data folder and here.

    Raises:
        Misconfigured: A value is wrong; the message names the key, the source and what is allowed.
    """
    file = file or _find_file(environ)
    tree = _read_yaml(file, environ, read) if file else {}
    values: dict[str, Sourced] = {}
    for key in KEYS:
        values[key.name] = _resolve(key, environ, tree, file)
    lists = {name: _entries(name, prefix, fields, environ, tree, file) for name, prefix, fields in _LISTS}
    known = {key.name for key in KEYS}
    unknown = tuple(name for name in _leaves(tree) if name not in known and name.split(".")[0] not in lists)
    config = Config(values, file=file, unknown_keys=unknown, **lists)
    _check_together(config)
    return config


def check(key: Key, raw: object, source: str) -> Value:
    """Turn a raw value into the key's kind.

    Raises:
        Misconfigured: It does not fit; the message names the key, the source and what is allowed.
    """
    try:
        value = _convert(key, raw)
    except ValueError as error:
        raise Misconfigured(f"{key.name} ({source}) is {_shown(key, raw)}, but must be {wanted(key)}.") from error
    if key.allowed and value not in key.allowed:
        raise Misconfigured(
            f"{key.name} ({source}) is {_shown(key, raw)}, but must be one of {', '.join(key.allowed)}."
        )
    if key.shape and isinstance(value, str) and not _SHAPES[key.shape][0](value):
        raise Misconfigured(f"{key.name} ({source}) is {_shown(key, raw)}, but must be {wanted(key)}.")
    if isinstance(value, int | float) and not isinstance(value, bool) and not _within(key, value):
        raise Misconfigured(f"{key.name} ({source}) is {_shown(key, raw)}, but must be {wanted(key)}.")
    return value


def boolean(text: str) -> bool:
    """Read `true/false/1/0/yes/no/on/off`. Raises ValueError for anything else."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(text)


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


_CRON_FIELDS = (
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    # Numbers are refused: cron counts weekdays from Sunday and APScheduler from Monday.
    (0, -1, ("mon", "tue", "wed", "thu", "fri", "sat", "sun")),
)
_CRON_PART = re.compile(r"(?:\*|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d{1,3}))?")


def is_cron(text: str) -> bool:
    """Say whether a text is five cron fields: minute hour day month weekday, weekdays by name."""
    fields = text.lower().split()
    return len(fields) == 5 and all(
        _is_cron_part(part, *rule)
        for field_, rule in zip(fields, _CRON_FIELDS, strict=True)
        for part in field_.split(",")
    )


def _is_cron_part(part: str, least: int, most: int, names: tuple[str, ...]) -> bool:
    match = _CRON_PART.fullmatch(part)
    if match is None or match["step"] == "0":
        return False
    places: list[int] = []
    for given in (match["low"], match["high"]):
        if given is None:
            continue
        if given in names:
            places.append(names.index(given) + least)
        elif given.isdigit() and least <= int(given) <= most:
            places.append(int(given))
        else:
            return False
    return places == sorted(places)


_HOST = re.compile(r"[^\s\x00-\x20\x7f/\\?#@<>\"'`{}|^%]+")


def is_web_address(text: str) -> bool:
    """Say whether a text is an address of http or https with a host.

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


def _is_zone(text: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(text)
    except (OSError, ValueError, KeyError):
        return False
    return True


_SHAPES: dict[str, tuple[Callable[[str], bool], str]] = {
    "cron": (is_cron, "five cron fields with weekdays by name, such as 0 2 * * mon-fri"),
    "url": (is_web_address, "an address that starts with http:// or https://"),
    "url_or_off": (
        lambda text: text == "off" or is_web_address(text),
        "an address that starts with http:// or https://, or off",
    ),
    "language": (
        lambda text: re.fullmatch(r"[a-z]{2,3}(-[A-Z]{2})?", text) is not None,
        "a language such as en-US or de",
    ),
    "region": (lambda text: re.fullmatch(r"[A-Z]{2}", text) is not None, "a country's two letters, such as AT"),
    "word": (
        lambda text: re.fullmatch(r"[A-Za-z0-9_-]{8,128}", text) is not None,
        "at least 8 letters, digits, hyphens or underscores",
    ),
    "time_zone": (_is_zone, "a time zone such as Europe/Vienna"),
    "path": (lambda text: text.startswith("/"), "an absolute path"),
}


def _within(key: Key, value: float) -> bool:
    return (key.low is None or value >= key.low) and (key.high is None or value <= key.high)


def wanted(key: Key) -> str:
    """Say what a key's value must be: `a whole number from 1 to 65535`."""
    if key.allowed:
        return f"one of {', '.join(key.allowed)}"
    if key.kind is bool:
        return "true or false"
    if key.shape:
        return _SHAPES[key.shape][1]
    if key.kind in (int, float):
        word = "a whole number" if key.kind is int else "a number"
        return f"{word} from {key.low:g} to {key.high:g}" if key.low is not None and key.high is not None else word
    return "a text"


def _shown(key: Key, raw: object) -> str:
    return "a secret" if key.secret else repr(raw)


def _find_file(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get("MYDIA_CONFIG"):
        path = Path(named).expanduser()
        if not path.is_file():
            raise Misconfigured(f"MYDIA_CONFIG names {named}, but there is no such file.")
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


def _resolve(key: Key, environ: Mapping[str, str], tree: Mapping[str, Any], file: Path | None) -> Sourced:
    for variable in (key.env, *key.also_env):
        if (raw := environ.get(variable)) not in (None, ""):
            source = f"environment variable {variable}"
            return Sourced(check(key, raw, source), "environment", source)
    node: Any = tree
    for part in key.name.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    if node is not None and file is not None:
        source = f"file {file.name}"
        return Sourced(check(key, node, source), "file", source)
    return Sourced(key.default, "default", "default")


def _entries(
    name: str,
    prefix: str,
    fields: tuple[str, ...],
    environ: Mapping[str, str],
    tree: Mapping[str, Any],
    file: Path | None,
) -> tuple[ManagedEntry, ...]:
    pattern = re.compile(rf"{prefix}_(\d+)_({'|'.join(fields)})")
    found: dict[int, dict[str, str]] = {}
    for variable, value in environ.items():
        if (match := pattern.fullmatch(variable)) and value:
            found.setdefault(int(match[1]), {})[match[2].lower()] = value
    entries = [ManagedEntry(found[n], f"environment variables {prefix}_{n}_…") for n in sorted(found)]
    listed = tree.get(name) or []
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise Misconfigured(f"{name} ({file.name if file else 'file'}) must be a list of entries.")
    for number, entry in enumerate(listed, 1):
        texts = {
            str(k): ",".join(map(str, v)) if isinstance(v, list) else str(v) for k, v in entry.items() if v is not None
        }
        for unknown in texts.keys() - {f.lower() for f in fields}:
            raise Misconfigured(
                f"{name}[{number}].{unknown} (file {file.name if file else ''}) is not known. Known: {', '.join(f.lower() for f in fields)}."
            )
        entries.append(ManagedEntry(texts, f"file {file.name if file else ''}, {name} entry {number}"))
    return tuple(entries)


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> list[str]:
    names: list[str] = []
    for key, value in tree.items():
        names += _leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [f"{prefix}{key}"]
    return names


def _check_together(config: Config) -> None:
    """Refuse combinations that no single key shows to be wrong."""
    if (given := config["server.secret_key_base"]) and len(str(given)) < 32:
        raise Misconfigured(
            f"server.secret_key_base ({config.values['server.secret_key_base'].source}) must have at least 32 characters."
        )
    if (key := config["auth.admin_api_key"]) and len(str(key)) < 20:
        raise Misconfigured(
            f"auth.admin_api_key ({config.values['auth.admin_api_key'].source}) must have at least 20 characters."
        )
    if (password := config["auth.admin_password"]) and len(str(password)) < 8:
        raise Misconfigured(
            f"auth.admin_password ({config.values['auth.admin_password'].source}) must have at least 8 characters."
        )
    if (hashed := config["auth.admin_password_hash"]) and not str(hashed).startswith("$argon2"):
        raise Misconfigured("auth.admin_password_hash must be an Argon2 hash: make one with `mydia hash-password`.")
    if (config["auth.admin_password"] or config["auth.admin_password_hash"]) and not config["auth.admin_username"]:
        raise Misconfigured("An administrator's password is given without a name. Set ADMIN_USERNAME as well.")


_EXAMPLE_HEAD = """\
# Mydia's configuration. Copy it to config.yml in the data folder (or name it in MYDIA_CONFIG) and take the # away
# from the lines you change. What stands here are the defaults.
#
# Order: environment variable > what was saved on the settings pages > this file > default.
# ${NAME} and ${NAME:-default} are filled in from the environment.
# `mydia config` shows every value with its source, `mydia doctor` names what means nothing.
"""
_EXAMPLE_LISTS = """
# Download clients, indexers and library folders that stand here (or in DOWNLOAD_CLIENT_1_NAME and so on) are shown
# read-only on the settings pages.

# download_clients:
#   - name: qBittorrent
#     type: qbittorrent
#     host: qbittorrent          # or a whole address: https://box.example.org/qbittorrent
#     port: 8080
#     use_ssl: false
#     username: admin
#     password: ${QBITTORRENT_PASSWORD}
#     category: mydia
#     remote_path: /downloads    # where the client saves, as it sees it ...
#     local_path: /data/downloads # ... and as Mydia sees it; leave both out when they are the same

# indexers:
#   - name: Prowlarr
#     type: prowlarr             # torznab, newznab; prowlarr and jackett with indexer_ids
#     base_url: http://prowlarr:9696
#     api_key: ${PROWLARR_API_KEY}
#     indexer_ids: [1, 2]

# library_paths:
#   - path: /media/movies
#     name: Films
#     type: movies               # movies, series or mixed
#     quality_profile: HD-1080p
#     import_mode: hardlink      # hardlink, reflink, copy or move
"""


def example() -> str:
    """Return `config.yml.example`: every key with its sentence, variable and default, as comments."""
    lines = [_EXAMPLE_HEAD]
    section = ""
    for key in KEYS:
        part, _, name = key.name.partition(".")
        if part != section:
            lines.append(f"\n# {part}:")
            section = part
        allowed = f" One of {', '.join(key.allowed)}." if key.allowed else ""
        if key.low is not None and key.high is not None:
            allowed = f" From {key.low:g} to {key.high:g}."
        lines += [f"#   # {key.doc}{allowed}", f"#   # Variable: {', '.join((key.env, *key.also_env))}"]
        lines.append(f"#   {name}: {_yaml(key.default)}".rstrip())
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n" + _EXAMPLE_LISTS


def _yaml(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{part}"' for part in value) + "]"
    return f'"{value}"' if isinstance(value, str) and re.search(r"[*#:{\[ ]|^$", value) else str(value)
