"""RSS sync: 1,000 new releases of a feed against 5,000 wanted films in a database, with all custom formats of the TRaSH guides.

    python benchmarks/feeds.py [--corpora FOLDER] [--matching 200]

`--matching` is the number of releases that belong to a wanted film; the others belong to no title of the library. Prints the
CPU time of matching, of judging (with everything that is read for it), and of storing the decisions.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sqlalchemy import update

from benchmarks.formats import _TAILS, _WORDS, guides
from mydia import config
from mydia.adapters.indexers import IndexerRelease, Protocols
from mydia.adapters.outside import Outside
from mydia.contexts import media, settings
from mydia.contexts.downloads.feeds import judging
from mydia.contexts.downloads.feeds.matching import Listed, match
from mydia.contexts.metadata import Ids
from mydia.contexts.settings.models import CustomFormat
from mydia.contexts.users import SYSTEM
from mydia.db import Database, upgrade
from mydia.units import GIB
from tests.fakes.outside import fake_outside

NOW = datetime(2026, 11, 21, tzinfo=UTC)
RELEASES, WANTED = 1_000, 5_000


def library(folder: Path, corpora: Path) -> tuple[Database, list[tuple[str, int]]]:
    """Make a database with wanted films and all formats, and return the films' titles and years."""
    database = Database(f"sqlite:///{folder}/mydia.db")
    upgrade(database.engine)
    settings.bind(database, config.load({"DATA_DIR": str(folder), "SECRET_KEY_BASE": "k" * 32}))
    chance = random.Random(7)
    films = [
        (f"{chance.choice(_WORDS)} {chance.choice(_WORDS)} {number}th", 1950 + number % 70) for number in range(WANTED)
    ]
    with database.writes() as session:
        settings.ensure_defaults(session, NOW)
        profile = settings.profiles.find_profile(session, "Any")
        assert profile is not None
        for number, found in enumerate(guides(corpora)):
            specs = [condition.to_json() for condition in found.conditions]
            session.add(
                CustomFormat(name=f"{found.name} {number}", specs=specs, include_in_rename=False, updated_at=NOW)
            )
        session.add(settings.LibraryPath(id="films", path=str(folder), name="Films", type="movies", created_at=NOW))
        session.flush()
    for start in range(0, WANTED, 500):
        with database.writes() as session:
            for number, (title, year) in enumerate(films[start : start + 500], start):
                new_item = media.NewItem(
                    type="movie", title=title, year=year, ids=Ids(tmdb_id=number + 1), library_path_id="films", profile_id=profile.id
                )  # fmt: skip
                media.add_item(session, SYSTEM, NOW, new_item, search_now=False)
    with database.writes() as session:
        # They have no release dates, so they would not be out yet.
        session.execute(update(media.Version).values(state=media.ItemState.MISSING))
        session.execute(update(media.MediaItem).values(cinema_on=NOW.date().replace(year=1950)))
    return database, films


def listed(films: list[tuple[str, int]], matching: int) -> list[Listed]:
    """Return the releases of a feed."""
    chance = random.Random(11)
    names = [
        f"{title.replace(' ', '.')}.{year}.{chance.choice(_TAILS)}" for title, year in chance.sample(films, matching)
    ]
    names += [
        f"Unknown.Title.{number}.{1950 + number % 70}.{chance.choice(_TAILS)}" for number in range(RELEASES - matching)
    ]
    return [
        Listed(
            release=IndexerRelease(
                guid=str(number), title=name, protocol=Protocols.TORRENT, download_url="http://x.test", size_bytes=8 * GIB,
                seeders=9, published_at=NOW,
            ),
            indexer_id="", indexer_name="Feed", indexer_priority=25,
        )
        for number, name in enumerate(names)
    ]  # fmt: skip


def measured(corpora: Path, matching: int) -> dict[str, float]:
    """Return CPU seconds by step."""
    with tempfile.TemporaryDirectory() as name:
        database, films = library(Path(name), corpora)
        outside: Outside = fake_outside()
        found = listed(films, matching)
        with database.reads() as session:
            settings.formats.current(session)
        steps: dict[str, float] = {}
        started = time.process_time()
        with database.reads() as session:
            matches = match(session, found)
        steps["matching"] = time.process_time() - started
        started = time.process_time()
        judged = [
            one
            for start in range(0, len(matches), 50)
            for one in judging.judge(database, outside, NOW, matches[start : start + 50])
        ]
        steps["judging"] = time.process_time() - started
        started = time.process_time()
        for start in range(0, len(judged), 50):
            with database.writes() as session:
                for one in judged[start : start + 50]:
                    judging.store(session, NOW, one)
        steps["storing"] = time.process_time() - started
        steps["matches"] = len(matches)
        database.close()
        return steps


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(os.environ.get("MYDIA_CORPORA", ROOT.parent / "shared" / "corpora"))
    parser.add_argument("--corpora", type=Path, default=default)
    parser.add_argument("--matching", type=int, default=200)
    given = parser.parse_args()
    for name, value in measured(given.corpora, given.matching).items():
        print(f"{name}: {value:.3f}")


if __name__ == "__main__":
    main()
