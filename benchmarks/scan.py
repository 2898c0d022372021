"""Measure a scan of 50,000 new files, then of the same files unchanged. Budget for the latter: 5 s.

python benchmarks/scan.py [files]
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mydia import clock
from mydia.config import load
from mydia.contexts import library, settings
from mydia.contexts.users import SYSTEM
from mydia.db import Database, upgrade
from tests.fakes.outside import fake_outside


def main(files: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "films"
        for number in range(files):
            title = f"Film number {number} ({1920 + number % 100})"
            (root / title).mkdir(parents=True)
            (root / title / f"{title} 1080p.mkv").write_bytes(b"x")
        database = Database(f"sqlite:///{folder}/mydia.db")
        upgrade(database.engine)
        settings.bind(database, load({"DATA_DIR": folder}))
        now = datetime.now(UTC)
        with database.writes() as session:
            settings.ensure_defaults(session, now)
            path = settings.library_paths.add_library_path(
                session, SYSTEM, now, settings.NewLibraryPath(path=str(root), type="movies")
            )
        outside = fake_outside()
        for label in ("new", "unchanged", "unchanged again"):
            began = clock.monotonic_s()
            scan_id = library.scanning.run_scan(database, outside, clock.now, path.id)
            took = clock.monotonic_s() - began
            library.scanning.finish_scan(database, SYSTEM, clock.now(), scan_id, {})
            print(f"{files:,} files, {label}: {took:.2f} s")
        database.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
