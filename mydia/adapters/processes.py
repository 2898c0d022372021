"""Whether the process that started something is still running, also when it is another one on this machine."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

_START_TIME_FIELD = 19
"""Place of `starttime` in /proc/<pid>/stat, counted behind the command's closing bracket. Source: proc_pid_stat(5)."""


@cache
def _this(pid: int) -> str:
    return "|".join((socket.gethostname(), str(pid), _started(pid) or "?"))


def this_process() -> str:
    """Return a text that names this process and no other: host, number and start time."""
    return _this(os.getpid())  # a forked child is another process


def is_running(process: str) -> bool | None:
    """Return whether a process named by `this_process` still runs; None when it belongs to another host.

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


def _started(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    # A zombie holds its number until its parent looks, and works on nothing.
    return fields[_START_TIME_FIELD] if len(fields) > _START_TIME_FIELD and fields[0] != "Z" else None
