"""Artwork: fetched once by the worker, kept in the sizes that pages need, served under immutable addresses."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import batched
from pathlib import Path

import msgspec
from sqlalchemy import case, or_, select
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.errors import AdapterError, Limited, Unreachable
from mydia.adapters.outside import Outside
from mydia.contexts.metadata.models import Image
from mydia.contexts.metadata.pictures import encode
from mydia.contexts.users import Caller, Permission
from mydia.db import Database
from mydia.errors import Invalid, NotFound
from mydia.events import Actor, ArtworkFetched, emit

logger = logging.getLogger(__name__)

SIZES: dict[str, tuple[int, ...]] = {
    "poster": (154, 342, 500),
    "backdrop": (780, 1280),
    "still": (320,),
    "logo": (300,),
    "person": (92,),
}
"""Role -> stored widths in pixels. Source: reference/ui.md D.4, reduced to those the pages use."""
_UPSTREAM = {"poster": "w500", "backdrop": "w1280", "logo": "w500", "still": "w300", "person": "w185"}
"""Role -> the size to fetch from the provider, in the order of fetching."""
_NOTE_EVERY_S = 2.0
"""Seconds after which fetched images are recorded together."""
_SILENT = 3
"""Unanswered requests in a row after which the run ends."""
_SOURCES_AT_ONCE = 500
"""Sources per query; SQLite plans long lists badly."""
_PREVIEWS_AT_ONCE = 6
_PREVIEW_PATIENCE_S = 10.0
_previews = threading.BoundedSemaphore(_PREVIEWS_AT_ONCE)
_PATH = re.compile(r"/[A-Za-z0-9._-]{1,120}\.(?:jpe?g|png|webp)")
_TVDB_ADDRESS = re.compile(r"https://artworks\.thetvdb\.com(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,120}){1,8}")
_PREVIEW_ROLES = {"poster": 154, "backdrop": 780}


type _Kept = tuple[str, int, int, str]
"""(content hash, width, height, colour) of a fetched image."""


class Picture(msgspec.Struct, frozen=True):
    """What a page needs to show an image: the parts of its URL, and a colour to show while it loads."""

    id: str
    content_hash: str
    color: str | None

    def url(self, width: int) -> str:
        """Return the URL of one size. Its content never changes."""
        return f"/img/{self.id}/{width}.webp?v={self.content_hash}"


def want_image(session: Session, now: datetime, role: str, source: str | None) -> str | None:
    """Return the id of the image with this source, or None without a source. A new image is fetched later."""
    return want_images(session, now, role, [source]).get(source or "")


def want_images(session: Session, now: datetime, role: str, sources: Iterable[str | None]) -> dict[str, str]:
    """Return source -> id of its image; see `want_image`. Empty sources are left out."""
    wanted = list(dict.fromkeys(source for source in sources if source))
    found: dict[str, str] = {}
    for part in batched(wanted, _SOURCES_AT_ONCE, strict=False):
        rows = select(Image.source, Image.id).where(Image.role == role, Image.source.in_(part))
        found |= dict(session.execute(rows).all())
    new = [
        Image(id=clock.new_id(), role=role, source=source, state="wanted", created_at=now)
        for source in wanted
        if source not in found
    ]
    if new:
        session.add_all(new)
        session.flush()
    return found | {image.source: image.id for image in new}


def fetch_wanted(
    database: Database, outside: Outside, caller: Actor, now: datetime, directory: Path, *, limit: int = 50
) -> int:
    """Fetch images that are wanted and due, one at a time, and return how many were tried.

    Posters come first, then backdrops, then the rest. A failed picture is retried after 10 minutes, and the delay doubles with each
    failure, up to 24 h. If the provider does not answer three times in a row, the rest waits for the next run.

    Emits:
        ArtworkFetched, every few seconds: a first scan brings thousands.
    """
    due = or_(Image.state == "wanted", (Image.state == "failed") & (Image.retry_at <= now))
    first = case({role: place for place, role in enumerate(_UPSTREAM)}, value=Image.role)
    with database.reads() as session:
        wanted = session.execute(
            select(Image.id, Image.role, Image.source).where(due).order_by(first, Image.id).limit(limit)
        ).all()
    tried: dict[str, _Kept | None] = {}
    noted_s = clock.monotonic_s()
    count = silent = 0
    for image_id, role, source in wanted:
        count += 1
        try:
            content, _ = outside.metadata().image(source, _UPSTREAM[role])
            tried[image_id] = keep(content, role, folder(directory, image_id))
            silent = 0
        except (AdapterError, NotFound) as error:
            silent = silent + 1 if isinstance(error, Unreachable | Limited) else 0
            logger.info("artwork could not be fetched", extra={"image_id": image_id, "cause": str(error)})
            tried[image_id] = None
        if silent >= _SILENT:
            break
        if clock.monotonic_s() - noted_s >= _NOTE_EVERY_S:
            _note(database, caller, now, tried)
            tried.clear()
            noted_s = clock.monotonic_s()
    _note(database, caller, now, tried)
    return count


def _note(database: Database, caller: Actor, now: datetime, tried: Mapping[str, _Kept | None]) -> None:
    """Record which images were fetched and which failed."""
    if not tried:
        return
    with database.writes() as session:
        images = session.scalars(select(Image).where(Image.id.in_(tried))).all()
        for image in images:
            kept = tried[image.id]
            if kept is None:
                image.state = "failed"
                image.failures += 1
                image.retry_at = now + min(timedelta(minutes=10) * 2 ** (image.failures - 1), timedelta(hours=24))
            else:
                image.state, image.failures, image.retry_at = "present", 0, None
                image.content_hash, image.width, image.height, image.color = kept
        if here := [image.id for image in images if image.state == "present"]:
            emit(session, caller, ArtworkFetched(here), at=now)


def folder(directory: Path, image_id: str) -> Path:
    """Return the folder of an image's sizes. It uses the last characters of the id, which are evenly distributed; the first are a timestamp."""
    return directory / image_id[-2:] / image_id


