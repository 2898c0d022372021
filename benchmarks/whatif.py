"""Measure a dry run of a changed quality profile over 10,000 movies, each with a file and a stored search of 20 releases.

python -m benchmarks.whatif [movies]

It is measured twice: with a changed order of qualities, and with changed scores, for which every file is matched with the
custom formats of the TRaSH guides again.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Sequence
from copy import replace
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from benchmarks import library
from benchmarks.formats import ROOT, guides
from mydia import clock, config
from mydia.contexts import downloads, media, settings
from mydia.contexts.settings.formats import Format
from mydia.contexts.users import SYSTEM
from mydia.db import Database
from mydia.parsing import Quality
from mydia.units import GIB

RELEASES = 20
_AT_ONCE = 500
_TAILS = {
    "WEBDL-1080p": "1080p.AMZN.WEB-DL.DDP5.1.H.264-NTb",
    "Bluray-1080p": "1080p.BluRay.x264-GRP",
    "WEBDL-2160p": "2160p.NF.WEB-DL.DDP5.1.Atmos.DV.HDR.H.265-FLUX",
    "Remux-2160p": "2160p.UHD.BluRay.REMUX.DV.HDR10.HEVC.TrueHD.7.1.Atmos-FraMeSToR",
    "HDTV-720p": "720p.HDTV.x264-AMS",
}
_CRITERIA = (
    "quality",
    "revision",
    "format_score",
    "words",
    "protocol",
    "fit",
    "indexer",
    "flags",
    "seeders",
    "peers",
    "age",
)


def add_searches(database: Database, formats: Sequence[Format]) -> None:
    """Store a search with releases for every version; about a third of the releases are of another title."""
    chance = random.Random(7)
    now = clock.now()
    with database.reads() as session:
        rows = session.execute(
            select(media.Version.id, media.MediaItem.id, media.MediaItem.title, media.MediaItem.year).join(
                media.MediaItem, media.MediaItem.id == media.Version.media_item_id
            )
        ).all()
    for start in range(0, len(rows), _AT_ONCE):
        searches: list[dict[str, Any]] = []
        releases: list[dict[str, Any]] = []
        for version_id, item_id, title, year in rows[start : start + _AT_ONCE]:
            search_id = clock.new_id()
            searches.append(
                {
                    "id": search_id,
                    "media_item_id": item_id,
                    "version_id": version_id,
                    "cause": "backlog",
                    "state": "done",
                    "started_at": now,
                }
            )
            for place in range(RELEASES):
                quality = chance.choice(list(_TAILS))
                other = {"reason": "wrong-title", "permanent": True, "code": "wrong-title", "facts": {"title": "x"}}
                matched = chance.sample(formats, min(3, len(formats)))
                releases.append(
                    {
                        "id": clock.new_id(),
                        "search_id": search_id,
                        "indexer_name": "Bench",
                        "guid": str(place),
                        "title": f"{title.replace(' ', '.')}.{year}.{_TAILS[quality]}",
                        "parsed": {"title": title, "year": year, "group": "GRP"},
                        "protocol": "torrent",
                        "size_bytes": chance.randrange(2 * GIB, 40 * GIB),
                        "quality": Quality.from_name(quality).to_json(),
                        "quality_name": quality,
                        "formats": [{"id": one.id, "name": one.name, "score": 0} for one in matched],
                        "objections": [other] if chance.random() < 1 / 3 else [],
                        "preference": [{"name": name, "value": chance.randrange(9)} for name in _CRITERIA],
                        "position": place,
                        "verdict": "approved",
                        "media_item_id": item_id,
                        "version_id": version_id,
                        "seen_at": now,
                    }
                )
        with database.writes() as session:
            session.execute(insert(downloads.Search), searches)
            session.execute(insert(downloads.Release), releases)


def add_formats(database: Database, formats: Sequence[Format]) -> list[str]:
    """Store the formats and return their ids."""
    with database.writes() as session:
        saved = []
        for number, one in enumerate(formats):
            form = settings.formats.FormatForm(name=f"{one.name} {number}", conditions=one.conditions)
            saved.append(settings.formats.save_format(session, SYSTEM, clock.now(), form).format.id)
    return saved


def measured(database: Database, name: str, form: settings.ProfileForm, profile_id: str) -> None:
    """Run a dry run and print its figures."""
    with database.writes() as session:
        trial_id = downloads.whatif.open_trial(session, SYSTEM, clock.now(), profile_id, form)
    began_s, used_s = clock.monotonic_s(), time.process_time()
    outcome = downloads.whatif.run_trial(database, trial_id)
    took_s, used_s = clock.monotonic_s() - began_s, time.process_time() - used_s
    assert outcome is not None
    print(
        f"{name}: {outcome.titles:,} titles, {outcome.files:,} files, {outcome.releases:,} releases in {took_s:.2f} s, "
        f"{used_s:.2f} s of processor time; {outcome.taken[0]:,} -> {outcome.taken[1]:,} grabs"
    )


def main(movies: int) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        library.make(Path(folder), films=movies, shows=0)
        loaded = config.load(library.environ(Path(folder)))
        database = Database(loaded.database_url)
        settings.bind(database, loaded)
        found = guides(ROOT.parent / "shared" / "corpora")
        ids = add_formats(database, found)
        add_searches(database, [replace(one, id=id) for one, id in zip(found, ids, strict=True)])
        with database.reads() as session:
            profile = settings.profiles.list_profiles(session, SYSTEM)[0]
        kept = {name: getattr(profile, name) for name in settings.ProfileForm.__struct_fields__ if name != "items"}
        form = settings.ProfileForm(**kept, items=profile.items())
        turned = replace(form, upgrades_allowed=True, cutoff=None, items=form.items[::-1], maximum_size_mb=None)
        measured(database, "qualities turned round", turned, profile.id)
        scored = replace(form, upgrades_allowed=True, scores={id: n % 40 - 20 for n, id in enumerate(ids)})
        measured(database, "scores changed", scored, profile.id)
        database.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else library.FILMS)
