"""Measure the import of downloaded movies by hard link: files a second, and statements for each file.

python -m benchmarks.importing [files]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import event

from mydia import clock
from mydia.adapters.outside import Outside
from mydia.config import load
from mydia.contexts import library, media, settings
from mydia.contexts.metadata import Ids
from mydia.contexts.users import SYSTEM
from mydia.db import Database, upgrade
from mydia.vocabulary import MediaType
from tests.fakes.outside import FakeMetadataProvider, fake_outside

_BYTES = 200_000


def main(files: int) -> None:
    """Import generated downloads and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        root, downloads = Path(folder) / "films", Path(folder) / "downloads"
        root.mkdir()
        database = Database(f"sqlite:///{folder}/mydia.db")
        upgrade(database.engine)
        settings.bind(database, load({"DATA_DIR": folder}))
        now = datetime.now(UTC)
        with database.writes() as session:
            settings.ensure_defaults(session, now)
            path_id = settings.library_paths.add_library_path(
                session, SYSTEM, now, settings.NewLibraryPath(path=str(root), type="movies")
            ).id
        sources: list[tuple[str, Path]] = []
        # The first one loads what a worker has in memory after its first import, and is not measured.
        for number in range(files + 1):
            title, year = f"Silent Harbour {chr(97 + number % 26)}{number:05}", 1920 + number % 100
            new = media.NewItem(
                type=MediaType.MOVIE, title=title, year=year, ids=Ids(tmdb_id=number + 1), library_path_id=path_id
            )
            with database.writes() as session:
                item_id = media.add_item(session, SYSTEM, now, new, search_now=False).id
            name = f"{title.replace(' ', '.')}.{year}.1080p.BluRay.x264-GRP"
            (downloads / name).mkdir(parents=True)
            (downloads / name / f"{name}.mkv").write_bytes(number.to_bytes(4) * (_BYTES // 4))
            sources.append((item_id, downloads / name / f"{name}.mkv"))
        outside = fake_outside(metadata=FakeMetadataProvider(available=False))
        _import(database, outside, now, *sources.pop())
        statements: Counter[str] = Counter()

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            statements[" ".join(statement.split())[:110]] += 1

        event.listen(database.engine, "before_cursor_execute", note)
        began_s, used_s = clock.monotonic_s(), time.process_time()
        for item_id, source in sources:
            _import(database, outside, now, item_id, source)
        took_s, used_s = clock.monotonic_s() - began_s, time.process_time() - used_s
        linked = sum(source.stat().st_nlink == 2 for _, source in sources)
        print(
            f"{linked} of {files} files linked: {files / took_s:.0f} a second, "
            f"{files / used_s:.0f} for each second of processor time, {statements.total() / files:.1f} statements each"
        )
        for statement, number in statements.most_common(40):
            print(f"{number / files:6.2f}  {statement}")
        database.close()


def _import(database: Database, outside: Outside, now: datetime, item_id: str, source: Path) -> None:
    request = library.ImportRequest(item_id=item_id, sources=(library.SourceFile(path=source),))
    with database.reads() as session:
        plan = library.plan_import(session, SYSTEM, now, request)
    library.place(database, outside, SYSTEM, now, plan)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
