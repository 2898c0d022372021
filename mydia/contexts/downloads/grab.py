"""Sends a release to a download client. It is stored first, so that a grab that a crash interrupts can be settled later."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from copy import replace
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mydia.adapters import download_clients
from mydia.adapters.download_clients import DownloadClient, NewDownload, RemoteDownload
from mydia.adapters.errors import AdapterError, Limited, Nonsense, Refused, Unreachable
from mydia.adapters.indexers import Fetched
from mydia.adapters.kinds import Connection
from mydia.adapters.outside import Outside
from mydia.adapters.torrents import magnet_hashes, read_torrent
from mydia.contexts import media, settings
from mydia.contexts.downloads.decisions import Verdict
from mydia.contexts.downloads.held import of_version
from mydia.contexts.downloads.models import (
    OPEN_STATES,
    BlocklistEntry,
    Download,
    DownloadEpisode,
    DownloadState,
    Release,
    Search,
    SearchCause,
)
from mydia.contexts.downloads.moving import move, note, update_card
from mydia.contexts.downloads.ownership import category_for, is_ours
from mydia.contexts.downloads.search import Progress, run_search
from mydia.contexts.downloads.states import is_open
from mydia.contexts.downloads.targets import SearchTarget, due_of, plan_targets
from mydia.contexts.downloads.unknown import offer_for
from mydia.contexts.downloads.waiting import forget_overlapping, keep_for_client, keep_waiting
from mydia.contexts.settings import ClientChoice
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database, get
from mydia.errors import Conflict, Invalid, MydiaError, NotFound, Unavailable
from mydia.events import Reason, ReleaseGrabbed, emit, reason, say
from mydia.vocabulary import MediaType

logger = logging.getLogger(__name__)

# A grab takes seconds; one that is still unconfirmed after this long was interrupted.
_INTERRUPTED = timedelta(minutes=2)
_UNANSWERED = "grab.unanswered"


class ReleaseGone(NotFound):
    """The indexer no longer has the release, or serves something else; the next best is tried."""


class Refusal(Conflict):
    """Mydia rejected this release for these `reasons`; a user can override that."""

    def __init__(self, title: str, reasons: Sequence[str]) -> None:
        super().__init__(f"{' '.join(reasons)} Grab “{title}” anyway?")
        self.reasons = tuple(reasons)


class AlreadyInClient(Conflict):
    """The client already has this torrent, and a user added it: only the user can have Mydia adopt it."""


class NoClient(MydiaError):
    """No client is configured for it. Not a Conflict, because then the next best release would be tried."""

    kind = "conflict"


class AlreadyComing(Conflict):
    """It is already being downloaded."""


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is read before calling a service."""

    release: Release
    item_id: str
    media_title: str
    media_type: MediaType
    client: ClientChoice
    indexer: settings.indexers.IndexerChoice | None
    announced: bool
    """Another program announced it, and no configured indexer is meant."""
    url: str | None
    magnet: str | None
    cause: SearchCause
    reasons: tuple[Reason, ...]


def grab(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    release_id: str,
    *,
    override: bool = False,
    automatic: bool = False,
    cause: SearchCause | None = None,
) -> str:
    """Send a release to a client and return the download's id. Grabbing it twice returns the same download.

    Args:
        override: A user grabs it despite its objections, which are recorded.
        automatic: Mydia chose the release, so it is not grabbed beside another download of the same episodes.
        cause: As in `Download.cause`; None is the cause of its search.

    Raises:
        Refusal: It has objections and `override` is not set.
        AlreadyComing: It was chosen automatically, and another download of the same is running.
        ReleaseGone: The indexer no longer has it.
        AlreadyInClient: A user's own torrent in the client; it is offered for adoption instead.
        Unavailable: Indexer or client did not answer; nothing was started, or the grab is settled later.
        NoClient: No client is configured for its protocol.

    Emits: ReleaseGrabbed.
    """
    caller.require(Permission.MANAGE_MEDIA)
    with database.reads() as session:
        plan = _plan(session, now, caller, release_id, override=override, cause=cause)
    _check_limit(plan, now)
    fetched = _fetch(outside, plan)
    info_hash = _info_hash(plan, fetched)
    client = outside.download_client(plan.client.connection)
    new = _new_download(plan, fetched)
    present = _ask_for(database, client, caller, now, plan, new)
    with database.writes() as session:
        if plan.indexer is not None:
            settings.indexers.record_use(session, now, plan.indexer.row.id, grabs=1)
        owned, foreign = _owner(session, now, plan, present)
        if not foreign:
            row, finished = _insert(
                session, caller, now, plan, info_hash, override=override, automatic=automatic, owned=owned
            )
            if finished:
                return row.id
    if foreign:
        raise AlreadyInClient(
            f"{plan.client.row.name} already has “{plan.release.title}”, and Mydia did not add it. Adopt it under Downloads "
            "to import it; it then stays in the client."
        )
    try:
        ref = client.add(replace(new, since=row.added_at))
    except AdapterError as error:
        _sending_failed(database, caller, now, plan, row.id, error)
        raise
    with database.writes() as session:
        settings.services.record_ok(session, now, "download_client", plan.client.row.id)
        return _confirm(session, caller, now, row.id, ref, plan)


