"""Files that only their owner can read, because the data folder contains keys and viewing habits.

Media files keep the umask of the user who runs Mydia; this is only for the data folder.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def private(path: Path) -> Path:
    """Create an empty file with mode 0600 unless it exists, and return its path; opening it later keeps the mode.

    SQLite gives its `-wal` and `-shm` files the mode of the database. Errors are ignored here, because opening the file
    reports them better.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    return path
