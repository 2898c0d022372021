"""Links that people hand in themselves: a magnet, or an address at an indexer that is set up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from sqlalchemy.orm import Session

from mydia.adapters import indexers
from mydia.adapters.torrents import magnet_hashes
from mydia.contexts import media, settings
from mydia.contexts.downloads.decisions import find_episodes
from mydia.contexts.downloads.models import Release
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid
from mydia.parsing import Quality, parse_release
from mydia.vocabulary import MediaType

_LONGEST = 20_000


def add_link(
    session: Session,
    caller: Caller,
    now: datetime,
    item_id: str,
    link: str,
    *,
    title: str | None = None,
    episode_ids: Sequence[str] = (),
) -> str:
    """Write a link down as a release of a title and return its id, ready to be grabbed.

    Args:
        link: A magnet, or an http address on the host of an indexer that is set up: Mydia fetches from nowhere else.
        title: What the release is called; None reads it from the link.
        episode_ids: What it brings of a series; read from the name when not given.

    Raises:
        Invalid: It is no magnet and belongs to no indexer, or its name tells no episode of the series.
        NotFound: There is no such title.
    """
    caller.require(Permission.MANAGE_MEDIA)
    item = media.get_item(session, item_id)
    link = link.strip()
    magnet, url, info_hash, choice = None, None, None, None
    if len(link) > _LONGEST:
        raise _wrong("This link is too long.")
    if link.startswith("magnet:"):
        magnet, info_hash = link, magnet_hashes(link)[0]
    else:
        url, choice = link, _indexer_of(session, link)
    name = (title or _name(link)).strip()
    parsed = parse_release(name, "movie" if item.type == MediaType.MOVIE else "tv") if name else None
    known = media.episodes_of(session, item_id) if item.type == MediaType.TV_SHOW else []
    brings = [id for id in episode_ids if id in {episode.id for episode in known}]
    if known and not brings and parsed is not None:
        brings = [episode.id for episode in find_episodes(parsed, known, anime=item.series_type == "anime")]
    if item.type == MediaType.TV_SHOW and not brings:
        sentence = f"“{name}” tells no episode of {item.title}. Say which ones it brings."
        raise Invalid(sentence, fields={"episode_ids": sentence})
    quality = parsed.quality if parsed is not None else Quality()
    kind = indexers.KINDS.get(choice.row.kind) if choice else None
    release = Release(
        indexer_id=choice.row.id if choice else None,
        indexer_name=choice.row.name if choice else "a link",
        guid=info_hash or link,
        title=name or item.title,
        protocol=str(kind.protocol) if kind is not None else "torrent",
        sealed_link=settings.sealer(session).seal(json.dumps([url, magnet])),
        info_hash=info_hash,
        quality=quality.to_json(),
        quality_name=quality.name,
        verdict="approved",
        media_item_id=item_id,
        version_id=media.default_version(session, item_id).id,
        episode_ids=sorted(brings),
        seen_at=now,
    )
    session.add(release)
    session.flush()
    return release.id


def _indexer_of(session: Session, link: str) -> settings.IndexerChoice:
    try:
        parts = urlsplit(link)
    except ValueError as error:
        raise _wrong("This is no link. Hand in a magnet, or the address of a file at an indexer.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong("This is no link. Hand in a magnet, or the address of a file at an indexer.")
    choices = settings.indexer_connections(session, usage="interactive")
    choices += settings.indexer_connections(session, usage="automatic")
    for choice in choices:
        if urlsplit(choice.connection.url).hostname == parts.hostname:
            return choice
    raise _wrong(f"{parts.hostname} is no indexer that is set up here. Hand in a magnet, or set the indexer up.")


def _name(link: str) -> str:
    """Return what a link calls its content: a magnet's `dn`, else the file's name."""
    parts = urlsplit(link)
    asked = parse_qs(parts.query)
    if named := asked.get("dn") or asked.get("file"):
        return named[0]
    last = parts.path.rsplit("/", 1)[-1]
    return last.removesuffix(".torrent").removesuffix(".nzb") if parts.scheme != "magnet" else ""


def _wrong(sentence: str) -> Invalid:
    return Invalid(sentence, fields={"link": sentence})
