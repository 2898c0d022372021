"""The configuration of a relay, embedded or alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from mydia.addresses import is_network
from mydia.errors import Misconfigured
from mydia.relay.ttl import TTL_S
from mydia.secret import Secret

PUBLIC_RELAY_URL = "https://relay.mydia.dev"
"""The public relay of the Mydia project. Source: getmydia/mydia, the client's default."""

TMDB_URL = "https://api.themoviedb.org/3"
TMDB_IMAGE_URL = "https://image.tmdb.org/t/p"
TVDB_URL = "https://api4.thetvdb.com/v4"
TVDB_IMAGE_HOST = "artworks.thetvdb.com"


class RelayConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One relay."""

    tmdb_api_key: Secret = msgspec.field(default_factory=lambda: Secret(""))
    """A v3 key (32 hex digits) or a v4 read access token; empty disables TMDB."""
    tvdb_api_key: Secret = msgspec.field(default_factory=lambda: Secret(""))
    tvdb_pin: Secret = msgspec.field(default_factory=lambda: Secret(""))
    tmdb_url: str = TMDB_URL
    tmdb_image_url: str = TMDB_IMAGE_URL
    tvdb_url: str = TVDB_URL
    cache_path: Path | None = None
    """The SQLite file of the shared store; None caches in memory only, unless there is a Redis URL."""
    redis_url: Secret = msgspec.field(default_factory=lambda: Secret(""))
    crashes_path: Path | None = None
    """The file of crash reports; None refuses reports."""
    max_entries: int = 20_000
    max_bytes: int = 64 * 1024**2
    """Limit of the answers in memory, in bytes; 20,000 answers of 8 kB would be 160 MB."""
    max_store_bytes: int = 1024**3
    ttl_s: Mapping[str, int] = msgspec.field(default_factory=lambda: dict(TTL_S))
    stale_while_revalidate_s: int = 86_400
    stale_if_error_s: int = 604_800
    tmdb_per_s: float = 30.0
    """TMDB allows about 40 per second and address. Source: developer.themoviedb.org, rate limiting."""
    tvdb_per_s: float = 10.0
    max_wait_s: float = 12.0
    """How long one caller may wait for a rate limit or a retry before it gets 429 or 503."""
    timeout_s: float = 10.0
    misses_per_min: int = 300
    """Cache misses allowed to one client address per minute; callers in this process are not limited."""
    reports_per_min: int = 10
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    dashboard_username: str = ""
    dashboard_password: Secret = msgspec.field(default_factory=lambda: Secret(""))

    @property
    def available(self) -> bool:
        """Whether any upstream is configured."""
        return bool(self.tmdb_api_key) or bool(self.tvdb_api_key)

    @classmethod
    def from_settings(
        cls, read: Callable[[str], object], *, cache_path: Path, crashes_path: Path | None
    ) -> RelayConfig:
        """Make the embedded relay's configuration.

        Args:
            read: Returns the value of a key of `mydia.config.KEYS`: `Config.__getitem__`, or the settings' reader.
        """

        def text(name: str) -> str:
            value = read(name)
            return value.reveal() if isinstance(value, Secret) else str(value or "")

        proxies = read("server.trusted_proxies")
        return cls(
            tmdb_api_key=Secret(text("metadata.tmdb_api_key")),
            tvdb_api_key=Secret(text("metadata.tvdb_api_key")),
            tmdb_url=base_url("TMDB_API_URL", text("metadata.tmdb_api_url") or TMDB_URL, "/3"),
            tmdb_image_url=base_url("TMDB_IMAGE_URL", text("metadata.tmdb_image_url") or TMDB_IMAGE_URL, "/t/p"),
            tvdb_url=base_url("TVDB_API_URL", text("metadata.tvdb_api_url") or TVDB_URL, "/v4"),
            redis_url=Secret(text("metadata.redis_url")),
            cache_path=cache_path,
            crashes_path=crashes_path,
            trusted_proxies=tuple(map(str, proxies)) if isinstance(proxies, tuple | list) else (),
        )

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> RelayConfig:
        """Make the configuration of a relay that runs alone, from environment variables only.

        Raises:
            Misconfigured: A variable has an invalid value; the message names it and what is allowed.
        """

        def number(name: str, default: float, low: float = 0) -> float:
            raw = environ.get(name) or ""
            if not raw:
                return default
            if not re.fullmatch(r"\d+(\.\d+)?", raw) or float(raw) < low:
                raise Misconfigured(f"{name} is {raw!r}, but must be a number of at least {low:g}.")
            return float(raw)

        def secret(name: str) -> Secret:
            return Secret((environ.get(name) or "").strip())

        folder = Path(environ.get("DATA_DIR") or "./data").expanduser()
        redis_url = environ.get("REDIS_URL") or ""
        if redis_url and not redis_url.startswith(("redis://", "rediss://", "unix://")):
            raise Misconfigured("REDIS_URL must begin with redis://, rediss:// or unix://.")
        proxies = environ.get("RELAY_TRUSTED_PROXY_CIDRS") or environ.get("TRUSTED_PROXIES") or "127.0.0.1,::1"
        trusted_proxies = tuple(part.strip() for part in proxies.split(",") if part.strip())
        if wrong := [part for part in trusted_proxies if not is_network(part)]:
            raise Misconfigured(f"RELAY_TRUSTED_PROXY_CIDRS holds {wrong[0]!r}, which is no address or network.")
        return cls(
            tmdb_api_key=secret("TMDB_API_KEY"),
            tvdb_api_key=secret("TVDB_API_KEY"),
            tvdb_pin=secret("TVDB_PIN"),
            tmdb_url=base_url("TMDB_API_URL", environ.get("TMDB_API_URL") or TMDB_URL, "/3"),
            tmdb_image_url=base_url("TMDB_IMAGE_URL", environ.get("TMDB_IMAGE_URL") or TMDB_IMAGE_URL, "/t/p"),
            tvdb_url=base_url("TVDB_API_URL", environ.get("TVDB_API_URL") or TVDB_URL, "/v4"),
            cache_path=folder / "cache.db",
            redis_url=Secret(redis_url),
            crashes_path=Path(environ.get("SQLITE_DB_PATH") or folder / "relay.db").expanduser(),
            max_entries=int(number("RELAY_CACHE_ENTRIES", 20_000, 1)),
            max_bytes=int(number("RELAY_CACHE_MB", 64, 1) * 1024**2),
            max_store_bytes=int(number("RELAY_STORE_MB", 1024, 1) * 1024**2),
            ttl_s={kind: int(number(f"RELAY_TTL_{kind.upper()}_S", default)) for kind, default in TTL_S.items()},
            tmdb_per_s=number("RELAY_TMDB_PER_S", 30, 0.1),
            tvdb_per_s=number("RELAY_TVDB_PER_S", 10, 0.1),
            misses_per_min=int(number("RELAY_PROXY_RATE_LIMIT", 300, 1)),
            reports_per_min=int(number("RELAY_CRASH_RATE_LIMIT", 10, 1)),
            trusted_proxies=trusted_proxies,
            dashboard_username=environ.get("DASHBOARD_USERNAME") or "",
            dashboard_password=secret("DASHBOARD_PASSWORD"),
        )


def base_url(name: str, url: str, version: str) -> str:
    """Return an upstream's base address without a trailing slash, adding the version path if there is only a host.

    >>> base_url("TMDB_API_URL", "https://tmdb.example.org/", "/3")
    'https://tmdb.example.org/3'
    """
    url = url.strip().rstrip("/")
    match = re.fullmatch(r"(https?://[^/\s?#]+)(/[^\s?#]*)?", url)
    if match is None:
        raise Misconfigured(f"{name} is {url!r}, but must be an address such as https://host{version}.")
    return url if match[2] else url + version
