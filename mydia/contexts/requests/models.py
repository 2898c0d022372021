"""Requested titles. Approval adds them to the library."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from mydia.db import Base, EnumText, HasId, Instant, one_of
from mydia.vocabulary import MediaType


class RequestState(StrEnum):
    """State of a request."""

    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    AVAILABLE = "available"
    FAILED = "failed"


class Request(HasId, Base):
    """A title requested by a user who may not add titles."""

    __tablename__ = "requests"
    __table_args__ = (
        one_of("type", MediaType),
        one_of("state", RequestState),
        Index("ix_requests_state", "state", "created_at"),
    )

    asker_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    type: Mapped[MediaType] = mapped_column(EnumText(MediaType))
    tmdb_id: Mapped[int | None] = mapped_column(BigInteger)
    tvdb_id: Mapped[int | None] = mapped_column(BigInteger)
    title: Mapped[str]
    year: Mapped[int | None]
    seasons: Mapped[list[Any] | None]
    media_item_id: Mapped[str | None] = mapped_column(ForeignKey("media_items.id", ondelete="SET NULL"), index=True)
    state: Mapped[RequestState] = mapped_column(EnumText(RequestState), default=RequestState.PENDING)
    reason: Mapped[str | None]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    choices: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(Instant)


class RequestFollower(Base):
    """Another user who requested the same title."""

    __tablename__ = "request_followers"

    request_id: Mapped[str] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
