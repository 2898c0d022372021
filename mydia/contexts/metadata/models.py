"""Stored artwork. Providers' answers are in the relay's cache."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mydia.db import Base, HasId, Instant, one_of


class Image(HasId, Base):
    """A picture, identified by provider and source path, and which of its sizes are stored."""

    __tablename__ = "images"
    __table_args__ = (
        one_of("role", "poster", "backdrop", "still", "logo", "person"),
        one_of("state", "wanted", "present", "failed"),
        UniqueConstraint("role", "source"),
        Index("ix_images_state", "state", "retry_at"),
    )

    role: Mapped[str]
    source: Mapped[str]
    """Provider path (`/abc.jpg`) or absolute URL."""
    state: Mapped[str] = mapped_column(default="wanted")
    content_hash: Mapped[str | None]
    """First 12 hex digits of the original's SHA-256; part of the immutable URL."""
    width: Mapped[int | None]
    height: Mapped[int | None]
    color: Mapped[str | None]
    """Dominant colour, `#rrggbb`."""
    failures: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
