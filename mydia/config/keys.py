"""All settings, declared once: name, type, environment variable, default, limits and description.

Keys marked `editable` can be changed while Mydia runs. Their stored values rank between the environment and the file
(environment > database > file > default); `contexts.settings.of` combines the layers.
"""

# ruff: noqa: RUF009  key() declares a field, as dataclasses.field() does

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mydia.secret import Secret

type Value = str | int | float | bool | None | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One setting."""

    name: str
    """Dotted path in `config.yml` and in the API: `server.port`."""
    env: str
    kind: type
    """str, int, float, bool or tuple (a comma-separated list)."""
    default: Value
    doc: str
    """A sentence for the settings page, the guide and `config.yml.example`."""
    allowed: tuple[str, ...]
    low: float | None
    high: float | None
    secret: bool
    editable: bool
    shape: str
    """The format of a string value: a key of `checking.SHAPES`."""
    also_env: tuple[str, ...]
    """Other accepted names of the variable; the first one that is set wins."""
    also_in_file: str
    """Another accepted path in `config.yml`."""


def key(
    env: str,
    default: Value,
    doc: str,
    *,
    allowed: tuple[str, ...] = (),
    low: float | None = None,
    high: float | None = None,
    secret: bool = False,
    editable: bool = False,
    shape: str = "",
    also_env: tuple[str, ...] = (),
    also_in_file: str = "",
) -> Any:
    """Declare a field of a section as a setting; a default of None means a string that is not set."""
    facts = {
        "env": env,
        "kind": str if default is None else type(default),
        "default": default,
        "doc": doc,
        "allowed": allowed,
        "low": low,
        "high": high,
        "secret": secret,
        "editable": editable,
        "shape": shape,
        "also_env": also_env,
        "also_in_file": also_in_file,
    }
    return field(metadata=facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How Mydia is reached."""

    port: int = key("PORT", 4000, "The port Mydia listens on.", low=1, high=65535)
    host: str = key(
        "HOST",
        "0.0.0.0",  # noqa: S104  the owner of the container decides which ports are published
        "The address Mydia listens on; `::` for IPv6.",
        also_env=("PHX_IP",),
    )
    url: str | None = key(
        "EXTERNAL_URL",
        None,
        "The public address of Mydia, e.g. https://media.example.org; required behind a proxy.",
        shape="url",
    )
    url_scheme: str = key(
        "URL_SCHEME", "http", "Scheme of the public address when EXTERNAL_URL is not set.", allowed=("http", "https")
    )
    url_host: str = key(
        "URL_HOST", "localhost", "Host of the public address when EXTERNAL_URL is not set.", also_env=("PHX_HOST",)
    )
    allowed_hosts: tuple[str, ...] = key("ALLOWED_HOSTS", (), "Host names accepted in requests; empty accepts any.")
    trusted_proxies: tuple[str, ...] = key(
        "TRUSTED_PROXIES",
        ("127.0.0.1", "::1"),
        "Addresses or networks of reverse proxies whose X-Forwarded headers are trusted.",
        shape="networks",
    )
    secret_key_base: Secret = key(
        "SECRET_KEY_BASE",
        None,
        "Encrypts stored secrets and sessions; at least 32 characters. Generated and kept in the data folder when not set.",
        secret=True,
    )
    ca_file: str | None = key(
        "CA_FILE",
        None,
        "PEM file with certificates of your own authority, trusted besides the usual ones by all outgoing connections.",
    )
    relay_enabled: bool = key("RELAY_ENABLED", False, "Serve the embedded metadata relay to other instances at /relay.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """Where Mydia keeps its own files."""

    directory: str = key("DATA_DIR", "./data", "Folder for databases, backups, artwork and logs.")

    @property
    def path(self) -> Path:
        """The data folder, absolute."""
        return Path(self.directory).expanduser().resolve()

    @property
    def images(self) -> Path:
        """The folder of artwork."""
        return self.path / "images"

    @property
    def backups(self) -> Path:
        """The folder of backups."""
        return self.path / "backups"

    @property
    def logs(self) -> Path:
        """The folder of log files, one for each process."""
        return self.path / "logs"

    @property
    def jobs_file(self) -> Path:
        """The file of the task board and the SQLite broker."""
        return self.path / "jobs.db"

    @property
    def cache_file(self) -> Path:
        """The relay's cache file."""
        return self.path / "cache.db"

    @property
    def crashes_file(self) -> Path:
        """The file of collected crash reports."""
        return self.path / "crashes.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """The main database."""

    url: Secret = key(
        "DATABASE_URL",
        None,
        "A PostgreSQL address; SQLite in the data folder when not set.",
        secret=True,
        shape="database",
    )
    path: str | None = key("DATABASE_PATH", None, "The SQLite file; mydia.db in the data folder when not set.")
    wal_mode: bool = key(
        "DATABASE_WAL_MODE", True, "SQLite's write-ahead log; Mydia needs it, so only true is accepted."
    )
    pool_size: int = key("POOL_SIZE", 6, "Database connections per process.", low=2, high=64)
    skip_backups: bool = key("SKIP_BACKUPS", False, "Skip scheduled backups and the one before a migration.")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsSettings:
    """The job queue and its schedules."""

    broker_url: Secret = key(
        "BROKER_URL",
        "sqlite:",
        "The job queue: sqlite: (jobs.db in the data folder), redis://… or amqp://…",
        secret=True,
        shape="broker",
    )
    max_age_days: int = key(
        "JOBS_MAX_AGE_DAYS",
        7,
        "Days to keep finished jobs on the tasks page.",
        low=1,
        high=365,
        editable=True,
        also_env=("OBAN_MAX_AGE_DAYS",),
    )
    scan_cron: str = key(
        "SCAN_CRON",
        "0 2 * * *",
        "When to scan library folders (minute hour day month weekday).",
        editable=True,
        shape="cron",
    )
    search_cron: str = key(
        "SEARCH_CRON", "15 */6 * * *", "When to search for missing and upgradable titles.", editable=True, shape="cron"
    )
    time_zone: str = key("TZ", "UTC", "Time zone of schedules and of dates on pages.", shape="time_zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingSettings:
    """What is logged, and how."""

    level: str = key("LOG_LEVEL", "info", "Lowest level that is logged.", allowed=("debug", "info", "warning", "error"))
    format: str = key("LOG_FORMAT", "text", "text for people, json for log collectors.", allowed=("text", "json"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """Sign-in and the administrator from the environment."""

    local_enabled: bool = key(
        "LOCAL_AUTH_ENABLED",
        True,
        "Allow signing in with a username and password.",
        editable=True,
        also_in_file="auth.local_auth_enabled",
    )
    oidc_enabled: bool = key(
        "OIDC_ENABLED",
        True,
        "Use the OIDC provider configured here; false turns it off.",
        also_in_file="auth.oidc.enabled",
    )
    oidc_name: str | None = key(
        "OIDC_NAME",
        None,
        "Name of the provider on the sign-in button; its host when not set.",
        also_in_file="auth.oidc.name",
    )
    oidc_issuer: str | None = key(
        "OIDC_ISSUER",
        None,
        "Issuer of the OIDC provider, e.g. https://auth.example.org/application/o/mydia/.",
        shape="url",
        also_in_file="auth.oidc.issuer",
    )
    oidc_discovery_document_uri: str | None = key(
        "OIDC_DISCOVERY_DOCUMENT_URI",
        None,
        "Address of the provider's discovery document, if it is not below the issuer.",
        shape="url",
        also_in_file="auth.oidc.discovery_document_uri",
    )
    oidc_client_id: str | None = key(
        "OIDC_CLIENT_ID", None, "Client id of Mydia at the provider.", also_in_file="auth.oidc.client_id"
    )
    oidc_client_secret: Secret = key(
        "OIDC_CLIENT_SECRET",
        None,
        "Client secret; not needed for a public client.",
        secret=True,
        also_in_file="auth.oidc.client_secret",
    )
    oidc_scopes: tuple[str, ...] = key(
        "OIDC_SCOPES",
        ("openid", "profile", "email"),
        "Scopes to request, separated by spaces or commas. Some providers need `groups` to send groups.",
        also_in_file="auth.oidc.scopes",
    )
    oidc_redirect_uri: str | None = key(
        "OIDC_REDIRECT_URI",
        None,
        "Where the provider sends people back; EXTERNAL_URL with /auth/oidc/callback when not set.",
        shape="url",
        also_in_file="auth.oidc.redirect_uri",
    )
    oidc_role_claim: str = key(
        "OIDC_ROLE_CLAIM",
        "groups",
        "Claim with a person's groups; dots lead into objects: realm_access.roles.",
        also_in_file="auth.oidc.role_claim",
    )
    oidc_admin_groups: tuple[str, ...] = key(
        "OIDC_ADMIN_GROUPS",
        ("admin", "administrators"),
        "Groups whose members are administrators.",
        also_in_file="auth.oidc.admin_groups",
    )
    oidc_user_groups: tuple[str, ...] = key(
        "OIDC_USER_GROUPS",
        ("user", "users"),
        "Groups whose members may change the library.",
        also_in_file="auth.oidc.user_groups",
    )
    oidc_readonly_groups: tuple[str, ...] = key(
        "OIDC_READONLY_GROUPS",
        ("readonly", "readers"),
        "Groups whose members may only look.",
        also_in_file="auth.oidc.readonly_groups",
    )
    oidc_guest_groups: tuple[str, ...] = key(
        "OIDC_GUEST_GROUPS",
        ("guest", "guests"),
        "Groups whose members may look and request titles.",
        also_in_file="auth.oidc.guest_groups",
    )
    oidc_default_role: str = key(
        "OIDC_DEFAULT_ROLE",
        "guest",
        "Role of people in none of these groups; none refuses them.",
        allowed=("admin", "user", "readonly", "guest", "none"),
        also_in_file="auth.oidc.default_role",
    )
    oidc_allow_sign_up: bool = key(
        "OIDC_ALLOW_SIGN_UP",
        True,
        "Add an account for people who sign in for the first time.",
        also_in_file="auth.oidc.allow_sign_up",
    )
    oidc_auto_redirect: bool = key(
        "OIDC_AUTO_REDIRECT",
        False,
        "Go from the sign-in page straight to the only provider; /login?local shows the page.",
        editable=True,
        also_in_file="auth.oidc.auto_redirect",
    )
    proxy_enabled: bool = key(
        "PROXY_AUTH_ENABLED",
        False,
        "Sign people in by the headers of a trusted proxy (TRUSTED_PROXIES), which must remove them from what browsers send.",
    )
    proxy_user_header: str = key("PROXY_AUTH_USER_HEADER", "Remote-User", "Header with the user name.", shape="header")
    proxy_name_header: str = key(
        "PROXY_AUTH_NAME_HEADER", "Remote-Name", "Header with the display name.", shape="header"
    )
    proxy_email_header: str = key(
        "PROXY_AUTH_EMAIL_HEADER", "Remote-Email", "Header with the e-mail address.", shape="header"
    )
    proxy_groups_header: str = key(
        "PROXY_AUTH_GROUPS_HEADER",
        "Remote-Groups",
        "Header with the groups, separated by commas; they give the roles of OIDC_ADMIN_GROUPS and the like.",
        shape="header",
    )
    session_days: int = key(
        "SESSION_DAYS",
        30,
        "Days until an unused session expires.",
        low=1,
        high=365,
        editable=True,
        also_env=("JWT_TTL_DAYS",),
    )
    admin_username: str | None = key(
        "ADMIN_USERNAME", None, "Creates this administrator at start, so setup is skipped."
    )
    admin_email: str | None = key("ADMIN_EMAIL", None, "The administrator's e-mail address.")
    admin_password: Secret = key(
        "ADMIN_PASSWORD", None, "The administrator's password; at least 8 characters.", secret=True
    )
    admin_password_hash: Secret = key(
        "ADMIN_PASSWORD_HASH", None, "The administrator's password as an Argon2 hash.", secret=True
    )
    admin_api_key: Secret = key(
        "ADMIN_API_KEY", None, "An API key of the administrator; at least 20 characters.", secret=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """The server that sends mail."""

    host: str | None = key(
        "SMTP_HOST", None, "Host of the mail server; no mail is sent when not set.", editable=True, shape="host"
    )
    port: int = key(
        "SMTP_PORT", 587, "Port of the mail server: 587 for STARTTLS, 465 for TLS.", low=1, high=65535, editable=True
    )
    tls: str = key(
        "SMTP_TLS",
        "starttls",
        "Encryption of the connection; none also sends the password readable.",
        allowed=("starttls", "tls", "none"),
        editable=True,
    )
    username: str | None = key(
        "SMTP_USERNAME", None, "User name at the mail server, if it asks for one.", editable=True
    )
    password: Secret = key("SMTP_PASSWORD", None, "Password at the mail server.", secret=True, editable=True)
    sender: str | None = key(
        "SMTP_FROM",
        None,
        "Address that messages come from, e.g. mydia@example.org.",
        editable=True,
        shape="email",
        also_in_file="mail.from",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataSettings:
    """Where titles, artwork and release dates come from."""

    relay_url: str | None = key(
        "METADATA_RELAY_URL",
        None,
        "Address of a metadata relay, or `off`. Without it and without TMDB_API_KEY the public relay is used.",
        editable=True,
        shape="url_or_off",
    )
    tmdb_api_key: Secret = key(
        "TMDB_API_KEY", None, "TMDB key (v3) or token (v4) for the embedded relay.", secret=True, editable=True
    )
    tmdb_api_url: str = key(
        "TMDB_API_URL", "https://api.themoviedb.org/3", "Address of the TMDB API, to use a proxy.", shape="url"
    )
    tmdb_image_url: str = key(
        "TMDB_IMAGE_URL", "https://image.tmdb.org/t/p", "Address of TMDB images, to use a proxy.", shape="url"
    )
    tvdb_api_key: Secret = key(
        "TVDB_API_KEY", None, "TheTVDB v4 key for the embedded relay.", secret=True, editable=True
    )
    tvdb_api_url: str = key(
        "TVDB_API_URL", "https://api4.thetvdb.com/v4", "Address of the TheTVDB API, to use a proxy.", shape="url"
    )
    public_relay: bool = key(
        "PUBLIC_RELAY_ENABLED", True, "Use the Mydia project's public relay when no other source is set.", editable=True
    )
    language: str = key(
        "METADATA_LANGUAGE", "en-US", "Language of titles and overviews, e.g. de-DE.", editable=True, shape="language"
    )
    region: str | None = key(
        "METADATA_REGION",
        None,
        "Country for release dates and age ratings, e.g. AT; the language's country when not set.",
        editable=True,
        shape="region",
    )
    adult_token: Secret = key(
        "ADULT_METADATA_TOKEN",
        None,
        "Token for ThePornDB. Only the Plex provider uses it, and only when Plex requests adult titles.",
        secret=True,
    )
    adult_url: str = key(
        "ADULT_METADATA_URL", "https://api.theporndb.net", "Address of the ThePornDB API, to use a proxy.", shape="url"
    )
    redis_url: Secret = key(
        "REDIS_URL",
        None,
        "Redis for the relay's cache; cache.db in the data folder when not set.",
        secret=True,
        shape="redis",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlexSettings:
    """The metadata provider for Plex servers."""

    enabled: bool = key(
        "PLEX_PROVIDER_ENABLED",
        False,
        "Serve metadata to Plex at /plex/movie and /plex/tv, without sign-in.",
        editable=True,
    )
    token: Secret = key(
        "PLEX_PROVIDER_TOKEN",
        None,
        "A token that Plex must send: /plex/<token>/movie. At least 8 letters, digits, hyphens or underscores.",
        secret=True,
        shape="word",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashesSettings:
    """Crash reports."""

    report: bool = key(
        "CRASH_REPORTING",
        False,
        "Report crashes of Mydia to the relay, without paths, names, addresses and keys.",
        editable=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSettings:
    """Titles: library folders by variable, and what happens when a title is added."""

    movies_path: str | None = key("MOVIES_PATH", None, "A library folder for movies.", shape="path")
    tv_path: str | None = key("TV_PATH", None, "A library folder for shows.", shape="path")
    naming_movie: str | None = key(
        "NAMING_MOVIE",
        None,
        "Folder and file name of movies, e.g. {title} ({year})/{title} ({year}) - {quality}; applied when it changes.",
        also_in_file="media.naming.movie",
    )
    naming_episode: str | None = key(
        "NAMING_EPISODE",
        None,
        "Folders and file name of episodes, e.g. {show}/Season {season}/{show} - S{season:2}E{episode:2} - {title}.",
        also_in_file="media.naming.episode",
    )
    auto_search_on_add: bool = key(
        "AUTO_SEARCH_ON_ADD", True, "Search for a title as soon as it is added.", editable=True
    )
    monitor_by_default: bool = key("MONITOR_BY_DEFAULT", True, "Monitor titles that a scan adds.", editable=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class LibrarySettings:
    """Scanning, matching and the recycle bin."""

    missing_share_limit_percent: int = key(
        "MISSING_SHARE_LIMIT_PERCENT",
        20,
        "Reject a scan when more than this share of a folder's files is missing.",
        low=1,
        high=100,
        editable=True,
    )
    match_confident_percent: int = key(
        "MATCH_CONFIDENT_PERCENT",
        85,
        "Add files automatically when the match scores at least this much; others go to review.",
        low=50,
        high=100,
        editable=True,
    )
    recycle_days: int = key(
        "RECYCLE_DAYS",
        30,
        "Days to keep deleted and replaced files in the recycle bin; 0 deletes immediately.",
        low=0,
        high=3650,
        editable=True,
        also_env=("MYDIA_TRASH_DAYS",),
    )
    recycle_directory: str | None = key(
        "RECYCLE_DIRECTORY",
        None,
        "Folder of the recycle bin; .mydia-recycle in each library folder when not set.",
        also_env=("MYDIA_TRASH_DIR",),
    )
    after_file_removal: str = key(
        "AFTER_FILE_REMOVAL",
        "unmonitor",
        "What to do with a movie or episode when its last file is removed: unmonitor it, or search for it again.",
        allowed=("unmonitor", "search"),
        editable=True,
    )
    watch: bool = key("LIBRARY_WATCH", True, "Watch library folders for new files.", editable=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadsSettings:
    """Searching, grabbing and importing."""

    monitor_interval_minutes: int = key(
        "DOWNLOAD_MONITOR_INTERVAL_MINUTES",
        5,
        "Minutes between checks of download clients while nothing is downloading.",
        low=1,
        high=60,
        editable=True,
    )
    active_interval_seconds: int = key(
        "DOWNLOAD_ACTIVE_INTERVAL_SECONDS",
        3,
        "Seconds between checks while something is downloading.",
        low=1,
        high=60,
        editable=True,
    )
    minimum_free_mb: int = key(
        "MINIMUM_FREE_MB",
        500,
        "Megabytes that must remain free in a library folder after a download.",
        low=0,
        high=10000000,
        editable=True,
    )
    minimum_seeders: int = key(
        "AUTO_SEARCH_MIN_SEEDERS",
        1,
        "Minimum seeders of a torrent, unless its indexer sets another.",
        low=0,
        high=1000,
        editable=True,
    )
    automatic_imports: bool = key("AUTOMATIC_IMPORTS", True, "Import finished downloads automatically.", editable=True)
    retry_failed: bool = key(
        "RETRY_FAILED_DOWNLOADS", True, "Blocklist a failed download and search for another release.", editable=True
    )
    give_up_stalled_hours: int = key(
        "GIVE_UP_STALLED_HOURS",
        48,
        "Hours without progress until a download counts as failed; 0 waits forever.",
        low=0,
        high=8760,
        editable=True,
    )
    rss_interval_minutes: int = key(
        "RSS_INTERVAL_MINUTES",
        15,
        "Minutes between reads of the indexers' feeds (RSS sync); 1 to 9 count as 10, 0 turns it off.",
        low=0,
        high=1440,
        editable=True,
    )
    search_batch: int = key(
        "SEARCH_BATCH",
        50,
        "Titles searched per automatic run; those not searched for longest come first.",
        low=1,
        high=1000,
        editable=True,
        also_env=("UPGRADE_SWEEP_BATCH_SIZE",),
    )
    propers: str = key(
        "PROPERS_AND_REPACKS",
        "prefer",
        "PROPER and REPACK releases of the same quality: prefer them and upgrade to them, prefer them without an upgrade, "
        "or ignore that they are one.",
        allowed=("prefer", "no_upgrade", "ignore"),
        editable=True,
    )
    allow_hardcoded_subs: bool = key(
        "ALLOW_HARDCODED_SUBS", False, "Accept releases with subtitles burned into the picture.", editable=True
    )
    prefer_indexer_flags: bool = key(
        "PREFER_INDEXER_FLAGS",
        True,
        "Prefer freeleech and similar releases if they are otherwise equal.",
        editable=True,
    )
    maximum_size_mb: int = key(
        "MAXIMUM_SIZE_MB", 0, "Largest release in megabytes; 0 means no limit.", low=0, high=100000000, editable=True
    )
    usenet_minimum_age_minutes: int = key(
        "USENET_MINIMUM_AGE_MINUTES",
        0,
        "Minutes that a Usenet post must be old before it is grabbed; 0 means no wait.",
        low=0,
        high=100000,
        editable=True,
    )
    usenet_retention_days: int = key(
        "USENET_RETENTION_DAYS",
        0,
        "Days for which your Usenet provider keeps posts; 0 means no limit.",
        low=0,
        high=100000,
        editable=True,
    )
    availability_delay_days: int = key(
        "AVAILABILITY_DELAY_DAYS",
        0,
        "Days after its release date until a movie is grabbed, or before it if negative.",
        low=-365,
        high=365,
        editable=True,
    )
    multi_season_packs: bool = key(
        "MULTI_SEASON_PACKS",
        True,
        "Accept packs of several seasons; only the episodes that are better than the existing ones are imported.",
        editable=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsSettings:
    """Requests of people who may not add titles themselves."""

    movie_limit: int = key(
        "REQUESTS_MOVIE_LIMIT",
        0,
        "Movies a person may request in the period below; 0 means no limit.",
        low=0,
        high=10000,
        editable=True,
    )
    movie_days: int = key(
        "REQUESTS_MOVIE_DAYS", 7, "Days for which a movie request counts.", low=1, high=365, editable=True
    )
    season_limit: int = key(
        "REQUESTS_SEASON_LIMIT",
        0,
        "Seasons a person may request in the period below; 0 means no limit.",
        low=0,
        high=10000,
        editable=True,
    )
    season_days: int = key(
        "REQUESTS_SEASON_DAYS", 7, "Days for which a season request counts.", low=1, high=365, editable=True
    )
    auto_approve_guests: bool = key(
        "REQUESTS_AUTO_APPROVE_GUESTS",
        False,
        "Approve requests by guests automatically; those by users and administrators always are.",
        editable=True,
    )
    specials: bool = key("REQUESTS_SPECIALS", False, "Allow requests of specials (season 0).", editable=True)
    tag_requester: bool = key(
        "REQUESTS_TAG_REQUESTER", False, "Tag an added title with the requester's user name.", editable=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsSettings:
    """The activity feed."""

    retention_days: int = key(
        "EVENT_RETENTION_DAYS",
        90,
        "Days to keep activity events; those of the audit are kept longer.",
        low=1,
        high=3650,
        editable=True,
    )
    audit_retention_days: int = key(
        "AUDIT_RETENTION_DAYS",
        730,
        "Days to keep the audit: sign-ins, accounts, keys, settings, grabs, deletions and backups.",
        low=30,
        high=3650,
        editable=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupsSettings:
    """Backups of the database."""

    keep: int = key(
        "BACKUPS_KEEP",
        7,
        "Number of days whose database backups are kept; up to five of each day.",
        low=1,
        high=365,
        editable=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphqlSettings:
    """The GraphQL interface."""

    introspection: bool = key(
        "GRAPHQL_INTROSPECTION",
        True,
        "Let GraphQL clients read the schema; editors and generators need it.",
        editable=True,
    )
    explorer: bool = key("GRAPHQL_EXPLORER", True, "Serve a page to try GraphQL at /graphql.", editable=True)
    persisted_queries: bool = key(
        "GRAPHQL_PERSISTED_QUERIES",
        True,
        "Let GraphQL clients send the hash of a query that they sent before in place of its text.",
        editable=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All current values, grouped by topic."""

    server: ServerSettings
    data: DataSettings
    database: DatabaseSettings
    jobs: JobsSettings
    logging: LoggingSettings
    auth: AuthSettings
    mail: MailSettings
    metadata: MetadataSettings
    plex: PlexSettings
    crashes: CrashesSettings
    media: MediaSettings
    library: LibrarySettings
    downloads: DownloadsSettings
    requests: RequestsSettings
    events: EventsSettings
    backups: BackupsSettings
    graphql: GraphqlSettings


_SECTIONS = {
    "server": ServerSettings,
    "data": DataSettings,
    "database": DatabaseSettings,
    "jobs": JobsSettings,
    "logging": LoggingSettings,
    "auth": AuthSettings,
    "mail": MailSettings,
    "metadata": MetadataSettings,
    "plex": PlexSettings,
    "crashes": CrashesSettings,
    "media": MediaSettings,
    "library": LibrarySettings,
    "downloads": DownloadsSettings,
    "requests": RequestsSettings,
    "events": EventsSettings,
    "backups": BackupsSettings,
    "graphql": GraphqlSettings,
}

KEYS: tuple[Key, ...] = tuple(
    Key(name=f"{section}.{one.name}", **one.metadata) for section, kind in _SECTIONS.items() for one in fields(kind)
)
BY_NAME: dict[str, Key] = {one.name: one for one in KEYS}


def build(values: Mapping[str, object]) -> Settings:
    """Return typed settings.

    Args:
        values: Key name -> its checked value; a `Secret` for keys that are secret. All keys must be present.
    """
    sections: dict[str, Any] = {
        section: kind(**{one.name: values[f"{section}.{one.name}"] for one in fields(kind)})
        for section, kind in _SECTIONS.items()
    }
    return Settings(**sections)
