"""Pictures of people. An upload is decoded and encoded again, so nothing of the sent file is kept but its pixels."""

from __future__ import annotations

import hashlib
import io
import threading
from datetime import datetime

from sqlalchemy.orm import Session

from mydia.contexts.users.accounts import get_own
from mydia.contexts.users.models import Avatar
from mydia.contexts.users.permissions import Caller, Permission
from mydia.errors import Invalid, NotFound

__all__ = ["MAX_BYTES", "change_own", "encode", "get_avatar", "remove_own"]

MAX_BYTES = 8 * 2**20
"""The limit for an uploaded picture; photos of phones have 2 to 6 MB."""
_MAX_PIXELS = 50_000_000
"""Photos of phones have 12 to 50 million."""
_WIDTH = 256
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_NO_PICTURE = "Choose a picture: a JPEG, PNG, WebP or GIF file that is not damaged."
_decoding = threading.Lock()
"""One at a time: a picture of 50 million pixels takes 150 MiB."""


def encode(content: bytes) -> bytes:
    """Return an uploaded picture as a square WebP of 256 pixels, without metadata.

    Raises:
        Invalid: It is not a picture, is damaged, or is too large.
    """
    from PIL import Image, ImageOps

    if len(content) > MAX_BYTES:
        raise _refused(f"The picture is larger than {MAX_BYTES // 2**20} MB.")
    try:
        with _decoding, Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
            width, height = opened.size
            if width * height > _MAX_PIXELS:
                raise _refused(f"The picture has {width} x {height} pixels, which is too large.")
            opened.draft("RGB", (_WIDTH * 2, _WIDTH * 2))
            turned = ImageOps.exif_transpose(opened)
            picture = ImageOps.fit(turned.convert("RGBA"), (_WIDTH, _WIDTH), Image.Resampling.LANCZOS)
        flat = Image.new("RGB", picture.size, "white")
        flat.paste(picture, mask=picture.getchannel("A"))
        out = io.BytesIO()
        flat.save(out, "WEBP", quality=82, method=4)
    except Invalid:
        raise
    except Exception as error:
        # For damaged files the codecs raise many kinds of errors: SyntaxError, struct.error, IndexError, ZeroDivisionError.
        raise _refused(_NO_PICTURE) from error
    return out.getvalue()


def change_own(session: Session, caller: Caller, now: datetime, picture: bytes) -> None:
    """Store the caller's picture.

    Args:
        picture: As `encode` returns it.

    Raises:
        Forbidden: The caller is an API key.
    """
    user = get_own(session, caller)
    row = session.get(Avatar, user.id)
    if row is None:
        row = Avatar(user_id=user.id)
        session.add(row)
    row.content, row.updated_at = picture, now
    # The address changes with the picture, so browsers may cache it without asking again.
    user.avatar_url = f"/avatars/{user.id}/{hashlib.sha256(picture).hexdigest()[:16]}.webp"


def remove_own(session: Session, caller: Caller) -> None:
    """Remove the caller's picture. Initials are shown instead.

    Raises:
        Forbidden: The caller is an API key.
    """
    user = get_own(session, caller)
    row = session.get(Avatar, user.id)
    if row is not None:
        session.delete(row)
    user.avatar_url = None


def get_avatar(session: Session, caller: Caller, user_id: str) -> bytes:
    """Return a person's picture, for everybody who may see the library.

    Raises:
        NotFound: The person has none.
    """
    caller.require(Permission.BROWSE)
    row = session.get(Avatar, user_id)
    if row is None:
        raise NotFound("This person has no picture.")
    return row.content


def _refused(sentence: str) -> Invalid:
    return Invalid(sentence, fields={"avatar": sentence})
