"""Size limits per minute for each quality: the defaults, and an administrator's changes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia.contexts.settings.models import QualityDefinition
from mydia.contexts.users import Caller, Permission
from mydia.errors import Invalid
from mydia.events import SettingsArea, SettingsChanged, emit
from mydia.parsing import QUALITIES
from mydia.vocabulary import MediaType

MEDIA_TYPES = tuple(MediaType)
QUALITY_NAMES = tuple(row.name for row in QUALITIES)

# The largest limit that a form accepts, in MB per minute. Source: Radarr's `qualitydefinition/limits`.
_MOST = 2000.0


class SizeLimits(msgspec.Struct, frozen=True):
    """Bounds of one quality in megabytes (1024²) per minute; None is unlimited."""

    minimum: float = 0.0
    preferred: float | None = None
    maximum: float | None = None


# Megabytes per minute: minimum, preferred, maximum. Source: reference/arr-stack.md §2.2, the tables of Sonarr and Radarr.
_UNLIMITED = SizeLimits(0, None, None)
_FILM = SizeLimits(0, 95, 100)
_TV: Mapping[str, SizeLimits] = {
    "Unknown": SizeLimits(1, 95, 199.9),
    "HDTV-720p": SizeLimits(3, 95, 125),
    "HDTV-1080p": SizeLimits(4, 95, 125),
    "Raw-HD": SizeLimits(4, 95, None),
    "WEBRip-720p": SizeLimits(3, 95, 130),
    "WEBDL-720p": SizeLimits(3, 95, 130),
    "Bluray-720p": SizeLimits(4, 95, 130),
    "WEBRip-1080p": SizeLimits(4, 95, 130),
    "WEBDL-1080p": SizeLimits(4, 95, 130),
    "Bluray-1080p": SizeLimits(4, 95, 155),
    "Remux-1080p": SizeLimits(35, 95, None),
    "HDTV-2160p": SizeLimits(35, 95, 199.9),
    "WEBRip-2160p": SizeLimits(35, 95, None),
    "WEBDL-2160p": SizeLimits(35, 95, None),
    "Bluray-2160p": SizeLimits(35, 95, None),
    "Remux-2160p": SizeLimits(35, 95, None),
    "BR-DISK": _UNLIMITED,
}
_FILM_UNLIMITED = frozenset(
    {"Bluray-1080p", "Remux-1080p", "HDTV-2160p", "WEBRip-2160p", "WEBDL-2160p", "Bluray-2160p", "Remux-2160p"}
    | {"BR-DISK", "Raw-HD"}
)


def default_limits(media_type: MediaType, quality: str) -> SizeLimits:
    """Return the default limits of a quality.

    >>> default_limits(MediaType.TV_SHOW, "WEBDL-1080p")
    SizeLimits(minimum=4, preferred=95, maximum=130)
    """
    if media_type == MediaType.MOVIE:
        return _UNLIMITED if quality in _FILM_UNLIMITED else _FILM
    return _TV.get(quality, SizeLimits(2, 95, 100))


def size_limits(session: Session, caller: Caller, media_type: MediaType) -> dict[str, SizeLimits]:
    """Return the limits of all qualities for films or series, worst quality first."""
    caller.require(Permission.BROWSE)
    rows = session.scalars(select(QualityDefinition).where(QualityDefinition.media_type == media_type))
    stored = {row.quality: _limits(row) for row in rows}
    return {name: stored.get(name) or default_limits(media_type, name) for name in QUALITY_NAMES}


def ensure_default_qualities(session: Session) -> None:
    """Store missing limits."""
    present = {tuple(row) for row in session.execute(select(QualityDefinition.quality, QualityDefinition.media_type))}
    for media_type in MEDIA_TYPES:
        for name in QUALITY_NAMES:
            if (name, media_type) not in present:
                limits = default_limits(media_type, name)
                session.add(_row(name, media_type, limits))
    session.flush()


def change_size_limits(
    session: Session, caller: Caller, media_type: MediaType, quality: str, limits: SizeLimits
) -> None:
    """Set the limits of one quality.

    Raises:
        Invalid: Unknown quality or type, or inconsistent limits.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    if media_type not in MEDIA_TYPES or quality not in QUALITY_NAMES:
        raise Invalid(f"There is no quality “{quality}” for {media_type}.")
    check_limits(quality, limits)
    old = size_limits(session, caller, media_type)[quality]
    if old == limits:
        return
    row = session.get(QualityDefinition, (quality, media_type))
    if row is None:
        row = _row(quality, media_type, limits)
        session.add(row)
    row.minimum_mb_per_min, row.preferred_mb_per_min = limits.minimum, limits.preferred
    row.maximum_mb_per_min = limits.maximum
    key = f"size limits of {quality} ({media_type})"
    emit(
        session,
        caller,
        SettingsChanged(key, {"MB per minute": [said_limits(old), said_limits(limits)]}, SettingsArea.QUALITY_SIZES),
    )


def check_limits(quality: str, limits: SizeLimits) -> None:
    """Raise Invalid if limits contradict each other."""
    low, high = limits.minimum, limits.maximum
    if not 0 <= low <= _MOST or (high is not None and not 0 < high <= _MOST):
        raise Invalid(
            f"The limits of {quality} must be between 0 and {_MOST:g} MB per minute.",
            fields={"minimum": f"0 to {_MOST:g}."},
        )
    if high is not None and high <= low:
        raise Invalid(
            f"The maximum size of {quality} must be above the minimum ({low:g} MB per minute).",
            fields={"maximum": f"Must be above {low:g}."},
        )
    if limits.preferred is not None and not low <= limits.preferred <= (high or _MOST):
        raise Invalid(
            f"The preferred size of {quality} must be between its limits.",
            fields={"preferred": "Must be between the limits."},
        )


def _row(quality: str, media_type: MediaType, limits: SizeLimits) -> QualityDefinition:
    return QualityDefinition(
        quality=quality,
        media_type=media_type,
        minimum_mb_per_min=limits.minimum,
        preferred_mb_per_min=limits.preferred,
        maximum_mb_per_min=limits.maximum,
    )


def _limits(row: QualityDefinition) -> SizeLimits:
    return SizeLimits(row.minimum_mb_per_min, row.preferred_mb_per_min, row.maximum_mb_per_min)


def said_limits(limits: SizeLimits) -> str:
    """Return limits as text: `4 to 130`."""
    high = "unlimited" if limits.maximum is None else f"{limits.maximum:g}"
    return f"{limits.minimum:g} to {high}"
