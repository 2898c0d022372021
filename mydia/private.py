"""Files that only their owner may read: what a household watches, and with which keys, is nobody else's business.

Media keep the umask of whoever runs Mydia; this is for the data folder alone.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def private(path: Path) -> Path:
    """Make an empty file with mode 0600 unless there is one, and return its path; whoever opens it next keeps the mode.

    SQLite gives its `-wal` and `-shm` files the mode of the database. Where a file cannot be made, nothing happens: the
    one who opens it says why in better words.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    return path
