"""Hands a release to a download client: written down first, so that a crash in between is found and cleared up."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from mydia.adapters import download_clients
from mydia.adapters.download_clients import NewDownload
from mydia.adapters.errors import AdapterError, Nonsense, Refused, Unreachable
from mydia.adapters.indexers import Fetched
from mydia.adapters.outside import Outside
from mydia.adapters.torrents import magnet_hashes, read_torrent
from mydia.contexts import media, settings
from mydia.contexts.downloads.models import (
    OPEN_STATES,
    BlocklistEntry,
    Download,
    DownloadEpisode,
    DownloadState,
    PendingRelease,
    Release,
    Search,
)
from mydia.contexts.downloads.moving import move, note, tell_media
from mydia.contexts.downloads.search import Progress, run_search
from mydia.contexts.downloads.states import is_open
from mydia.contexts.downloads.targets import SearchTarget, due_of, plan_targets
from mydia.contexts.settings import ClientChoice, IndexerChoice
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, get
from mydia.errors import Conflict, Invalid, MydiaError, NotFound, Unavailable
from mydia.events import ReleaseGrabbed, emit
from mydia.vocabulary import MediaType

logger = logging.getLogger(__name__)

DEFAULT_CATEGORIES = {MediaType.MOVIE: "mydia-movies", MediaType.TV_SHOW: "mydia-tv"}
# A grab takes seconds; one that is still unconfirmed after so long was interrupted.
_INTERRUPTED = timedelta(minutes=2)
_WILL_BE_ASKED = "Whether it got the release will be asked."


class ReleaseGone(NotFound):
    """The indexer does not give the release any more, or gives something else: the next best is tried."""


class Refusal(Conflict):
    """Mydia would not take this release; `reasons` says why, and a person may insist."""

    def __init__(self, title: str, reasons: Sequence[str]) -> None:
        super().__init__(f"{' '.join(reasons)} Grab “{title}” anyway?")
        self.reasons = tuple(reasons)


class NoClient(MydiaError):
    """Nothing is set up that could fetch it. No Conflict, after which the next best release would be tried."""

    kind = "conflict"


class AlreadyComing(Conflict):
    """It is being downloaded already."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What was read before anything is called."""

    release: Release
    item_id: str
    media_title: str
    media_type: MediaType
    client: ClientChoice
    indexer: IndexerChoice | None
    url: str | None
    magnet: str | None
    cause: str
    reasons: tuple[str, ...]


