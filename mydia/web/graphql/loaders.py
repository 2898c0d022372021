"""Loaders: what many fields of one query need is read at once, so the number of statements does not grow with a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session
from strawberry.dataloader import DataLoader

from mydia.contexts import downloads, library, media, settings, users
from mydia.contexts.users import Caller
from mydia.db import Database
from mydia.web.api import downloads as download_shapes
from mydia.web.api import library as library_shapes
from mydia.web.api import schemas
from mydia.web.api import system as system_shapes

type Read = Callable[[Session, Caller, Sequence[Any]], Mapping[Any, Any]]


def _items(session: Session, caller: Caller, ids: Sequence[str]) -> dict[str, schemas.Item]:
    rows = media.lists.items_of(session, caller, ids)
    numbers = media.numbers.numbers_of(session, caller, media.NumberedKind.ITEM, ids)
    return {row.id: schemas.item(row, numbers[row.id]) for row in rows if row.id in numbers}


def _metadata(session: Session, caller: Caller, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    return {row.id: dict(row.metadata_json) for row in media.lists.items_of(session, caller, ids)}


def _cards(session: Session, caller: Caller, ids: Sequence[str]) -> dict[str, schemas.Listed]:
    return {card.id: schemas.listed(card) for card in media.lists.cards_of(session, caller, ids)}


def _files(
    session: Session, caller: Caller, ids: Sequence[str], *, videos_only: bool
) -> dict[str, list[library_shapes.FileShape]]:
    found = library.files.files_of_items(session, caller, ids, videos_only=videos_only)
    return {id_: [library_shapes.file(view) for view in views] for id_, views in found.items()}


def _videos(session: Session, caller: Caller, ids: Sequence[str]) -> dict[str, list[library_shapes.FileShape]]:
    return _files(session, caller, ids, videos_only=True)


def _all_files(session: Session, caller: Caller, ids: Sequence[str]) -> dict[str, list[library_shapes.FileShape]]:
    return _files(session, caller, ids, videos_only=False)


def _episodes(session: Session, caller: Caller, ids: Sequence[str]) -> dict[str, list[schemas.EpisodeShape]]:
    found = media.episodes.episodes_of_items(session, caller, ids)
    return {id_: [schemas.episode(ref) for ref in refs] for id_, refs in found.items()}


def _tags(session: Session, caller: Caller, ids: Sequence[str]) -> dict[str, list[str]]:
    return {id_: list(names) for id_, names in media.tags.tags_of(session, caller, ids).items()}


def _queue(session: Session, caller: Caller, ids: Sequence[str]) -> dict[str, list[download_shapes.DownloadShape]]:
    found = downloads.history.downloads_of_items(session, caller, ids)
    return {id_: [download_shapes.download(row) for row in rows] for id_, rows in found.items()}


def _releases(
    session: Session, caller: Caller, keys: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], list[download_shapes.ReleaseShape]]:
    found = downloads.history.releases_of_items(
        session, caller, {id_ for id_, _ in keys}, most=max(first for _, first in keys)
    )
    shapes = {id_: [download_shapes.release(row) for row in rows] for id_, rows in found.items()}
    return {(id_, first): shapes[id_][:first] for id_, first in keys if id_ in shapes}


def _history(
    session: Session, caller: Caller, keys: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], list[system_shapes.Happening]]:
    found = users.history.of_titles(session, caller, {id_ for id_, _ in keys}, most=max(first for _, first in keys))
    shapes = {id_: [system_shapes.happening(one) for one in told] for id_, told in found.items()}
    return {(id_, first): shapes[id_][:first] for id_, first in keys if id_ in shapes}


def _profiles(session: Session, caller: Caller, ids: Sequence[str]) -> dict[str, schemas.ProfileShape]:
    return {one.id: schemas.profile(one) for one in settings.profiles.list_profiles(session, caller) if one.id in ids}


class Loaders:
    """The loaders of one execution. Each reads what was asked for in one unit of work; a missing key gives None."""

    def __init__(self, database: Database, caller: Caller) -> None:
        self._database = database
        self._caller = caller
        self.items = self._loader(_items)
        self.metadata = self._loader(_metadata)
        self.cards = self._loader(_cards)
        self.videos = self._loader(_videos, missing=list)
        self.files = self._loader(_all_files, missing=list)
        self.episodes = self._loader(_episodes, missing=list)
        self.tags = self._loader(_tags, missing=list)
        self.queue = self._loader(_queue, missing=list)
        self.releases = self._loader(_releases, missing=list)
        self.history = self._loader(_history, missing=list)
        self.profiles = self._loader(_profiles)

    def _loader(self, read: Read, *, missing: Callable[[], Any] = lambda: None) -> DataLoader[Any, Any]:
        async def load(keys: list[Any]) -> list[Any]:
            with self._database.reads() as session:
                found = read(session, self._caller, list(dict.fromkeys(keys)))
            return [found.get(key, missing()) for key in keys]

        return DataLoader(load_fn=load, max_batch_size=500)
