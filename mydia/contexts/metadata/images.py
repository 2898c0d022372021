"""Artwork: fetched once by the worker, kept in the sizes that pages need, served under addresses that never change."""

from __future__ import annotations

import hashlib
import io
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import case, or_, select
from sqlalchemy.orm import Session

from mydia import clock
from mydia.adapters.errors import AdapterError, Limited, Nonsense, Unreachable
from mydia.adapters.outside import Outside
from mydia.contexts.metadata.models import Image
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
"""Role -> widths in pixels that are kept. Source: reference/ui.md D.4, thinned to what the pages ask for."""
_UPSTREAM = {"poster": "w500", "backdrop": "w1280", "logo": "w500", "still": "w300", "person": "w185"}
"""Role -> the provider's size that is fetched; in the order in which they are."""
_NOTE_EVERY_S = 2.0
"""How long fetched images may wait to be written down together."""
_SILENT = 3
"""Requests in a row without an answer after which the provider is left alone."""
_WEBP_QUALITY = 78  # reference/ui.md D.4
_MAX_PIXELS = 40_000_000  # a decompression bomb's threshold: 8K is 33 million
_PATH = re.compile(r"/[A-Za-z0-9._-]{1,120}\.(?:jpe?g|png|webp)")
_TVDB_ADDRESS = re.compile(r"https://artworks\.thetvdb\.com(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,120}){1,8}")
_PREVIEW_ROLES = {"poster": 154, "backdrop": 780}


type _Kept = tuple[str, int, int, str]
"""(content hash, width, height, colour) of an image that is here."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What a page needs to show an image: its address parts and what to show until it is there."""

    id: str
    content_hash: str
    color: str | None

    def url(self, width: int) -> str:
        """Return the address of one size; it may be cached for ever."""
        return f"/img/{self.id}/{width}.webp?v={self.content_hash}"


def want_image(session: Session, now: datetime, role: str, source: str | None) -> str | None:
    """Return the id of the image with this source, noting it to be fetched when it is new; None for no source."""
    if not source:
        return None
    found = session.scalar(select(Image.id).where(Image.role == role, Image.source == source))
    if found is not None:
        return found
    image = Image(role=role, source=source, state="wanted", created_at=now)
    session.add(image)
    session.flush()
    return image.id


def fetch_wanted(
    database: Database, outside: Outside, caller: Actor, now: datetime, directory: Path, *, limit: int = 50
) -> int:
    """Fetch images that are wanted and due, one at a time, and return how many were tried.

    Posters come before backdrops, and those before the pictures of episodes. Failures wait longer each time (10 min doubling
    to 24 h), so that a provider without a picture is left in peace; one that does not answer is not asked for the rest.

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
    """Write down which images are here and which could not be had."""
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
    """Return where an image's sizes are kept. The last characters spread evenly; the first ones are the time."""
    return directory / image_id[-2:] / image_id


def keep(content: bytes, role: str, target: Path) -> _Kept:
    """Write the sizes of a picture and return (hash, width, height, dominant colour).

    Raises:
        Nonsense: It is no picture, or an absurdly large one.
    """
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    try:
        with Pillow.open(io.BytesIO(content)) as opened:
            if opened.width * opened.height > _MAX_PIXELS:
                raise Nonsense("artwork", f"a picture of {opened.width}x{opened.height} is too large")
            picture = opened.convert("RGBA" if role == "logo" else "RGB")
    except (UnidentifiedImageError, OSError, ValueError, Pillow.DecompressionBombError) as error:
        raise Nonsense("artwork", "what came is not a picture") from error
    target.mkdir(parents=True, exist_ok=True)
    for width in SIZES[role]:
        height = max(1, round(picture.height * width / picture.width))
        small = picture if width >= picture.width else picture.resize((width, height), Pillow.Resampling.LANCZOS)
        temporary = target / f".{width}.tmp"
        small.save(temporary, "WEBP", quality=_WEBP_QUALITY, method=4)
        temporary.replace(target / f"{width}.webp")
    red, green, blue = picture.convert("RGB").resize((1, 1), Pillow.Resampling.BOX).tobytes()
    return hashlib.sha256(content).hexdigest()[:12], picture.width, picture.height, f"#{red:02x}{green:02x}{blue:02x}"


def file_of(directory: Path, image_id: str, width: int) -> Path:
    """Return the file of one size.

    Raises:
        NotFound: There is no such image or size.
    """
    if not re.fullmatch(r"[0-9a-f-]{36}", image_id):
        raise NotFound("There is no such picture.")
    path = folder(directory, image_id) / f"{width}.webp"
    if not path.is_file():
        raise NotFound("There is no such picture.")
    return path


def preview(outside: Outside, directory: Path, role: str, source: str) -> Path:
    """Return a small picture of a title that is not in the library, fetching it on first sight.

    Args:
        source: TMDB's path such as `/abc.jpg`, or an address at TheTVDB; nothing else is fetched.

    Raises:
        Invalid: The source or role is not one.
        AdapterError: The provider did not give it.
    """
    if role not in _PREVIEW_ROLES or not (_PATH.fullmatch(source) or _TVDB_ADDRESS.fullmatch(source)):
        raise Invalid("That is not the address of a picture.")
    name = hashlib.sha256(source.encode()).hexdigest()[:24]
    path = directory / "previews" / f"{name}-{_PREVIEW_ROLES[role]}.webp"
    if path.is_file():
        return path
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    content, _ = outside.metadata().image(source, "w154" if role == "poster" else "w780")
    try:
        with Pillow.open(io.BytesIO(content)) as opened:
            if opened.width * opened.height > _MAX_PIXELS:
                raise Nonsense("artwork", "the picture is too large")
            picture = opened.convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Pillow.DecompressionBombError) as error:
        raise Nonsense("artwork", "what came is not a picture") from error
    width = _PREVIEW_ROLES[role]
    if picture.width > width:
        picture = picture.resize((width, max(1, round(picture.height * width / picture.width))))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{id(picture):x}.tmp")
    picture.save(temporary, "WEBP", quality=_WEBP_QUALITY, method=4)
    temporary.replace(path)
    return path


def prune_previews(directory: Path, now: datetime, *, older_than: timedelta = timedelta(days=30)) -> int:
    """Delete previews that are old; they come back when somebody looks for the title again."""
    gone = 0
    for path in (directory / "previews").glob("*.webp"):
        if path.stat().st_mtime < (now - older_than).timestamp():
            path.unlink(missing_ok=True)
            gone += 1
    return gone