def grab(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    release_id: str,
    *,
    override: bool = False,
    cause: str | None = None,
) -> str:
    """Hand a release to a client and return the download's id. Doing it twice gives the same download.

    Args:
        override: A person takes it in spite of its objections, which are recorded.
        cause: As in `Download.cause`; that of its search when not given.

    Raises:
        Refusal: It has objections and `override` is not set.
        ReleaseGone: The indexer no longer has it.
        Unavailable: Indexer or client did not answer; nothing was started, or it is cleared up later.
        NoClient: None is set up for its protocol.

    Emits: ReleaseGrabbed.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        plan = _plan(session, now, caller, release_id, override=override, cause=cause)
    fetched = _fetch(outside, plan)
    info_hash = _info_hash(plan, fetched)
    with database.writes() as session:
        row, finished = _write_down(session, caller, now, plan, info_hash, override=override)
        if finished:
            return row.id
        new = _new_download(session, plan, fetched, row)
    try:
        ref = outside.download_client(plan.client.connection).add(new)
    except AdapterError as error:
        _handing_failed(database, caller, now, plan, row.id, error)
        raise
    with database.writes() as session:
        settings.record_ok(session, now, "download_client", plan.client.row.id)
        return _confirm(session, caller, now, row.id, ref, plan)


def search_and_grab(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    target: SearchTarget,
    *,
    cause: str = "automatic",
    only_due: bool = False,
    on_progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Search for everything wanted of a target and grab the best; return the downloads' ids.

    Args:
        only_due: Leave out what was searched in vain a short while ago.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        parts = plan_targets(session, now, target)
        if only_due:
            parts = due_of(session, now, target, parts)
    taken: list[str] = []
    for part in parts:
        if cancelled():
            break
        search_id = run_search(database, outside, caller, now, part, cause=cause, on_progress=on_progress)
        taken += grab_best(database, outside, caller, now, search_id)
    return taken


def grab_best(database: Database, outside: Outside, caller: Caller, now: datetime, search_id: str) -> list[str]:
    """Grab the best release of a finished search; of a season also what the best one does not bring.

    A release that is gone gives way to the next; when the client does not answer, the best one waits for it.
    """
    with database.reads() as session:
        search = get(session, Search, search_id, what="This search")
        rows = session.execute(
            select(Release.id, Release.episode_ids)
            .where(Release.search_id == search_id, Release.verdict == "approved")
            .order_by(Release.position)
        ).all()
        wanted = frozenset(map(str, search.episode_ids))
    taken: list[str] = []
    covered: set[str] = set()
    for release_id, episode_ids in rows:
        brings = frozenset(map(str, episode_ids))
        if taken and (not wanted or brings & covered or not brings & wanted):
            continue
        try:
            taken.append(grab(database, outside, caller, now, release_id))
        except (ReleaseGone, Nonsense, Refusal) as error:
            logger.info("release not taken, the next one is tried", extra={"reason": str(error)})
            continue
        except AlreadyComing:
            break
        except Unavailable as error:
            _keep_for_later(database, now, release_id, "client_unavailable", str(error))
            break
        covered |= brings
    return taken


def grab_pending(database: Database, outside: Outside, now: datetime) -> list[str]:
    """Grab what waited for a client that answers again."""
    with database.reads() as session:
        rows = session.execute(
            select(PendingRelease.id, PendingRelease.release_id)
            .where(PendingRelease.reason == "client_unavailable")
            .order_by(PendingRelease.since_at)
        ).all()
    taken: list[str] = []
    for pending_id, release_id in rows:
        try:
            taken.append(grab(database, outside, SYSTEM, now, release_id))
        except Unavailable:
            break
        except (NotFound, Conflict, Invalid) as error:
            logger.info("a waiting release is given up", extra={"reason": str(error)})
        with database.writes() as session:
            session.execute(delete(PendingRelease).where(PendingRelease.id == pending_id))
    return taken


def recover_grabs(database: Database, outside: Outside, now: datetime, *, all: bool = False) -> int:
    """Clear up grabs that were interrupted and return how many were settled.

    The client is asked whether it got the download. If not, it is handed over again, unless somebody was told that it
    failed: then it never was. Handing over twice does no harm, should another process be at it this moment.

    Args:
        all: At the worker's start; else only those older than two minutes are looked at.
    """
    with database.reads() as session:
        query = select(Download).where(Download.state == DownloadState.GRABBING)
        rows = session.scalars(query if all else query.where(Download.state_since < now - _INTERRUPTED)).all()
        choices = {choice.row.id: choice for choice in settings.client_connections(session)}
    return sum(_settle(database, outside, now, row, choices.get(row.client_id or "")) for row in rows)


def _settle(database: Database, outside: Outside, now: datetime, row: Download, choice: ClientChoice | None) -> bool:
    remote = None
    if choice is not None and row.info_hash is not None:
        try:
            remote = outside.download_client(choice.connection).get(row.info_hash)
        except AdapterError:
            return False
    if remote is not None:
        with database.writes() as session:
            if session.get(Download, row.id) is not None:
                _confirm(session, SYSTEM, now, row.id, remote.ref, None)
        return True
    with database.reads() as session:
        release = _release_of(session, row)
    if release is not None and not any(str(reason["text"]).endswith(_WILL_BE_ASKED) for reason in row.reasons):
        try:
            grab(database, outside, SYSTEM, now, release.id, override=True)
            return True
        except Unavailable:
            return False
        except MydiaError as error:
            logger.info("an interrupted grab is given up", extra={"download_id": row.id, "reason": str(error)})
    with database.writes() as session:
        present = session.get(Download, row.id)
        if present is not None and present.state == DownloadState.GRABBING:
            _forget(session, now, present)
    return True


def _plan(
    session: Session,
    now: datetime,
    caller: Caller,
    release_id: str,
    *,
    override: bool,
    cause: str | None,
) -> _Plan:
    release = get(session, Release, release_id, what="This release")
    objections = [str(objection["text"]) for objection in release.objections]
    if objections and not override:
        raise Refusal(release.title, objections)
    if release.media_item_id is None:
        raise Invalid("Say first which title this release is.")
    item = get(session, media.MediaItem, release.media_item_id, what="This title")
    search = session.get(Search, release.search_id) if release.search_id else None
    url, magnet = json.loads(settings.sealer(session).open(release.sealed_link).reveal() or "[null, null]")
    indexers = settings.indexer_connections(session, usage="interactive")
    indexers += settings.indexer_connections(session, usage="automatic")
    reasons = [_why(release)] + [f"Taken by {caller.name} although: {text}" for text in objections]
    return _Plan(
        release=release,
        item_id=item.id,
        media_title=_named(session, item, release),
        media_type=item.type,
        client=choose_client(session, release.protocol),
        indexer=next((choice for choice in indexers if choice.row.id == release.indexer_id), None),
        url=url,
        magnet=magnet,
        cause=cause or (search.cause if search else "manual"),
        reasons=tuple(reasons),
    )


def choose_client(session: Session, protocol: str) -> ClientChoice:
    """Return the client for a protocol: the first by priority, those that answer before those that do not.

    Raises:
        NoClient: None is set up and enabled.
    """
    kinds = download_clients.KINDS
    usable = [
        choice
        for choice in settings.client_connections(session)
        if (kind := kinds.get(choice.row.kind)) is not None and kind.protocol == protocol
    ]
    if not usable:
        word = "torrent" if protocol == "torrent" else "Usenet"
        raise NoClient(f"No {word} client is set up. Add one in the settings, or enable it.")
    return min(usable, key=lambda choice: choice.status is not None and choice.status.state != "ok")


def _why(release: Release) -> str:
    if release.search_id is None:
        return f"Handed in by a person, from {release.indexer_name}."
    told = {str(entry["name"]): str(entry["text"]) for entry in release.preference}
    words = [told.get(name, "") for name in ("quality", "seeders", "size")]
    place = "the best of its search" if release.position == 0 else f"number {release.position + 1} of its search"
    return f"{', '.join(word for word in words if word)}; {place}, from {release.indexer_name}."


def _named(session: Session, item: media.MediaItem, release: Release) -> str:
    title = f"{item.title} ({item.year})" if item.year else item.title
    if item.type == MediaType.MOVIE or not release.episode_ids:
        return title
    ids = set(map(str, release.episode_ids))
    codes = [episode.code for episode in media.episodes_of(session, item.id) if episode.id in ids]
    if not codes:
        return title
    return f"{item.title} {codes[0]}" if len(codes) == 1 else f"{item.title} {codes[0]} to {codes[-1]}"


def _fetch(outside: Outside, plan: _Plan) -> Fetched:
    """Get the .torrent or .nzb through us: the client may not reach the indexer, and the hash must be known first."""
    if plan.url is None or plan.indexer is None:
        link = plan.magnet or (plan.url if plan.url and plan.url.startswith("magnet:") else None)
        if link is None:
            raise ReleaseGone(f"{plan.release.indexer_name} is not set up any more, so this release cannot be fetched.")
        return Fetched(None, link)
    try:
        return outside.indexer(plan.indexer.connection).fetch(plan.url)
    except (Refused, Nonsense) as error:
        if plan.magnet is not None:
            return Fetched(None, plan.magnet)
        raise ReleaseGone(f"{error}.") from error
    except AdapterError:
        if plan.magnet is not None:
            return Fetched(None, plan.magnet)
        raise


def _info_hash(plan: _Plan, fetched: Fetched) -> str | None:
    if plan.release.protocol != "torrent":
        return None
    try:
        return (
            magnet_hashes(fetched.magnet)[0] if fetched.magnet else read_torrent(fetched.content or b"").info_hashes[0]
        )
    except Invalid as error:
        raise ReleaseGone(f"{plan.release.indexer_name} gave something that is no torrent. {error.message}") from error


def _write_down(
    session: Session, caller: Caller, now: datetime, plan: _Plan, info_hash: str | None, *, override: bool
) -> tuple[Download, bool]:
    """Insert the download before the client hears of it, or find the one that exists; True: nothing is left to do.

    This runs under the write lock, so of two that grab at once the second one sees the first.
    """
    release = plan.release
    same = [Download.release_guid == release.guid] if info_hash is None else [Download.info_hash == info_hash]
    known = session.scalars(
        select(Download).where(or_(*same), Download.media_item_id == plan.item_id, Download.state.in_(OPEN_STATES))
    ).first()
    if known is not None:
        return known, known.state != DownloadState.GRABBING
    if not override:
        _refuse_blocked(session, plan, info_hash)
    if caller.kind == "system" and not override and _overlapping(session, plan):
        raise AlreadyComing(f"{plan.media_title} is being downloaded already.")
    indexer_options = plan.indexer.row.options if plan.indexer else {}
    row = Download(
        media_item_id=plan.item_id,
        version_id=release.version_id,
        media_title=plan.media_title,
        client_id=plan.client.row.id,
        client_name=plan.client.row.name,
        indexer_id=release.indexer_id,
        indexer_name=release.indexer_name,
        release_title=release.title,
        release_guid=release.guid,
        sealed_link=release.sealed_link,
        protocol=release.protocol,
        info_hash=info_hash,
        quality=release.quality,
        quality_name=release.quality_name,
        format_score=release.format_score,
        size_bytes=release.size_bytes,
        published_at=release.published_at,
        category=_category(plan),
        cause=plan.cause,
        requested_by=caller.id,
        reasons=[{"at": now.isoformat(), "text": text, "kind": "grab"} for text in plan.reasons],
        state=DownloadState.GRABBING,
        state_since=now,
        seed_ratio_goal=_number(indexer_options.get("seed_ratio")),
        seed_time_goal_min=_whole(indexer_options.get("seed_time_min")),
        remove_after_seeding=bool(plan.client.row.options.get("remove_completed")),
        added_at=now,
        moved_at=now,
    )
    session.add(row)
    session.flush()
    session.add_all(DownloadEpisode(download_id=row.id, episode_id=str(id)) for id in release.episode_ids)
    stored = session.get(Release, release.id)
    if stored is not None:
        stored.verdict = "grabbed"
    tell_media(session, now, plan.item_id)
    return row, False


def _refuse_blocked(session: Session, plan: _Plan, info_hash: str | None) -> None:
    """Refuse a torrent that turns out, once fetched, to be on the blocklist: indexers need not tell the hash."""
    if info_hash is None:
        return
    entry = session.scalars(
        select(BlocklistEntry).where(
            BlocklistEntry.info_hash == info_hash, BlocklistEntry.media_item_id == plan.item_id
        )
    ).first()
    if entry is not None:
        since = f"{entry.added_at:%-d %B %Y}"
        raise Refusal(plan.release.title, [f"It is on the blocklist since {since}: {entry.reason}"])


def _overlapping(session: Session, plan: _Plan) -> bool:
    """Say whether another grab for the same was faster; upgrades over a running download are not made by jobs."""
    open_ids = session.scalars(
        select(Download.id).where(
            Download.media_item_id == plan.item_id,
            or_(Download.version_id == plan.release.version_id, Download.version_id.is_(None)),
            Download.state.in_(OPEN_STATES),
        )
    ).all()
    if not open_ids or plan.media_type == MediaType.MOVIE:
        return bool(open_ids)
    brings = list(map(str, plan.release.episode_ids))
    overlap = select(DownloadEpisode.download_id).where(
        DownloadEpisode.download_id.in_(open_ids), DownloadEpisode.episode_id.in_(brings)
    )
    return session.scalars(overlap.limit(1)).first() is not None


def _category(plan: _Plan) -> str:
    options = plan.client.row.options
    own = options.get("movies_category" if plan.media_type == MediaType.MOVIE else "series_category")
    return str(own or options.get("category") or DEFAULT_CATEGORIES[plan.media_type])


def _new_download(session: Session, plan: _Plan, fetched: Fetched, row: Download) -> NewDownload:
    return NewDownload(
        name=plan.release.title,
        magnet=fetched.magnet,
        content=None if fetched.magnet else fetched.content,
        category=row.category,
        seed_ratio=row.seed_ratio_goal,
        seed_time_min=row.seed_time_goal_min,
    )


def _handing_failed(
    database: Database, caller: Caller, now: datetime, plan: _Plan, download_id: str, error: AdapterError
) -> None:
    """After a clear no nothing was started; after silence the client may have it, so the row stays to be cleared up."""
    with database.writes() as session:
        row = session.get(Download, download_id)
        if isinstance(error, Unreachable):
            settings.record_failure(session, caller, now, "download_client", plan.client.row.id, error)
            if row is not None:
                note(row, now, f"{error}. {_WILL_BE_ASKED}", "note")
        elif row is not None and row.state == DownloadState.GRABBING:
            _forget(session, now, row)


def _release_of(session: Session, row: Download) -> Release | None:
    """Return the release that a download was made from, while it is kept."""
    made_from = select(Release).where(
        Release.guid == row.release_guid, Release.media_item_id == row.media_item_id, Release.verdict == "grabbed"
    )
    return session.scalars(made_from.order_by(Release.id.desc())).first()


def _forget(session: Session, now: datetime, row: Download) -> None:
    """Take back a grab that never reached its client."""
    release = _release_of(session, row)
    if release is not None:
        release.verdict = "refused" if release.objections else "approved"
    item_id = row.media_item_id
    session.delete(row)
    tell_media(session, now, item_id)


def _confirm(session: Session, caller: Caller, now: datetime, download_id: str, ref: str, plan: _Plan | None) -> str:
    row = get(session, Download, download_id, what="This download")
    if row.state != DownloadState.GRABBING:
        return row.id
    other = session.scalars(
        select(Download).where(
            Download.client_id == row.client_id, Download.client_ref == ref, Download.id != download_id
        )
    ).first()
    if other is not None and is_open(other.state):
        _forget(session, now, row)
        return other.id
    if other is not None:
        # The client keeps what it had: the old row is history and no longer followed.
        other.client_ref = None
        session.flush()
    row.client_ref, row.moved_at = ref, now
    if plan is None:
        note(row, now, f"Mydia was interrupted while handing it over; {row.client_name} had received it.", "note")
    move(session, caller, now, row, DownloadState.QUEUED)
    session.execute(delete(PendingRelease).where(PendingRelease.media_item_id == row.media_item_id))
    if row.media_item_id is not None:
        event = ReleaseGrabbed(
            row.media_item_id,
            row.id,
            row.release_title,
            row.client_name,
            row.indexer_name,
            row.cause,
            [str(reason["text"]) for reason in row.reasons],
        )
        emit(session, caller, event, at=now)
    logger.info("release grabbed", extra={"download_id": row.id, "client": row.client_name})
    return row.id


def _keep_for_later(database: Database, now: datetime, release_id: str, reason: str, message: str) -> None:
    with database.writes() as session:
        release = session.get(Release, release_id)
        if release is None or release.media_item_id is None:
            return
        present = session.scalars(select(PendingRelease.id).where(PendingRelease.release_id == release_id)).first()
        if present is None:
            session.add(
                PendingRelease(
                    release_id=release_id,
                    media_item_id=release.media_item_id,
                    version_id=release.version_id,
                    reason=reason,
                    message=message,
                    since_at=now,
                )
            )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None
