"""Measure the matching of new files with names of their own: files a second, and statements for each file.

python -m benchmarks.matching [files]

Movies have a folder and a title each; shows have 25 episodes each.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import event

from mydia import clock
from mydia.config import load
from mydia.contexts import library, settings
from mydia.contexts.users import SYSTEM
from mydia.db import Database, upgrade
from tests.fakes.outside import FakeMetadataProvider, fake_outside

_EPISODES = 25


def _movies(files: int) -> Iterator[str]:
    for number in range(files):
        title = f"Silent Harbour {chr(97 + number % 26)}{number:05} ({1920 + number % 100})"
        yield f"{title}/{title} 1080p BluRay.mkv"


def _episodes(files: int) -> Iterator[str]:
    for number in range(files):
        show, episode = divmod(number, _EPISODES)
        title = f"Quiet Valley {chr(97 + show % 26)}{show:05}"
        yield f"{title}/Season 1/{title} S01E{episode + 1:02} 1080p WEB-DL.mkv"


def measure(type_: str, names: Iterator[str], files: int) -> None:
    """Match generated files in a new database and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / type_
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(b"x" * 5000)
        database = Database(f"sqlite:///{folder}/mydia.db")
        upgrade(database.engine)
        settings.bind(database, load({"DATA_DIR": folder}))
        now = datetime.now(UTC)
        with database.writes() as session:
            settings.ensure_defaults(session, now)
            path = settings.library_paths.add_library_path(
                session, SYSTEM, now, settings.NewLibraryPath(path=str(root), type=type_)
            )
        outside = fake_outside(metadata=FakeMetadataProvider(available=False))
        library.scanning.run_scan(database, outside, clock.now, path.id)
        statements: Counter[str] = Counter()

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            statements[" ".join(statement.split())[:110]] += 1

        event.listen(database.engine, "before_cursor_execute", note)
        began_s, used_s = clock.monotonic_s(), time.process_time()
        report = library.match_new_files(database, outside, clock.now, path.id)
        took_s, used_s = clock.monotonic_s() - began_s, time.process_time() - used_s
        print(
            f"{type_}: {report.matched} of {files} files matched: {files / took_s:.0f} a second, "
            f"{files / used_s:.0f} for each second of processor time, {statements.total() / files:.1f} statements each"
        )
        for statement, number in statements.most_common(10):
            print(f"{number / files:6.2f}  {statement}")
        database.close()


def main(files: int) -> None:
    """Measure movies and episodes."""
    measure("movies", _movies(files), files)
    measure("series", _episodes(files), files)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