def keep(content: bytes, role: str, target: Path) -> _Kept:
    """Write the sizes of a picture and return (hash, width, height, average colour).

    Raises:
        Nonsense: It is not a picture, or its dimensions are absurd.
    """
    made = encode(content, SIZES[role], transparent=role == "logo")
    target.mkdir(parents=True, exist_ok=True)
    for width, encoded in made.by_width.items():
        _write(target / f"{width}.webp", encoded)
    return hashlib.sha256(content).hexdigest()[:12], made.width, made.height, made.color


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


def file_of(caller: Caller, directory: Path, image_id: str, width: int) -> Path:
    """Return the file of one size.

    Raises:
        NotFound: There is no such image or size.
    """
    caller.require(Permission.BROWSE)
    if not re.fullmatch(r"[0-9a-f-]{36}", image_id):
        raise NotFound("This picture does not exist.")
    path = folder(directory, image_id) / f"{width}.webp"
    if not path.is_file():
        raise NotFound("This picture does not exist.")
    return path


def preview(outside: Outside, caller: Caller, directory: Path, role: str, source: str) -> Path:
    """Return a small picture of a title that is not in the library. The first call fetches it.

    Args:
        source: A TMDB path such as `/abc.jpg`, or a URL at TheTVDB. Nothing else is fetched.

    Raises:
        Invalid: The source or role is not allowed.
        AdapterError: The provider did not send a picture, or too many are being fetched.
    """
    caller.require(Permission.BROWSE)
    if role not in _PREVIEW_ROLES or not (_PATH.fullmatch(source) or _TVDB_ADDRESS.fullmatch(source)):
        raise Invalid("This is not a picture URL of a metadata provider.")
    name = hashlib.sha256(source.encode()).hexdigest()[:24]
    path = directory / "previews" / f"{name}-{_PREVIEW_ROLES[role]}.webp"
    if path.is_file():
        return path
    with _fetching():
        if path.is_file():
            return path
        content, _ = outside.metadata().image(source, "w154" if role == "poster" else "w780")
        width = _PREVIEW_ROLES[role]
        made = encode(content, (width,))
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, made.by_width[width])
    return path


@contextmanager
def _fetching() -> Iterator[None]:
    """Limit concurrent preview downloads: each holds a request thread and a file of up to 24 MB."""
    if not _previews.acquire(timeout=_PREVIEW_PATIENCE_S):
        raise Limited("Artwork", "is busy fetching other pictures", retry_after_s=_PREVIEW_PATIENCE_S)
    try:
        yield
    finally:
        _previews.release()


def prune_previews(directory: Path, now: datetime, *, older_than: timedelta = timedelta(days=30)) -> int:
    """Delete old previews and return how many. Searching for the title again fetches them again."""
    gone = 0
    for path in (directory / "previews").glob("*.webp"):
        if path.stat().st_mtime < (now - older_than).timestamp():
            path.unlink(missing_ok=True)
            gone += 1
    return gone