def _check_limit(plan: _Plan, now: datetime) -> None:
    """Raise Limited if the indexer's settings allow no more downloads today."""
    if plan.indexer is None:
        return
    until = plan.indexer.use.no_grabs_until(plan.indexer.row.options)
    if until is not None:
        raise Limited(
            plan.indexer.row.name,
            "has no downloads left for today by the limit in its settings",
            retry_after_s=(until - now).total_seconds(),
        )


def _ask_for(
    database: Database, client: DownloadClient, caller: Caller, now: datetime, plan: _Plan, new: NewDownload
) -> RemoteDownload | None:
    """Return the client's existing entry for the release. If the client does not answer, that is recorded."""
    try:
        return client.find(new)
    except AdapterError as error:
        if isinstance(error, Unreachable):
            with database.writes() as session:
                settings.services.record_failure(session, caller, now, "download_client", plan.client.row.id, error)
        raise


def _owner(session: Session, now: datetime, plan: _Plan, present: RemoteDownload | None) -> tuple[bool, bool]:
    """Return (whether Mydia may remove it later, whether it is a user's own and must not be used without asking)."""
    if present is None:
        return True, False
    earlier = session.scalars(
        select(Download.owned).where(
            Download.client_id == plan.client.row.id,
            or_(Download.client_ref == present.ref, Download.info_hash.in_([present.ref, *present.info_hashes])),
        )
    ).all()
    if earlier:
        return any(earlier), False
    if is_ours(plan.client.row, present):
        return False, False
    offer_for(session, now, plan.client.row.id, plan.release.protocol, present, plan.item_id)
    return False, True


