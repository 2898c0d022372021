"""The metadata source as one choice: read it, store it, test it. Shared by setup and settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia.contexts import settings
from mydia.contexts.settings import FolderFinding
from mydia.contexts.users import Caller
from mydia.errors import Invalid, MydiaError
from mydia.relay import RelayConfig, make_provider
from mydia.secret import Secret
from mydia.vocabulary import MediaType
from mydia.web.deps import WebDeps
from mydia.web.forms import message
from mydia.web.pages.settings.service_forms import TestResult

_CHOOSE = "Choose where titles come from."
_NAMES = ("metadata.relay_url", "metadata.tmdb_api_key", "metadata.tvdb_api_key", "metadata.public_relay")
_TRIED = "Metropolis"


class SourceFields(Struct, kw_only=True):
    """The form of the metadata source."""

    source: Annotated[Literal["public", "own", "relay", "none"], message(_CHOOSE)] | None = None
    relay_url: str = ""
    tmdb_api_key: Secret = Secret("")
    """Empty: the stored one."""
    tvdb_api_key: Secret = Secret("")

    @property
    def keys(self) -> dict[str, str]:
        """Return the API keys that were typed, by the name of their setting."""
        typed = {"tmdb_api_key": self.tmdb_api_key, "tvdb_api_key": self.tvdb_api_key}
        return {f"metadata.{name}": text for name, key in typed.items() if (text := key.reveal().strip())}

    @property
    def address(self) -> str:
        """Return the relay's address without a slash at its end."""
        return self.relay_url.rstrip("/")


class SourceChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The present choice, as the form shows it."""

    source: str
    relay_url: str
    has_tmdb: bool
    has_tvdb: bool
    locked: str
    """The source that fixes the choice (`environment variable TMDB_API_KEY`), or empty."""
    present: str
    """The choice as a sentence."""
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


_SENTENCES = {
    "public": "Metadata comes from the Mydia project's public relay.",
    "own": "Metadata comes from the built-in relay, with your own keys.",
    "relay": "Metadata comes from the relay at",
    "none": "There is no metadata source. Titles come from file names and NFO files.",
}


def read_source(session: Session, caller: Caller) -> SourceChoice:
    """Return the present choice."""
    found = {name: settings.sourced(session, caller, name) for name in _NAMES}
    url = str(found["metadata.relay_url"].value or "")
    has_tmdb, has_tvdb = bool(found["metadata.tmdb_api_key"].value), bool(found["metadata.tvdb_api_key"].value)
    if url and url != "off":
        source = "relay"
    elif url == "off":
        source = "none"
    elif has_tmdb or has_tvdb:
        source = "own"
    else:
        source = "public" if found["metadata.public_relay"].value else "none"
    locked = next((one.source for one in found.values() if one.layer == "environment"), "")
    present = f"{_SENTENCES[source]} {url}." if source == "relay" else _SENTENCES[source]
    return SourceChoice(
        source=source,
        relay_url="" if url == "off" else url,
        has_tmdb=has_tmdb,
        has_tvdb=has_tvdb,
        locked=locked,
        present=present,
    )


def write_source(session: Session, caller: Caller, now: datetime, wanted: SourceFields) -> None:
    """Store a choice.

    Raises:
        Invalid: Its key or address is missing.
    """
    if wanted.source is None:
        raise Invalid(_CHOOSE)
    present = read_source(session, caller)
    changes: dict[str, object] = {"metadata.relay_url": None, "metadata.public_relay": True}
    if wanted.source == "own":
        if not (wanted.keys or present.has_tmdb or present.has_tvdb):
            raise Invalid("Enter a key.", fields={"tmdb_api_key": "Enter the key, or choose another source."})
        changes |= wanted.keys
    elif wanted.source == "relay":
        if not wanted.relay_url:
            raise Invalid("Enter an address.", fields={"relay_url": "Enter the relay's address."})
        changes["metadata.relay_url"] = wanted.address
    elif wanted.source == "none":
        changes["metadata.relay_url"] = "off"
    else:
        # A stored key would take precedence over the public relay.
        changes |= {"metadata.tmdb_api_key": None} if present.has_tmdb else {}
        changes |= {"metadata.tvdb_api_key": None} if present.has_tvdb else {}
    try:
        settings.change_values(session, caller, now, changes)
    except Invalid as error:
        raise Invalid(
            error.message, fields={name.partition(".")[2]: sentence for name, sentence in error.fields.items()}
        ) from error


def try_source(deps: WebDeps, caller: Caller, wanted: SourceFields) -> Iterator[TestResult]:
    """Search for a film at the source that a form describes, before it is stored; yield the result of each step.

    Raises:
        Forbidden: The caller may not test sources. Raised at once, before the first step.
    """
    with deps.database.reads() as session:
        present = read_source(session, caller)
        known = settings.of(session).metadata
    stored = {"metadata.tmdb_api_key": known.tmdb_api_key, "metadata.tvdb_api_key": known.tvdb_api_key}
    return _source_steps(deps, wanted, present, stored)


def _source_steps(
    deps: WebDeps, wanted: SourceFields, present: SourceChoice, stored: Mapping[str, Secret]
) -> Iterator[TestResult]:
    yield TestResult("live", "Testing", findings=(FolderFinding("run", "Searching for Metropolis (1927)"),))
    yield _try_source(deps, wanted, present, stored)


def _try_source(deps: WebDeps, wanted: SourceFields, present: SourceChoice, stored: Mapping[str, Secret]) -> TestResult:
    source: str | None = wanted.source
    address, typed = wanted.address, wanted.keys
    if present.locked:
        source, address, typed = present.source, present.relay_url.rstrip("/"), {}
    if source == "none":
        return TestResult("ok", "Nothing to test", "Titles come from file names and NFO files.")
    keys = {**stored} | {name: Secret(text) for name, text in typed.items()}
    own = source == "own"
    config = RelayConfig.from_settings(
        lambda name: (keys[name] if own else "") if name in keys else deps.config[name],
        cache_path=deps.config.data_dir / "trial.db",
        crashes_path=None,
    )
    url = address if source == "relay" else None
    if source == "relay" and not (url or "").startswith(("http://", "https://")):
        return TestResult("fail", "The address is missing", "It starts with http:// or https://.")
    if own and not config.available:
        return TestResult("fail", "A key is missing", "Enter the TMDB key, TheTVDB's, or both.")
    provider, relay = make_provider(config, deps.outside.http, relay_url=url, public_relay=source == "public")
    try:
        catalogue = "tmdb" if not own or keys["metadata.tmdb_api_key"] else "tvdb"
        found = provider.search(MediaType.MOVIE, _TRIED, year=1927, source=catalogue)
    except MydiaError as error:
        return TestResult("fail", "Test failed", error.message)
    finally:
        if relay is not None:
            relay.close()
        for leftover in deps.config.data_dir.glob("trial.db*"):
            leftover.unlink(missing_ok=True)
    if not found:
        return TestResult(
            "miss",
            "Metropolis not found",
            "The source answers but does not find it, which is unusual for a movie catalogue.",
        )
    best = found[0]
    return TestResult("ok", f"Found {best.title}{f' ({best.year})' if best.year else ''}", f"Source: {provider.name}.")
