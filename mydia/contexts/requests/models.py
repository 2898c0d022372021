"""Tables of requests, the rules and quotas that decide them, and of reported problems."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mydia.db import Base, EnumText, HasId, Instant, one_of
from mydia.vocabulary import MediaType


class RequestState(StrEnum):
    """State of a request, or of one requested season."""

    PENDING = "pending"
    APPROVED = "approved"
    """The title is being added, or is in the library and searched for."""
    DOWNLOADING = "downloading"
    PARTIAL = "partial"
    """Some of what was requested is in the library."""
    AVAILABLE = "available"
    DECLINED = "declined"
    FAILED = "failed"
    """It was approved, but could not be carried out; it can be retried."""


UNDER_WAY = frozenset({RequestState.APPROVED, RequestState.DOWNLOADING, RequestState.PARTIAL})
"""States between the approval and the end, in which the request follows the library."""
OPEN = UNDER_WAY | {RequestState.PENDING, RequestState.FAILED}
"""States in which another request for the same joins this one."""


class Request(HasId, Base):
    """A title requested by a person.

    `details` shape: {"overview", "genres": [..], "language", "keywords": [..], "seasons": [{"number", "title", "episodes"}]}, as
    the catalogue had them; rules are applied to them. `choices` shape: {"profile_id", "library_path_id", "tags": [..],
    "search_now"}; missing values mean the defaults.
    """

    __tablename__ = "requests"
    __table_args__ = (
        one_of("type", MediaType),
        one_of("state", RequestState),
        Index("ix_requests_state", "state", "created_at"),
        Index("ix_requests_created", "created_at", "id"),
        Index("ix_requests_asker", "asker_id", "created_at"),
        Index("ix_requests_tmdb", "type", "tmdb_id"),
    )

    asker_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    type: Mapped[MediaType] = mapped_column(EnumText(MediaType))
    tmdb_id: Mapped[int | None] = mapped_column(BigInteger)
    tvdb_id: Mapped[int | None] = mapped_column(BigInteger)
    imdb_id: Mapped[str | None]
    title: Mapped[str]
    year: Mapped[int | None]
    poster_path: Mapped[str | None]
    """Of the catalogue."""
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    media_item_id: Mapped[str | None] = mapped_column(ForeignKey("media_items.id", ondelete="SET NULL"), index=True)
    state: Mapped[RequestState] = mapped_column(EnumText(RequestState), default=RequestState.PENDING)
    because: Mapped[dict[str, Any] | None]
    """Why it was approved automatically, waits or failed: {"code", "facts"}, see `events.reasons`."""
    explanation: Mapped[list[Any]] = mapped_column(default=list)
    """Where the choices come from: [{"code", "facts"}]."""
    reason: Mapped[str | None]
    """What the person who declined it wrote."""
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    automatic: Mapped[bool] = mapped_column(default=False)
    """Whether it was approved without a person."""
    choices: Mapped[dict[str, Any]] = mapped_column(default=dict)
    fulfilled_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the title was added, or its requested seasons monitored."""
    created_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)


class RequestSeason(Base):
    """A requested season, and what the library has of it."""

    __tablename__ = "request_seasons"
    __table_args__ = (one_of("state", RequestState),)

    request_id: Mapped[str] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[RequestState] = mapped_column(EnumText(RequestState), default=RequestState.PENDING)
    episodes_held: Mapped[int] = mapped_column(default=0)
    episodes_total: Mapped[int] = mapped_column(default=0)


class RequestFollower(Base):
    """Another person who requested the same."""

    __tablename__ = "request_followers"

    request_id: Mapped[str] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    since: Mapped[datetime] = mapped_column(Instant)


