"""seam"""
from __future__ import annotations

from typing import Any

from mydia.parsing.numbering import Scene, find_numbering
from mydia.parsing.quality import Modifier, Quality, Source
from mydia.parsing.release import Confidence, ParsedRelease
from mydia.parsing.tokens import cut, find_marks, lower, prepare
import re

_YEAR = re.compile(r"(?<![a-z0-9])((?:19|20)\d\d)(?![a-z0-9])")


def parse_release(name: str, hint: str | None = None) -> ParsedRelease | None:
    """Read a release or file name; None when it says nothing that identifies a work."""
    text = prepare(name)
    low = lower(text)
    words = cut(text, low)
    marks = find_marks(words)
    solid = next((words.starts[m.first] for m in marks if m.solid), len(text))
    scene = Scene(text, low, words, tuple(marks), 0, solid, False, hint)
    numbering = find_numbering(scene)
    years = [m for m in _YEAR.finditer(low)]
    end = solid
    year = None
    if numbering:
        end = numbering.start
        before = [m for m in years if m.start() < end and m.start() > 0]
    else:
        before = [m for m in years if m.start() < solid and m.start() > 0]
    if before:
        year = int(before[-1].group(1))
        end = min(end, before[-1].start())
    title = re.sub(r"[\s._]+", " ", text[:end]).strip(" -([")
    source, resolution, modifier = Source.UNKNOWN, None, Modifier.NONE
    for mark in marks:
        if mark.kind == "resolution" and resolution is None:
            resolution = int(mark.value)
        if mark.kind == "source" and source is Source.UNKNOWN:
            source = {"webdl": Source.WEBDL, "webrip": Source.WEBRIP, "bluray": Source.BLURAY, "bdrip": Source.BLURAY, "tv": Source.TV, "dvd": Source.DVD}.get(mark.value, Source.UNKNOWN)
        if mark.value == "remux":
            source, modifier = Source.BLURAY, Modifier.REMUX
    group = re.search(r"-([A-Za-z0-9]+)(?:\.\w{2,4})?$", text)
    if not title and not numbering:
        return None
    return ParsedRelease(
        name=name, type="episode" if numbering else "movie", title=title, year=year,
        season=numbering.seasons[0] if numbering and numbering.seasons else None,
        seasons=numbering.seasons if numbering else (),
        episodes=numbering.episodes if numbering else (),
        quality=Quality(source, resolution, modifier), release_group=group.group(1) if group else None,
        confidence=Confidence(type=0.8, title=0.8, year=0.9 if year else 0, season=0.9 if numbering else 0),
    )


def parse_path(path: str, library_root: str | None = None, hint: str | None = None) -> ParsedRelease | None:
    """Read the last part of a path."""
    return parse_release(path.replace("\\", "/").rsplit("/", 1)[-1], hint)


def parse(name: str, hint: str | None = None) -> dict[str, Any] | None:
    """Corpus form."""
    release = parse_release(name, hint)
    return None if release is None else {"title": release.title, "year": release.year, "season": release.season, "episodes": list(release.episodes)}
