"""What Mydia may remove from a download client: only what it added itself, and only if no other download needs it."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mydia.adapters.download_clients import RemoteDownload
from mydia.contexts.downloads.models import OPEN_STATES, Download, DownloadState
from mydia.contexts.settings import DownloadClientRow
from mydia.vocabulary import MediaType

DEFAULT_CATEGORIES = {MediaType.MOVIE: "mydia-movies", MediaType.TV_SHOW: "mydia-tv"}
_CATEGORY_OPTIONS = {MediaType.MOVIE: "movies_category", MediaType.TV_SHOW: "series_category"}


def category_for(client: DownloadClientRow, type: MediaType) -> str:
    """Return the category under which downloads of a media type are filed in a client."""
    own = client.options.get(_CATEGORY_OPTIONS[type]) or client.options.get("category")
    return str(own or DEFAULT_CATEGORIES[type])


def our_categories(client: DownloadClientRow) -> frozenset[str]:
    """Return all of Mydia's categories in a client."""
    options = (client.options.get(key) for key in ("category", *_CATEGORY_OPTIONS.values()))
    return frozenset({*DEFAULT_CATEGORIES.values(), *(str(option) for option in options if option)})


def is_ours(client: DownloadClientRow, remote: RemoteDownload) -> bool:
    """Return whether a download is filed under one of Mydia's categories."""
    return not our_categories(client).isdisjoint(remote.categories)


def sharing(session: Session, row: Download) -> list[Download]:
    """Return the other downloads that need the same entry of the client: open ones, and imported ones still seeding."""
    if row.client_ref is None:
        return []
    return list(
        session.scalars(
            select(Download).where(
                Download.client_id == row.client_id,
                Download.client_ref == row.client_ref,
                Download.id != row.id,
                or_(
                    Download.state.in_(OPEN_STATES),
                    (Download.state == DownloadState.IMPORTED) & Download.left_client_at.is_(None),
                ),
            )
        )
    )


def may_leave_client(session: Session, row: Download) -> bool:
    """Return whether Mydia may remove a download, with its files, from the client."""
    return row.owned and row.client_ref is not None and not sharing(session, row)
