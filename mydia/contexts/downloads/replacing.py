"""Replace faulty files: blocklist their releases, search again, and keep the files until another release is imported."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from mydia.adapters.indexers import Protocols
from mydia.contexts import library, media, requests
from mydia.contexts.downloads.blocklist import block_download, block_name
from mydia.contexts.downloads.models import Download
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import Database
from mydia.errors import Conflict
from mydia.events import ReplacementRequested, SearchRequested, emit, reason
from mydia.vocabulary import MediaType

__all__ = ["request_replacement", "resolve", "settle"]


def request_replacement(session: Session, caller: Caller, now: datetime, problem_id: str) -> int:
    """Mark the files of a problem as faulty and search for other releases. Return the number of files.

    A faulty file stays where it is until a release that the profile allows is imported in its place.

    Raises:
        Conflict: The library has no file for what was reported.

    Emits: ReplacementRequested, and SearchRequested.
    """
    caller.require(Permission.MANAGE_REQUESTS)
    line = requests.problems.get_problem(session, caller, problem_id)
    row = line.row
    files = library.faulty.files_at(
        session, SYSTEM, row.media_item_id, season_number=row.season_number, episode_number=row.episode_number
    )
    if not files:
        raise Conflict("The library has no file for this. Search for it on the title's page.")
    acting = caller.with_permissions(Permission.MANAGE_MEDIA)
    blocked = [name for file in files if (name := _block(session, acting, now, line, file)) is not None]
    library.faulty.mark_faulty(session, acting, now, row.media_item_id, [file.id for file in files])
    requests.problems.start_replacing(session, caller, now, problem_id)
    event = ReplacementRequested(
        media_item_id=row.media_item_id,
        problem_id=row.id,
        files=[file.relative_path for file in files],
        releases=list(dict.fromkeys(blocked)),
    )
    emit(session, caller, event, at=now)
    for search in _searches(session, line):
        emit(session, caller, search, at=now)
    return len(files)


def resolve(session: Session, caller: Caller, now: datetime, problem_id: str) -> None:
    """Resolve a problem. Files that were not replaced yet are no longer faulty: the present ones are good after all."""
    row = requests.problems.resolve(session, caller, now, problem_id)
    others = [one for one in requests.problems.replacing(session) if one.media_item_id == row.media_item_id]
    if others:
        return
    left = library.faulty.still_faulty(session, [row.media_item_id]).get(row.media_item_id, [])
    if left:
        acting = caller.with_permissions(Permission.MANAGE_MEDIA)
        library.faulty.clear_faulty(session, acting, now, row.media_item_id, [file.id for file in left])


def settle(database: Database, now: datetime) -> int:
    """Resolve the problems whose faulty files are replaced and return their number. Repeating it changes nothing."""
    with database.reads() as session:
        if not _replaced(session):
            return 0
    with database.writes() as session:
        done = _replaced(session)
        for problem_id in done:
            requests.problems.close_replaced(session, now, problem_id)
        return len(done)


def _replaced(session: Session) -> list[str]:
    """Return the open problems that no faulty file is left of."""
    open_problems = requests.problems.replacing(session)
    titles = {row.media_item_id for row in open_problems}
    left = library.faulty.still_faulty(session, titles) if titles else {}
    found = []
    for row in open_problems:
        faulty = {file.id for file in left.get(row.media_item_id, ())}
        if faulty:
            here = library.faulty.files_at(
                session,
                SYSTEM,
                row.media_item_id,
                season_number=row.season_number,
                episode_number=row.episode_number,
            )
            if faulty & {file.id for file in here}:
                continue
        found.append(row.id)
    return found


def _block(
    session: Session, caller: Caller, now: datetime, line: requests.problems.ProblemLine, file: library.MediaFile
) -> str | None:
    """Put the release of a file on the blocklist, if it is known, and return its name."""
    download = session.get(Download, file.download_id) if file.download_id else None
    if download is not None:
        block_download(session, now, download, reason("problem.reported", by=line.reporter.name, kind=line.row.kind))
        return download.release_title
    if not file.release_name:
        return None
    words = f"{line.reporter.name} reported a problem with it ({line.row.kind})."
    for protocol in Protocols:
        block_name(session, caller, now, line.row.media_item_id, file.release_name, protocol=str(protocol), words=words)
    return file.release_name


def _searches(session: Session, line: requests.problems.ProblemLine) -> list[SearchRequested]:
    row = line.row
    if line.type == MediaType.MOVIE or row.season_number is None:
        return [SearchRequested(row.media_item_id)]
    if row.episode_number is None:
        return [SearchRequested(row.media_item_id, row.season_number)]
    episodes = media.episodes.episodes_of(session, SYSTEM, row.media_item_id, season_number=row.season_number)
    ids = [one.id for one in episodes if one.episode_number == row.episode_number]
    return [SearchRequested(row.media_item_id, row.season_number, ids)]
