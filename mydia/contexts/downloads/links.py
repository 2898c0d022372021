"""Links that users add themselves: a magnet link, or a URL at a configured indexer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from sqlalchemy.orm import Session

from mydia.adapters import indexers
from mydia.adapters.torrents import magnet_hashes
from mydia.contexts import media, settings
from mydia.contexts.downloads.decisions import Verdict
from mydia.contexts.downloads.models import Release
from mydia.contexts.downloads.storing import shown_facts
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.errors import Invalid
from mydia.parsing import ParsedRelease, Quality, parse_release
from mydia.vocabulary import MediaType

_LONGEST = 20_000
_MAGNET = re.compile(r"^magnet:", re.IGNORECASE)


def add_link(
    session: Session,
    caller: Caller,
    now: datetime,
    item_id: str,
    link: str,
    *,
    title: str | None = None,
    episode_ids: Sequence[str] = (),
    version_id: str | None = None,
) -> str:
    """Store a link as a release of a title and return the release's id, ready to be grabbed.

    Args:
        link: A magnet link, or an http URL on the host of a configured indexer; other hosts are refused.
        title: Name of the release; None takes it from the link.
        episode_ids: The episodes it contains; empty takes them from the name.
        version_id: The version it is for; None is the default version.

    Raises:
        Invalid: It is neither a magnet link nor a URL at an indexer, or its name does not match any episode of the series.
        NotFound: The title does not exist.
    """
    caller.require(Permission.MANAGE_MEDIA)
    item = media.get_item(session, caller, item_id)
    link = _MAGNET.sub("magnet:", link.strip())
    magnet, url, info_hash, choice = None, None, None, None
    if len(link) > _LONGEST:
        raise _wrong("This link is too long.")
    if link.startswith("magnet:"):
        magnet, info_hash = link, magnet_hashes(link)[0]
    else:
        url, choice = link, _indexer_of(session, link)
    name = (title or _name(link)).strip()
    parsed, brings = read_name(session, item, name, episode_ids)
    quality = parsed.quality if parsed is not None else Quality()
    kind = indexers.KINDS.get(choice.row.kind) if choice else None
    release = Release(
        indexer_id=choice.row.id if choice else None,
        indexer_name=choice.row.name if choice else "a link",
        guid=info_hash or link,
        title=name or item.title,
        parsed=shown_facts(parsed),
        protocol=str(kind.protocol) if kind is not None else "torrent",
        sealed_link=settings.sealer(session).seal(json.dumps([url, magnet])),
        info_hash=info_hash,
        quality=quality.to_json(),
        quality_name=quality.name,
        verdict=Verdict.APPROVED,
        media_item_id=item_id,
        version_id=media.versions.get_version(session, item_id, version_id).id,
        episode_ids=sorted(brings),
        seen_at=now,
    )
    session.add(release)
    session.flush()
    return release.id


def read_name(
    session: Session, item: media.MediaItem, name: str, episode_ids: Sequence[str]
) -> tuple[ParsedRelease | None, list[str]]:
    """Return the parsed release name and the ids of the episodes it contains.

    Args:
        episode_ids: The episodes according to the user; empty takes them from the name.

    Raises:
        Invalid: It is for a series, and neither the user nor the name says which episodes it contains.
    """
    is_film = item.type == MediaType.MOVIE
    parsed = parse_release(name, "movie" if is_film else "tv") if name else None
    if is_film:
        return parsed, []
    known = media.episodes.episodes_of(session, SYSTEM, item.id)
    chosen = set(episode_ids)
    brings = [episode.id for episode in known if episode.id in chosen]
    if not brings and parsed is not None:
        series = media.episodes.series_numbers(session, SYSTEM, item.id)
        brings = [episode.id for episode in media.numbering.meant_episodes(parsed, series).episodes]
    if not brings:
        sentence = f"“{name}” does not match any episode of {item.title}. Choose its episodes."
        raise Invalid(sentence, fields={"episode_ids": sentence})
    return parsed, brings


def _indexer_of(session: Session, link: str) -> settings.indexers.IndexerChoice:
    try:
        parts = urlsplit(link)
    except ValueError as error:
        raise _wrong("This is not a link. Enter a magnet link, or the URL of a file at an indexer.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong("This is not a link. Enter a magnet link, or the URL of a file at an indexer.")
    choices = settings.indexers.indexer_connections(session, usage="interactive")
    choices += settings.indexers.indexer_connections(session, usage="automatic")
    for choice in choices:
        if urlsplit(choice.connection.url).hostname == parts.hostname:
            return choice
    raise _wrong(f"No indexer with the host {parts.hostname} is configured. Enter a magnet link, or add the indexer.")


def _name(link: str) -> str:
    """Return the name in a link: a magnet's `dn`, or the file name."""
    parts = urlsplit(link)
    fields = parse_qs(parts.query)
    if named := fields.get("dn") or fields.get("file"):
        return named[0]
    last = parts.path.rsplit("/", 1)[-1]
    return last.removesuffix(".torrent").removesuffix(".nzb") if parts.scheme != "magnet" else ""


def _wrong(sentence: str) -> Invalid:
    return Invalid(sentence, fields={"link": sentence})
