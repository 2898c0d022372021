"""Naming of folders and files; `library.naming` parses and checks the templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import events
from mydia.contexts.settings.current import source_of
from mydia.contexts.settings.models import LibraryPath, NamingSet, Setting
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.db import get
from mydia.errors import Invalid, Misconfigured

TEMPLATES = (
    "movie_folder",
    "movie_file",
    "series_folder",
    "season_folder",
    "specials_folder",
    "episode_file",
    "daily_file",
    "anime_file",
)
MULTI_EPISODE_STYLES = ("extend", "duplicate", "repeat", "scene", "range", "prefixed_range")
COLON_REPLACEMENTS = ("delete", "dash", "space_dash", "space_dash_space", "smart")

type Judge = Callable[[str, str], None]
"""(name of the template, its text); raises Invalid if the template is invalid."""

# The same as `library.naming.DEFAULTS`, which this context must not import; a test compares the two.
FIRST_TEMPLATES: Mapping[str, str] = {
    "movie_folder": "{title} ({year})",
    "movie_file": "{title} ({year}){ - [edition]}{ - quality}{-release_group}",
    "series_folder": "{title}{ (year)}",
    "season_folder": "Season {season:2}",
    "specials_folder": "Specials",
    "episode_file": "{title}{ (year)} - S{season:2}E{episode:2}{ - episode_title}{ [quality]}{-release_group}",
    "daily_file": "{title}{ (year)} - {air_date}{ - episode_title}{ [quality]}{-release_group}",
    "anime_file": (
        "{title}{ (year)} - S{season:2}E{episode:2}{ - absolute:3}{ - episode_title}{ [quality]}{-release_group}"
    ),
}


def get_naming_set(session: Session, caller: Caller, library_path_id: str | None = None) -> NamingSet:
    """Return the naming set of a library folder, or the default one."""
    caller.require(Permission.VIEW_ACTIVITY)
    if library_path_id is not None:
        path = session.get(LibraryPath, library_path_id)
        if path is not None and path.naming_set_id is not None:
            return get(session, NamingSet, path.naming_set_id, what="This naming set")
    found = session.scalars(select(NamingSet).order_by(NamingSet.id).limit(1)).first()
    assert found is not None, "ensure_defaults() creates the first naming set"
    return found


def list_naming_sets(session: Session, caller: Caller) -> list[NamingSet]:
    """Return all naming sets, the default one first."""
    caller.require(Permission.VIEW_ACTIVITY)
    return list(session.scalars(select(NamingSet).order_by(NamingSet.id)))


def change_naming_set(
    session: Session, caller: Caller, now: datetime, naming_set_id: str, changes: Mapping[str, object], *, judge: Judge
) -> NamingSet:
    """Change a naming set. Files keep their names until they are renamed.

    Args:
        changes: Column -> new value.
        judge: Checks a template; `library.naming.check_template`.

    Raises:
        Invalid: A template or an option is invalid.

    Emits:
        SettingsChanged.
    """
    caller.require(Permission.MANAGE_SETTINGS)
    row = get(session, NamingSet, naming_set_id, what="This naming set")
    sentences = _objections(changes, judge)
    if sentences:
        raise Invalid("Some templates are invalid.", fields=sentences)
    told: dict[str, list[object]] = {}
    for column, wanted in changes.items():
        old = getattr(row, column)
        if old != wanted:
            told[column] = [old, wanted]
            setattr(row, column, wanted)
    if told:
        row.updated_at = now
        events.emit(
            session,
            caller,
            events.SettingsChanged(f"naming_set:{row.id}", told, events.SettingsArea.NAMING, row.name),
            at=now,
        )
    return row


def apply_configured(session: Session, now: datetime, *, judge: Judge) -> None:
    """Copy `media.naming_movie` and `media.naming_episode` to the default naming set if they have changed.

    Later edits on the settings page are kept until the configured text changes.

    Raises:
        Misconfigured: A template is invalid.

    Emits:
        SettingsChanged.
    """
    source = source_of(session)
    for key, read in (("media.naming_movie", _movie_templates), ("media.naming_episode", _episode_templates)):
        given = source.config.values[key]
        row = session.get(Setting, key)
        if given.value is None or (row is not None and row.value.get("applied") == given.value):
            continue
        try:
            change_naming_set(
                session, SYSTEM, now, get_naming_set(session, SYSTEM).id, read(str(given.value)), judge=judge
            )
        except Invalid as error:
            said = " ".join(error.fields.values()) or error.message
            raise Misconfigured(f"{key} ({given.source}) is {given.value!r}: {said}") from error
        if row is None:
            row = Setting(key=key, value={}, updated_at=now)
            session.add(row)
        row.value, row.updated_at = {"applied": given.value}, now
    session.flush()


def _movie_templates(text: str) -> dict[str, object]:
    parts = [part.strip() for part in text.strip("/").split("/")]
    if len(parts) > 2:
        raise Invalid("The template of movies needs one folder and a file name: {title} ({year})/{title} ({year}).")
    return dict(zip(("movie_folder", "movie_file")[-len(parts) :], parts, strict=True))


def _episode_templates(text: str) -> dict[str, object]:
    parts = [part.strip() for part in text.strip("/").split("/")]
    if not 2 <= len(parts) <= 3:
        raise Invalid("The template of episodes needs a show folder, a season folder and a file name, separated by /.")
    if any(_SHOW.search(part) for part in parts):
        # If {show} is used for the series, {title} means the episode's title.
        parts = [_SHOW.sub(r"\1title", _TITLE.sub(r"\1episode_title", part)) for part in parts]
    names = ("series_folder", "season_folder", "episode_file") if len(parts) == 3 else ("series_folder", "episode_file")
    return dict(zip(names, parts, strict=True))


_SHOW = re.compile(r"(\{[^{}a-z]*)(?:show|series)(?=[:}\W])")
_TITLE = re.compile(r"(\{[^{}a-z]*)title(?=[:}\W])")


def _objections(changes: Mapping[str, object], judge: Judge) -> dict[str, str]:
    sentences: dict[str, str] = {}
    for column, wanted in changes.items():
        if column in TEMPLATES:
            try:
                judge(column, str(wanted))
            except Invalid as error:
                sentences[column] = error.message
        elif column == "multi_episode_style":
            if wanted not in MULTI_EPISODE_STYLES:
                sentences[column] = f"Choose one of {', '.join(MULTI_EPISODE_STYLES)}."
        elif column == "colon_replacement":
            if wanted not in COLON_REPLACEMENTS:
                sentences[column] = f"Choose one of {', '.join(COLON_REPLACEMENTS)}."
        elif column not in ("rename", "replace_illegal") or not isinstance(wanted, bool):
            sentences[column] = f"{column} is not a setting of the naming set."
    return sentences