class RequestRule(HasId, Base):
    """What applies to requests that meet all its conditions. An empty condition is met by every request."""

    __tablename__ = "request_rules"
    __table_args__ = (one_of("type", MediaType),)

    name: Mapped[str]
    enabled: Mapped[bool] = mapped_column(default=True)
    type: Mapped[MediaType | None] = mapped_column(EnumText(MediaType))
    user_ids: Mapped[list[Any]] = mapped_column(default=list)
    genres: Mapped[list[Any]] = mapped_column(default=list)
    languages: Mapped[list[Any]] = mapped_column(default=list)
    """Original languages, as ISO 639-1 codes."""
    keywords: Mapped[list[Any]] = mapped_column(default=list)
    profile_id: Mapped[str | None] = mapped_column(ForeignKey("quality_profiles.id", ondelete="SET NULL"), index=True)
    library_path_id: Mapped[str | None] = mapped_column(ForeignKey("library_paths.id", ondelete="SET NULL"), index=True)
    tags: Mapped[list[Any]] = mapped_column(default=list)
    approves: Mapped[bool | None]
    """Approve automatically, ask for approval, or None: as without the rule."""
    created_at: Mapped[datetime] = mapped_column(Instant)


class BlockedTitle(HasId, Base):
    """A title that cannot be requested."""

    __tablename__ = "blocked_titles"
    __table_args__ = (
        one_of("type", MediaType),
        UniqueConstraint("type", "tmdb_id"),
        Index("ix_blocked_titles_created", "created_at", "id"),
    )

    type: Mapped[MediaType] = mapped_column(EnumText(MediaType))
    tmdb_id: Mapped[int | None] = mapped_column(BigInteger)
    tvdb_id: Mapped[int | None] = mapped_column(BigInteger)
    imdb_id: Mapped[str | None]
    title: Mapped[str]
    year: Mapped[int | None]
    poster_path: Mapped[str | None]
    """Of the catalogue."""
    reason: Mapped[str | None]
    """Shown to people who want to request it."""
    blocked_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)


class QuotaKind(StrEnum):
    """Whether a person has the household's quota, an own one, or none."""

    DEFAULT = "default"
    LIMITED = "limited"
    UNLIMITED = "unlimited"


class RequestAllowance(Base):
    """What one person may request of a type. A missing row means the defaults."""

    __tablename__ = "request_allowances"
    __table_args__ = (one_of("type", MediaType), one_of("quota", QuotaKind))

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    type: Mapped[MediaType] = mapped_column(EnumText(MediaType), primary_key=True)
    quota: Mapped[QuotaKind] = mapped_column(EnumText(QuotaKind), default=QuotaKind.DEFAULT)
    most: Mapped[int | None]
    """Films or seasons, with an own quota."""
    days: Mapped[int | None]
    auto_approve: Mapped[bool | None]
    """None: as for the role."""


class ProblemKind(StrEnum):
    """What is wrong with a title."""

    VIDEO = "video"
    AUDIO = "audio"
    SUBTITLES = "subtitles"
    OTHER = "other"


class ProblemState(StrEnum):
    """Whether a problem still needs attention."""

    OPEN = "open"
    RESOLVED = "resolved"


class Problem(HasId, Base):
    """A problem that a person reported with a title, a season or an episode."""

    __tablename__ = "problems"
    __table_args__ = (
        one_of("kind", ProblemKind),
        one_of("state", ProblemState),
        Index("ix_problems_state", "state", "created_at"),
    )

    media_item_id: Mapped[str] = mapped_column(ForeignKey("media_items.id", ondelete="CASCADE"), index=True)
    reporter_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    kind: Mapped[ProblemKind] = mapped_column(EnumText(ProblemKind))
    season_number: Mapped[int | None]
    episode_number: Mapped[int | None]
    state: Mapped[ProblemState] = mapped_column(EnumText(ProblemState), default=ProblemState.OPEN)
    replacing_since: Mapped[datetime | None] = mapped_column(Instant)
    """When a replacement was requested; the present files stay until it is imported."""
    resolved_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    resolved_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)


class ProblemComment(HasId, Base):
    """One comment on a problem; the first one is the report's own text."""

    __tablename__ = "problem_comments"

    problem_id: Mapped[str] = mapped_column(ForeignKey("problems.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    text: Mapped[str]
    at: Mapped[datetime] = mapped_column(Instant)
