"""Identify processes, and check whether one is still running on this machine."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

_SILENT_S = 120.0
"""Work of a process on another host counts as given up after this long without a report; reports come every five seconds."""
_STUCK_S = 3600.0
"""The same for a running process of this host, whose thread may have failed."""
_START_TIME_FIELD = 19
"""Place of `starttime` in /proc/<pid>/stat, counted behind the command's closing bracket. Source: proc_pid_stat(5)."""


@cache
def _this(pid: int) -> str:
    return name_of(pid)


def this_process() -> str:
    """Return a unique identifier of this process: host, process id and start time."""
    return _this(os.getpid())  # a forked child is another process


def name_of(pid: int) -> str:
    """Return what `this_process` returns in another process of this machine."""
    return "|".join((socket.gethostname(), str(pid), _started(pid) or "?"))


def is_running(process: str) -> bool | None:
    """Return whether a process identified by `this_process` is still running; None if it is on another host.

    >>> is_running(this_process()), is_running("another-host|1|0")
    (True, None)
    """
    host, _, rest = process.partition("|")
    pid, _, started = rest.partition("|")
    if host != socket.gethostname():
        return None
    if not pid.isdigit():
        return False
    if (now := _started(int(pid))) is not None:
        return now == started
    if Path("/proc/self/stat").exists():
        return False
    try:  # systems without /proc
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def may_be_working(process: str, silent_s: float) -> bool:
    """Return whether another process may still be carrying out work that it began.

    Args:
        process: The name it gave itself with `this_process`.
        silent_s: Seconds since it last reported progress.

    >>> may_be_working("another-host|1|0", 30), may_be_working("another-host|1|0", 300)
    (True, False)
    """
    running = is_running(process)
    return running is not False and silent_s < (_SILENT_S if running is None else _STUCK_S)


def _started(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    # A zombie keeps its process id until its parent waits for it, and does no work.
    return fields[_START_TIME_FIELD] if len(fields) > _START_TIME_FIELD and fields[0] != "Z" else None