def search_and_grab(
    database: Database,
    outside: Outside,
    caller: Caller,
    now: datetime,
    target: SearchTarget,
    *,
    cause: SearchCause = SearchCause.AUTOMATIC,
    only_due: bool = False,
    on_progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Search for everything wanted of a target, grab the best releases and return the downloads' ids.

    Args:
        only_due: Leave out what was recently searched without success.
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
    """Grab the best release of a finished search, and for a season further releases for what the best one lacks.

    If a release is gone the next one is tried. If the client does not answer, the best release waits for it. What may only
    be grabbed later, because of a delay profile, is kept until then.
    """
    with database.reads() as session:
        search = get(session, Search, search_id, what="This search")
        rows = session.execute(
            select(Release.id, Release.episode_ids)
            .where(Release.search_id == search_id, Release.verdict == Verdict.APPROVED)
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
            taken.append(grab(database, outside, caller, now, release_id, automatic=True))
        except (ReleaseGone, Nonsense, Refusal) as error:
            logger.info("release not grabbed, trying the next one", extra={"reason": str(error)})
            continue
        except (AlreadyComing, AlreadyInClient):
            return taken
        except Unavailable as error:
            with database.writes() as session:
                keep_for_client(session, now, release_id, str(error))
            return taken
        covered |= brings
    if not taken or covered:
        with database.writes() as session:
            keep_waiting(session, caller, now, search_id, covered=covered)
    return taken


def recover_grabs(database: Database, outside: Outside, now: datetime, *, all: bool = False) -> int:
    """Settle interrupted grabs and return their number.

    This checks whether the client received the download. If not, it is sent again, unless a user has seen that it
    failed: then the grab is undone. Sending it twice does no harm if another process is grabbing it at this moment.

    Args:
        all: At the worker's start; otherwise only grabs older than two minutes are checked.
    """
    with database.reads() as session:
        query = select(Download).where(Download.state == DownloadState.GRABBING)
        rows = session.scalars(query if all else query.where(Download.state_since < now - _INTERRUPTED)).all()
        choices = {choice.row.id: choice for choice in settings.clients.client_connections(session)}
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
    reported = any(entry.get("code") == _UNANSWERED for entry in row.reasons)
    if release is not None and not reported:
        try:
            grab(database, outside, SYSTEM, now, release.id, override=True)
            return True
        except Unavailable:
            return False
        except MydiaError as error:
            logger.info("interrupted grab undone", extra={"download_id": row.id, "reason": str(error)})
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
    cause: SearchCause | None,
) -> _Plan:
    release = get(session, Release, release_id, what="This release")
    if release.objections and not override:
        raise Refusal(release.title, [say(objection) for objection in release.objections])
    if release.media_item_id is None:
        raise Invalid("This release belongs to no title.")
    item = get(session, media.MediaItem, release.media_item_id, what="This title")
    search = session.get(Search, release.search_id) if release.search_id else None
    url, magnet = json.loads(settings.sealer(session).open(release.sealed_link).reveal() or "[null, null]")
    indexers = settings.indexers.indexer_connections(session, usage="any", used_at=now)
    reasons = [
        _why(release),
        *(reason("grab.override", by=caller.name, because=objection) for objection in release.objections),
    ]
    return _Plan(
        release=release,
        item_id=item.id,
        media_title=_named(session, item, release),
        media_type=item.type,
        client=choose_client(session, release.protocol),
        indexer=next((choice for choice in indexers if choice.row.id == release.indexer_id), None),
        announced=search is not None and any(entry["id"] == "" for entry in search.indexers),
        url=url,
        magnet=magnet,
        cause=cause or (search.cause if search else SearchCause.MANUAL),
        reasons=tuple(reasons),
    )


def choose_client(session: Session, protocol: str) -> ClientChoice:
    """Return the client for a protocol: those that answer first, then by priority.

    Raises:
        NoClient: None is configured and enabled.
    """
    kinds = download_clients.KINDS
    usable = [
        choice
        for choice in settings.clients.client_connections(session)
        if (kind := kinds.get(choice.row.kind)) is not None and kind.protocol == protocol
    ]
    if not usable:
        word = "torrent" if protocol == "torrent" else "Usenet"
        raise NoClient(f"No {word} client is configured. Add or enable one in the settings.")
    return min(usable, key=lambda choice: choice.status is not None and choice.status.state != "ok")


def _why(release: Release) -> Reason:
    if release.search_id is None:
        return reason("grab.link", indexer=release.indexer_name)
    facts = {"quality": release.quality_name, "size": release.size_bytes, "indexer": release.indexer_name}
    if release.position == 0:
        return reason("grab.best", **facts)
    return reason("grab.chosen", **facts, place=release.position + 1)


def _named(session: Session, item: media.MediaItem, release: Release) -> str:
    title = f"{item.title} ({item.year})" if item.year else item.title
    if item.type == MediaType.MOVIE or not release.episode_ids:
        return title
    ids = set(map(str, release.episode_ids))
    codes = [episode.code for episode in media.episodes.episodes_of(session, SYSTEM, item.id) if episode.id in ids]
    if not codes:
        return title
    return f"{item.title} {codes[0]}" if len(codes) == 1 else f"{item.title} {codes[0]} to {codes[-1]}"


def _fetch(outside: Outside, plan: _Plan) -> Fetched:
    """Fetch the .torrent or .nzb here, because the client may not reach the indexer and the hash must be known first."""
    connection = plan.indexer.connection if plan.indexer is not None else _announced(plan)
    if plan.url is None or connection is None:
        link = plan.magnet or (plan.url if plan.url and plan.url.startswith("magnet:") else None)
        if link is None:
            raise ReleaseGone(f"{plan.release.indexer_name} is no longer configured, so this release can't be fetched.")
        return Fetched(None, link)
    try:
        return outside.indexer(connection).fetch(plan.url)
    except (Refused, Nonsense) as error:
        if plan.magnet is not None:
            return Fetched(None, plan.magnet)
        raise ReleaseGone(f"{error}.") from error
    except AdapterError:
        if plan.magnet is not None:
            return Fetched(None, plan.magnet)
        raise


def _announced(plan: _Plan) -> Connection | None:
    """Return a connection for a release that another program announced without a configured indexer, otherwise None.

    Its address exists nowhere, so the link must be public: see `Http.request`.
    """
    if not plan.announced:
        return None
    kind, name = "newznab" if plan.release.protocol == "usenet" else "torznab", plan.release.indexer_name
    return Connection(id=f"announced:{kind}", name=name, kind=kind, url="https://announced.invalid")


def _info_hash(plan: _Plan, fetched: Fetched) -> str | None:
    if plan.release.protocol != "torrent":
        return None
    try:
        return (
            magnet_hashes(fetched.magnet)[0] if fetched.magnet else read_torrent(fetched.content or b"").info_hashes[0]
        )
    except Invalid as error:
        raise ReleaseGone(
            f"{plan.release.indexer_name} served something that is not a torrent. {error.message}"
        ) from error


def _insert(
    session: Session,
    caller: Caller,
    now: datetime,
    plan: _Plan,
    info_hash: str | None,
    *,
    override: bool,
    automatic: bool,
    owned: bool,
) -> tuple[Download, bool]:
    """Store the download before it is sent to the client, or find the existing one; True means there is nothing left to do.

    This runs under the write lock, so of two simultaneous grabs the second one sees the first.
    """
    release = plan.release
    same = [Download.release_guid == release.guid] if info_hash is None else [Download.info_hash == info_hash]
    known = session.scalars(
        select(Download).where(
            or_(*same),
            of_version(session, plan.item_id, release.version_id),
            Download.state.in_(OPEN_STATES),
        )
    ).first()
    if known is not None:
        return known, known.state != DownloadState.GRABBING
    if not override:
        _refuse_blocked(session, plan, info_hash)
    if automatic and _overlapping(session, plan):
        raise AlreadyComing(f"{plan.media_title} is already being downloaded.")
    ratio, minutes = _seeding_goals(plan)
    row = Download(
        media_item_id=plan.item_id,
        version_id=release.version_id,
        media_title=plan.media_title,
        client_id=plan.client.row.id,
        client_name=plan.client.row.name,
        owned=owned,
        indexer_id=release.indexer_id,
        indexer_name=release.indexer_name,
        release_title=release.title,
        release_guid=release.guid,
        sealed_link=release.sealed_link,
        protocol=release.protocol,
        info_hash=info_hash,
        parsed=release.parsed,
        quality=release.quality,
        quality_name=release.quality_name,
        format_score=release.format_score,
        formats=release.formats,
        flags=release.flags,
        size_bytes=release.size_bytes,
        published_at=release.published_at,
        category=category_for(plan.client.row, plan.media_type),
        cause=plan.cause,
        requested_by=caller.id,
        reasons=[{"at": now.isoformat(), "kind": "grab", **because.to_json()} for because in plan.reasons],
        state=DownloadState.GRABBING,
        state_since=now,
        seed_ratio_goal=ratio,
        seed_time_goal_min=minutes,
        remove_after_seeding=owned and bool(plan.client.row.options.get("remove_completed")),
        added_at=now,
        moved_at=now,
    )
    session.add(row)
    session.flush()
    session.add_all(DownloadEpisode(download_id=row.id, episode_id=str(id)) for id in release.episode_ids)
    stored = session.get(Release, release.id)
    if stored is not None:
        stored.verdict = Verdict.GRABBED
    if not owned:
        note(row, now, reason("grab.present", client=row.client_name), "note")
    update_card(session, now, plan.item_id)
    return row, False


def _refuse_blocked(session: Session, plan: _Plan, info_hash: str | None) -> None:
    """Reject a torrent that turns out to be blocklisted once it is fetched, because indexers may omit the hash."""
    if info_hash is None:
        return
    entry = session.scalars(
        select(BlocklistEntry).where(
            BlocklistEntry.info_hash == info_hash, BlocklistEntry.media_item_id == plan.item_id
        )
    ).first()
    if entry is not None:
        because = reason("blocklisted", since=entry.added_at.isoformat(), because=entry.reason or entry.because)
        raise Refusal(plan.release.title, [str(because)])


def _overlapping(session: Session, plan: _Plan) -> bool:
    """Return whether another grab for the same target was faster; jobs never upgrade a running download."""
    open_ids = session.scalars(
        select(Download.id).where(
            of_version(session, plan.item_id, plan.release.version_id),
            Download.state.in_(OPEN_STATES),
        )
    ).all()
    if not open_ids or plan.media_type is MediaType.MOVIE:
        return bool(open_ids)
    brings = list(map(str, plan.release.episode_ids))
    overlap = select(DownloadEpisode.download_id).where(
        DownloadEpisode.download_id.in_(open_ids), DownloadEpisode.episode_id.in_(brings)
    )
    return session.scalars(overlap.limit(1)).first() is not None


def _new_download(plan: _Plan, fetched: Fetched) -> NewDownload:
    ratio, minutes = _seeding_goals(plan)
    return NewDownload(
        name=plan.release.title,
        magnet=fetched.magnet,
        content=None if fetched.magnet else fetched.content,
        category=category_for(plan.client.row, plan.media_type),
        seed_ratio=ratio,
        seed_time_min=minutes,
    )


def _seeding_goals(plan: _Plan) -> tuple[float | None, int | None]:
    """Return (ratio, minutes): the indexer's settings, but never less than the tracker requires of the release."""
    options = plan.indexer.row.options if plan.indexer else {}
    ratios = [_number(options.get("seed_ratio")), plan.release.minimum_ratio]
    minutes = [_whole(options.get("seed_time_min")), plan.release.minimum_seed_time_min]
    return (
        max((ratio for ratio in ratios if ratio is not None), default=None),
        max((minute for minute in minutes if minute is not None), default=None),
    )


def _sending_failed(
    database: Database, caller: Caller, now: datetime, plan: _Plan, download_id: str, error: AdapterError
) -> None:
    """After a refusal nothing was started. Without an answer the client may have it, so the row is settled later."""
    with database.writes() as session:
        row = session.get(Download, download_id)
        if isinstance(error, Unreachable):
            settings.services.record_failure(session, caller, now, "download_client", plan.client.row.id, error)
            if row is not None:
                note(row, now, reason(_UNANSWERED, error=str(error), client=row.client_name), "note")
        elif row is not None and row.state == DownloadState.GRABBING:
            _forget(session, now, row)


def _release_of(session: Session, row: Download) -> Release | None:
    """Return the release of a download while it is stored."""
    made_from = select(Release).where(
        Release.guid == row.release_guid, Release.media_item_id == row.media_item_id, Release.verdict == Verdict.GRABBED
    )
    return session.scalars(made_from.order_by(Release.id.desc())).first()


def _forget(session: Session, now: datetime, row: Download) -> None:
    """Undo a grab that never reached its client."""
    release = _release_of(session, row)
    if release is not None:
        release.verdict = Verdict.REFUSED if release.objections else Verdict.APPROVED
    item_id = row.media_item_id
    session.delete(row)
    update_card(session, now, item_id)


def _confirm(session: Session, caller: Caller, now: datetime, download_id: str, ref: str, plan: _Plan | None) -> str:
    row = get(session, Download, download_id, what="This download")
    if row.state != DownloadState.GRABBING:
        return row.id
    for other in session.scalars(
        select(Download).where(
            Download.client_id == row.client_id, Download.client_ref == ref, Download.id != download_id
        )
    ):
        if not is_open(other.state):
            # The client keeps what it had, and the old row becomes history.
            other.client_ref = None
        elif other.media_item_id == row.media_item_id and other.version_id == row.version_id:
            _forget(session, now, row)
            return other.id
        else:
            note(row, now, reason("grab.shared", client=row.client_name, title=other.media_title), "note")
    row.client_ref, row.moved_at = ref, now
    if plan is None:
        note(row, now, reason("grab.interrupted", client=row.client_name), "note")
    move(session, caller, now, row, DownloadState.QUEUED)
    forget_overlapping(session, row)
    if row.media_item_id is not None:
        event = ReleaseGrabbed(
            media_item_id=row.media_item_id,
            download_id=row.id,
            release_title=row.release_title,
            client=row.client_name,
            indexer=row.indexer_name,
            cause=row.cause,
            reasons=[{"code": entry.get("code"), "facts": entry.get("facts")} for entry in row.reasons],
        )
        emit(session, caller, event, at=now)
    logger.info("release grabbed", extra={"download_id": row.id, "client": row.client_name})
    return row.id


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None
